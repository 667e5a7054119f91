//! Findings about files, and the changes that a new reading of the files brings.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file is rejected as a whole.
    Error,
    Warning,
}

/// Something that is wrong or unwise in a file. It repeats no value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Relative to the folder: `resorts/azure-bay.toml`.
    pub file: String,
    /// Counted from 1; also 1 if the whole file is concerned.
    pub line: usize,
    pub severity: Severity,
    /// A sentence without its full stop.
    pub text: String,
}

/// What a new reading changed; empty if nothing did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files that are now in force, new or changed.
    pub applied: Vec<String>,
    /// Files that no longer exist; their resort or source is removed.
    pub removed: Vec<String>,
    /// Errors that were not there before. The last good version of the file stays in force.
    pub refused: Vec<Finding>,
    /// Warnings that were not there before.
    pub warnings: Vec<Finding>,
}

impl Severity {
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

impl Finding {
    /// Logs one line.
    pub(crate) fn log(&self) {
        match self.severity {
            Severity::Error => log::error!(event = "config_rejected", finding:% = self;
                "config rejected: its last good version stays in force, where there is one"),
            Severity::Warning => log::warn!(event = "config_warning", finding:% = self; "config warning"),
        }
    }
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.applied.is_empty()
            && self.removed.is_empty()
            && self.refused.is_empty()
            && self.warnings.is_empty()
    }

    /// Logs one line for each change.
    pub fn tell(&self) {
        for file in &self.applied {
            log::info!(event = "config_loaded", file; "config loaded");
        }
        for file in &self.removed {
            log::warn!(event = "config_removed", file; "config removed");
        }
        for warning in &self.warnings {
            warning.log();
        }
        for refused in &self.refused {
            refused.log();
        }
    }
}
