//! Why an update, or a whole body, cannot be read; the names are labels of metrics.

use serde::{Deserialize, Serialize};

use super::NotANotification;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Damage {
    /// The entry is not an object, or has no list of changes.
    Entry,
    /// The change has no field or no value, or one of the wrong type.
    Change,
    /// A list of statuses, messages, preferences or errors is not a list.
    List,
    /// A member that this kind of update needs is missing, or has the wrong type.
    Incomplete,
    /// The update is beyond [`MOST_UPDATES`](super::MOST_UPDATES); it stands for all that follow.
    TooMany,
}

impl Damage {
    pub const ALL: [Self; 5] = [
        Self::Entry,
        Self::Change,
        Self::List,
        Self::Incomplete,
        Self::TooMany,
    ];

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
    pub const ALL: [Self; 3] = [Self::TooLong, Self::NotJson, Self::NoEntries];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NotJson => "not_json",
            Self::NoEntries => "no_entries",
        }
    }
}
