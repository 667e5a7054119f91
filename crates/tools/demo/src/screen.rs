//! What the person in front of the terminal sees of the journey.

use chrono::Local;
use testkit::terminal::{Style, Terminal};

use crate::phone::Received;

pub(crate) struct Screen(Terminal);

impl Screen {
    pub(crate) fn on_stdout() -> Self {
        Self(Terminal::on_stdout())
    }

    pub(crate) fn title(&self, text: &str) {
        self.0.title(&format!("{text}\n"));
    }

    pub(crate) fn story(&self, text: &str) {
        self.0.timed(text);
    }

    pub(crate) fn step(&self, text: &str) {
        self.0
            .timed(&format!("  {} {text}", self.0.styled(Style::Green, "✓")));
    }

    pub(crate) fn fact(&self, name: &str, value: &str) {
        let name = self.0.styled(Style::Dim, &format!("{name}:"));
        self.0.line(&format!("{name} {value}"));
    }

    /// A message as a bubble: time, text, where its button leads, and its states.
    pub(crate) fn message(&self, message: &Received) {
        let at = message.at.with_timezone(&Local).format("%H:%M:%S").to_string();
        let header = message.header.as_deref().unwrap_or("Azure Bay Resort");
        let (at, header) = (self.0.styled(Style::Dim, &at), self.0.styled(Style::Bold, header));
        self.0.line(&format!("  {at}  {header}"));
        let footer = message
            .footer
            .as_deref()
            .map(|footer| self.0.styled(Style::Dim, footer));
        let link = message.button_url.as_deref().map(|url| format!("▸ {url}"));
        let buttons = message.replies.iter().map(|reply| format!("[{}]", reply.label()));
        let buttons = Some(buttons.collect::<Vec<_>>().join("  ")).filter(|line| !line.is_empty());
        for line in [message.body.clone(), link, buttons, footer]
            .into_iter()
            .flatten()
        {
            self.0.line(&format!("            {line}"));
        }
        let template = message.template.as_deref().unwrap_or("text");
        let states = format!("✓✓ {}  ({template})", message.statuses.join(", "));
        let states = self.0.styled(Style::Green, &states);
        self.0.line(&format!("            {states}\n"));
    }
}
