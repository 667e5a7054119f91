//! What keeps an update, or a whole body, from being read.

use serde::{Deserialize, Serialize};

use super::NotANotification;

/// What is wrong with an update that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Damage {
    /// An entry that is no object or has no list of changes.
    Entry,
    /// A change without a field or a value, or with one of another type.
    Change,
    /// A list of statuses, messages, preferences or errors that is none.
    List,
    /// What an update of its kind cannot do without is missing, or of another type.
    Incomplete,
    /// Beyond [`MOST_UPDATES`](super::MOST_UPDATES); it stands for all that follow.
    TooMany,
}

impl Damage {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::Entry,
        Self::Change,
        Self::List,
        Self::Incomplete,
        Self::TooMany,
    ];

    /// A name for counting.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Change => "change",
            Self::List => "list",
            Self::Incomplete => "incomplete",
            Self::TooMany => "too_many",
        }
    }
}

impl NotANotification {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::TooLong, Self::NotJson, Self::NoEntries];

    /// A name for counting.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NotJson => "not_json",
            Self::NoEntries => "no_entries",
        }
    }
}
