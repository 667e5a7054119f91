//! What the person in front of the terminal sees.

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use chrono::Local;

use crate::phone::Received;

/// Prints; with colours on a terminal only. A reader that has gone away is no failure.
pub(crate) struct Screen {
    coloured: bool,
    started_at: Instant,
}

#[derive(Clone, Copy)]
enum Style {
    Bold,
    Dim,
    Green,
}

impl Screen {
    pub(crate) fn on_stdout() -> Self {
        Self {
            coloured: io::stdout().is_terminal(),
            started_at: Instant::now(),
        }
    }

    pub(crate) fn title(&self, text: &str) {
        line(&format!("\n{}\n", self.styled(Style::Bold, text)));
    }

    pub(crate) fn story(&self, text: &str) {
        let seconds = self.started_at.elapsed().as_secs_f32();
        line(&format!(
            "{} {text}",
            self.styled(Style::Dim, &format!("{seconds:5.1}s"))
        ));
    }

    pub(crate) fn step(&self, text: &str) {
        let seconds = self.started_at.elapsed().as_secs_f32();
        let time = self.styled(Style::Dim, &format!("{seconds:5.1}s"));
        line(&format!("{time}   {} {text}", self.styled(Style::Green, "✓")));
    }

    pub(crate) fn fact(&self, name: &str, value: &str) {
        line(&format!(
            "{} {value}",
            self.styled(Style::Dim, &format!("{name}:"))
        ));
    }

    /// A message as a bubble: time, text, where its button leads, and its states.
    pub(crate) fn message(&self, message: &Received) {
        let at = message.at.with_timezone(&Local).format("%H:%M:%S");
        let header = message.header.as_deref().unwrap_or("Azure Bay Resort");
        line(&format!(
            "  {}  {}",
            self.styled(Style::Dim, &at.to_string()),
            self.styled(Style::Bold, header)
        ));
        if let Some(body) = &message.body {
            line(&format!("            {body}"));
        }
        if let Some(url) = &message.button_url {
            line(&format!("            ▸ {url}"));
        }
        if let Some(footer) = &message.footer {
            line(&format!("            {}", self.styled(Style::Dim, footer)));
        }
        let template = message.template.as_deref().unwrap_or("text");
        let states = message.statuses.join(", ");
        line(&format!(
            "            {}\n",
            self.styled(Style::Green, &format!("✓✓ {states}  ({template})"))
        ));
    }

    fn styled(&self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Bold => 1,
            Style::Dim => 2,
            Style::Green => 32,
        };
        if self.coloured {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

fn line(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}
