//! What is wrong, or unwise, in a file.

use std::fmt;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file is refused whole.
    Error,
    /// The file is used.
    Warning,
}

/// One thing about one place in one file. It repeats no value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Relative to the folder: `resorts/azure-bay.toml`.
    pub file: String,
    /// Counted from 1; 1 also for what concerns the whole file.
    pub line: usize,
    /// How much it matters.
    pub severity: Severity,
    /// A sentence without its full stop.
    pub text: String,
}

impl Severity {
    /// `error` or `warning`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {}: {}",
            self.file,
            self.line,
            self.severity.as_str(),
            self.text
        )
    }
}
