//! What the person in front of the terminal sees of a run.

use std::time::Duration;

use testkit::terminal::{Style, Terminal};

use crate::fault::Fault;

#[derive(Debug)]
pub(crate) struct Screen(Terminal);

impl Screen {
    pub(crate) fn on_stdout() -> Self {
        Self(Terminal::on_stdout())
    }

    pub(crate) fn title(&self, text: &str) {
        self.0.title(text);
    }

    pub(crate) fn progress(&self, text: &str) {
        self.0.timed(text);
    }

    pub(crate) fn fault(&self, fault: Fault, lasts: Duration) {
        let (sign, lasts) = (self.0.styled(Style::Red, "▼"), lasts.as_secs_f32());
        self.0.timed(&format!("  {sign} {fault} ({lasts:.1} s)"));
    }

    pub(crate) fn over(&self, fault: Fault) {
        let sign = self.0.styled(Style::Green, "▲");
        self.0.timed(&format!("  {sign} over: {fault}"));
    }

    /// A line of the results.
    pub(crate) fn number(&self, name: &str, value: &str) {
        self.0.line(&format!("  {name:<58} {value}"));
    }

    /// A line of the results that must be 0.
    pub(crate) fn bad_number(&self, name: &str, value: usize) {
        let style = if value == 0 { Style::Green } else { Style::Red };
        self.number(name, &self.0.styled(style, &value.to_string()));
    }
}
