//! What the person in front of the terminal sees.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use tokio::time::Instant;

use crate::fault::Fault;

/// Prints; with colours on a terminal only. A reader that has gone away is no failure.
#[derive(Debug)]
pub(crate) struct Screen {
    coloured: bool,
    started_at: Instant,
}

#[derive(Clone, Copy)]
enum Style {
    Bold = 1,
    Dim = 2,
    Red = 31,
    Green = 32,
}

impl Screen {
    pub(crate) fn on_stdout() -> Self {
        Self {
            coloured: io::stdout().is_terminal(),
            started_at: Instant::now(),
        }
    }

    pub(crate) fn title(&self, text: &str) {
        line(&format!("\n{}", self.styled(Style::Bold, text)));
    }

    pub(crate) fn progress(&self, text: &str) {
        line(&format!("{} {text}", self.time()));
    }

    pub(crate) fn fault(&self, fault: Fault, lasts: Duration) {
        let lasts = lasts.as_secs_f32();
        line(&format!(
            "{}   {} {fault} ({lasts:.1} s)",
            self.time(),
            self.styled(Style::Red, "▼")
        ));
    }

    pub(crate) fn over(&self, fault: Fault) {
        line(&format!(
            "{}   {} over: {fault}",
            self.time(),
            self.styled(Style::Green, "▲")
        ));
    }

    /// A line of the books.
    pub(crate) fn number(&self, name: &str, value: &str) {
        line(&format!("  {name:<58} {value}"));
    }

    /// A line of the books that must be 0.
    pub(crate) fn bad_number(&self, name: &str, value: usize) {
        let style = if value == 0 { Style::Green } else { Style::Red };
        line(&format!(
            "  {name:<58} {}",
            self.styled(style, &value.to_string())
        ));
    }

    fn time(&self) -> String {
        self.styled(
            Style::Dim,
            &format!("{:6.1}s", self.started_at.elapsed().as_secs_f32()),
        )
    }

    fn styled(&self, style: Style, text: &str) -> String {
        if self.coloured {
            format!("\u{1b}[{}m{text}\u{1b}[0m", style as u8)
        } else {
            text.to_owned()
        }
    }
}

fn line(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}
