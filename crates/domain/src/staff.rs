//! What a member of the support staff may do, and where.

use std::collections::BTreeSet;

use crate::audit::Action;
use crate::ids::ResortId;
use crate::text_enum::text_enum;

text_enum! {
    /// What a member of the staff may do; each role may do what those before it may.
    Role("role") {
        /// Sees everything, with names, numbers and texts hidden.
        Viewer = "viewer",
        /// Decides: about dead letters, conversations, messages and pauses. Sees personal data where they ask for it.
        Support = "support",
        /// Changes the staff, the keys, and what is stored of guests.
        Admin = "admin",
    }
}

/// The resorts that a member of the staff works for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Scope {
    #[default]
    All,
    /// Only these. What belongs to no resort, or to several, is not theirs.
    Resorts(BTreeSet<ResortId>),
}

/// What a member of the staff has been granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    pub role: Role,
    pub scope: Scope,
}

/// Why a member of the staff may not do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    #[error("this needs the role {needed}; yours is {role}: an admin can change it (desk staff role)")]
    Role { role: Role, needed: Role },
    #[error("this is outside the resorts that you work for: an admin can change them (desk staff role)")]
    Scope,
}

impl Scope {
    /// Whether something of this resort, or of none, is within it.
    pub fn includes(&self, resort: Option<&ResortId>) -> bool {
        match (self, resort) {
            (Self::All, _) => true,
            (Self::Resorts(resorts), Some(resort)) => resorts.contains(resort),
            (Self::Resorts(_), None) => false,
        }
    }
}

impl Access {
    /// Everything, everywhere.
    pub const ADMIN: Self = Self {
        role: Role::Admin,
        scope: Scope::All,
    };

    /// Whether the member may do this to something of this resort, or of none.
    pub fn check(&self, action: Action, resort: Option<&ResortId>) -> Result<(), Forbidden> {
        self.has(action.needs())?;
        if action.is_of_no_resort() {
            return Ok(());
        }
        self.reaches(resort)
    }

    pub fn has(&self, needed: Role) -> Result<(), Forbidden> {
        let role = self.role;
        (role >= needed)
            .then_some(())
            .ok_or(Forbidden::Role { role, needed })
    }

    /// Whether something of this resort, or of none, is the member's to see.
    pub fn reaches(&self, resort: Option<&ResortId>) -> Result<(), Forbidden> {
        self.scope.includes(resort).then_some(()).ok_or(Forbidden::Scope)
    }
}

impl Action {
    /// Members do it to their own account, wherever they work; or each letter's own row is checked.
    fn is_of_no_resort(self) -> bool {
        matches!(
            self,
            Self::StaffLinkMade | Self::SignedIn | Self::LetterJobMade | Self::LetterJobCancelled
        )
    }

    /// The least role that may do it.
    pub fn needs(self) -> Role {
        match self {
            Self::StaffLinkMade | Self::SignedIn => Role::Viewer,
            Self::BookingRevealed
            | Self::ConversationOpened
            | Self::LetterRevealed
            | Self::HoldsRevealed
            | Self::AuditRevealed
            | Self::LetterRetried
            | Self::PhoneCorrected
            | Self::LetterSettled
            | Self::LetterClosed
            | Self::LetterAssigned
            | Self::LetterJobMade
            | Self::LetterJobCancelled
            | Self::Paused
            | Self::Resumed
            | Self::PreviewSent
            | Self::GuestStopped
            | Self::GuestResumed
            | Self::GuestAnswered
            | Self::ConversationAssigned
            | Self::ConversationSnoozed
            | Self::ConversationClosed
            | Self::MediaFetched
            | Self::MessageWithdrawn
            | Self::MessageSentNow => Role::Support,
            Self::ResealBegun
            | Self::ResealEnded
            | Self::ImportBegun
            | Self::ImportEnded
            | Self::MessagesDoubted
            | Self::GuestExported
            | Self::GuestErased
            | Self::StaffAdded
            | Self::StaffRemoved
            | Self::StaffChanged => Role::Admin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(role: Role, resorts: &[&str]) -> Access {
        let resorts = resorts.iter().filter_map(|id| ResortId::parse(id).ok());
        Access {
            role,
            scope: Scope::Resorts(resorts.collect()),
        }
    }

    #[test]
    fn a_role_may_do_what_the_lesser_ones_may_and_no_more() {
        let resort = ResortId::parse("azure-bay").ok();
        for role in Role::ALL {
            let access = access(*role, &["azure-bay"]);

            let may = |action| access.check(action, resort.as_ref()).is_ok();

            assert_eq!(may(Action::LetterRetried), *role != Role::Viewer, "{role}");
            assert_eq!(may(Action::GuestErased), *role == Role::Admin, "{role}");
        }
    }

    #[test]
    fn a_member_reaches_their_resorts_and_nothing_that_belongs_to_none() {
        let ours = ResortId::parse("azure-bay").ok();
        let others = ResortId::parse("olive-hill").ok();
        let access = access(Role::Admin, &["azure-bay"]);

        assert_eq!(access.check(Action::LetterRetried, ours.as_ref()), Ok(()));
        for elsewhere in [others.as_ref(), None] {
            assert_eq!(
                access.check(Action::LetterRetried, elsewhere),
                Err(Forbidden::Scope)
            );
            assert_eq!(Access::ADMIN.check(Action::LetterRetried, elsewhere), Ok(()));
        }
    }
}
