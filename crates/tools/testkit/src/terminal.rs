//! Lines for the person who watches a play: the demonstration and the chaos print with it.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Instant;

/// Prints to stdout, with colours on a terminal only.
#[derive(Debug)]
pub struct Terminal {
    coloured: bool,
    started_at: Instant,
}

/// How a text is shown; the number is ANSI's.
#[derive(Debug, Clone, Copy)]
pub enum Style {
    Bold = 1,
    Dim = 2,
    Red = 31,
    Green = 32,
}

impl Terminal {
    pub fn on_stdout() -> Self {
        Self {
            coloured: io::stdout().is_terminal(),
            started_at: Instant::now(),
        }
    }

    pub fn line(&self, text: &str) {
        // A reader that has closed the pipe does not end the play.
        let _ = writeln!(io::stdout(), "{text}");
    }

    pub fn title(&self, text: &str) {
        self.line(&format!("\n{}", self.styled(Style::Bold, text)));
    }

    /// A line that begins with the time since the start.
    pub fn timed(&self, text: &str) {
        let seconds = self.started_at.elapsed().as_secs_f32();
        let time = self.styled(Style::Dim, &format!("{seconds:6.1}s"));
        self.line(&format!("{time} {text}"));
    }

    #[must_use]
    pub fn styled(&self, style: Style, text: &str) -> String {
        if self.coloured {
            format!("\u{1b}[{}m{text}\u{1b}[0m", style as u8)
        } else {
            text.to_owned()
        }
    }
}
