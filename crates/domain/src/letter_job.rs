//! Actions over everything that a filter of dead letters matches.

use std::fmt;

use crate::ids::StaffName;
use crate::text_enum::text_enum;

text_enum! {
    /// How a job stands. Every state but the first is final.
    JobState("state of a job") {
        Running = "running",
        Done = "done",
        /// A person stopped it between two letters.
        Cancelled = "cancelled",
        /// It cannot go on: its maker may not do it any more, or it cannot be read.
        Failed = "failed",
    }
}

/// What is done with each letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobAction {
    Retry,
    /// Without further action.
    Close,
    /// To a member of the staff, or to nobody.
    Assign(Option<StaffName>),
}

impl JobAction {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Close => "close",
            Self::Assign(_) => "assign",
        }
    }

    pub const fn assignee(&self) -> Option<&StaffName> {
        match self {
            Self::Assign(to) => to.as_ref(),
            Self::Retry | Self::Close => None,
        }
    }

    /// `None`: a newer program's.
    pub fn parse(text: &str, assignee: Option<StaffName>) -> Option<Self> {
        match text {
            "retry" => Some(Self::Retry),
            "close" => Some(Self::Close),
            "assign" => Some(Self::Assign(assignee)),
            _ => None,
        }
    }
}

impl fmt::Display for JobAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_reads_back_what_it_writes() {
        for action in [
            JobAction::Retry,
            JobAction::Close,
            JobAction::Assign(None),
            JobAction::Assign(StaffName::parse("anna").ok()),
        ] {
            let read = JobAction::parse(action.as_str(), action.assignee().cloned());
            assert_eq!(read, Some(action));
        }
        assert_eq!(JobAction::parse("translate", None), None);
    }
}
