//! What a new reading of the files changed, and how the log tells it.

use crate::finding::Finding;

/// What a new reading changed; empty where nothing did. For the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files that are now in force, new or changed.
    pub applied: Vec<String>,
    /// Files that are gone, and with them their resort or source.
    pub removed: Vec<String>,
    /// Errors that were not there before; what was good before stays in force.
    pub refused: Vec<Finding>,
    /// Warnings that were not there before.
    pub warnings: Vec<Finding>,
}

impl Changes {
    /// Whether nothing is worth telling.
    pub fn is_empty(&self) -> bool {
        self.applied.is_empty()
            && self.removed.is_empty()
            && self.refused.is_empty()
            && self.warnings.is_empty()
    }

    /// One line in the log for each.
    pub fn tell(&self) {
        for file in &self.applied {
            log::info!(file; "file is in force");
        }
        for file in &self.removed {
            log::warn!(file; "file is gone");
        }
        for warning in &self.warnings {
            log::warn!(finding:% = warning; "file is unwise");
        }
        for refused in &self.refused {
            log::error!(finding:% = refused; "file is refused; what was good before stays in force");
        }
    }
}
