//! What a claim decides, as `store/src/claims/claim.sql` does for the rows that are committed by then.

use chrono::{DateTime, Utc};

use crate::message::Reason;
use crate::plan::Existing;

/// A message that is ready for its call, and what the claim looks at.
#[derive(Debug, Clone, Copy)]
pub struct Ready<'a> {
    pub message: &'a Existing,
    /// Whether the guest can refuse it.
    pub is_marketing: bool,
    /// Whether it asks the guest to finish a booking.
    pub is_reminder: bool,
    pub is_opted_out: bool,
    /// Whether its own booking is a reservation.
    pub stands: bool,
    /// Whether another reservation of the guest makes its cart superfluous.
    pub is_booked_elsewhere: bool,
    /// Quiet hours begin then.
    pub not_after: Option<DateTime<Utc>>,
    /// Whether the guest has had enough today, or has just booked.
    pub is_capped: bool,
    /// Whether it is a reminder, and the guest in the hold-out.
    pub is_held_out: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    Granted,
    /// The message ends, for this reason.
    Ended(Reason),
    NotNow,
}

/// Judges a queued message. The first rule that applies decides, in the order of the statement.
pub fn judge(ready: &Ready<'_>, now: DateTime<Utc>) -> Claim {
    let message = ready.message;
    if message.withdrawn {
        // A mark always has a reason.
        return Claim::Ended(message.reason.unwrap_or(Reason::Cancelled));
    }
    let rules = [
        (message.expires_at <= now, Reason::Expired),
        (ready.is_marketing && ready.is_opted_out, Reason::OptedOut),
        (ready.is_reminder && ready.stands, Reason::Confirmed),
        (
            ready.is_reminder && ready.is_booked_elsewhere,
            Reason::BookedElsewhere,
        ),
    ];
    if let Some((_, reason)) = rules.into_iter().find(|(applies, _)| *applies) {
        return Claim::Ended(reason);
    }
    let is_quiet = ready.not_after.is_some_and(|quiet| quiet <= now);
    if message.due_at > now || is_quiet {
        return Claim::NotNow;
    }
    // What waits for another reason may be within the limits when it goes.
    if ready.is_capped {
        return Claim::Ended(Reason::Capped);
    }
    // Asked last: the hold-out is the guests who would have got it.
    if ready.is_held_out && message.attempts == 0 {
        return Claim::Ended(Reason::HeldOut);
    }
    Claim::Granted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::MessageId;
    use crate::message::{MessageKind, MessageState};

    fn at(hour: u32) -> DateTime<Utc> {
        format!("2026-11-23T{hour:02}:00:00Z").parse().unwrap()
    }

    fn queued(due: DateTime<Utc>, closes: DateTime<Utc>) -> Existing {
        Existing {
            id: MessageId(uuid::Uuid::nil()),
            kind: MessageKind::Reminder1,
            round: 0,
            basis_at: due,
            state: MessageState::Queued,
            reason: None,
            attempts: 0,
            due_at: due,
            expires_at: closes,
            sent_at: None,
            withdrawn: false,
        }
    }

    /// A reminder that nothing forbids.
    fn ready(message: &Existing) -> Ready<'_> {
        Ready {
            message,
            is_marketing: true,
            is_reminder: true,
            is_opted_out: false,
            stands: false,
            is_booked_elsewhere: false,
            not_after: Some(message.expires_at),
            is_capped: false,
            is_held_out: false,
        }
    }

    #[test]
    fn what_ends_a_message_comes_before_what_lets_it_wait() {
        let (due, closes, early) = (at(10), at(22), at(9));
        let message = queued(due, closes);
        let ready = ready(&message);
        let marked = Existing {
            withdrawn: true,
            reason: Some(Reason::Erased),
            ..message.clone()
        };

        assert_eq!(judge(&ready, due), Claim::Granted);
        let capped = Ready {
            is_capped: true,
            ..ready
        };
        assert_eq!(judge(&capped, due), Claim::Ended(Reason::Capped));
        assert_eq!(judge(&capped, early), Claim::NotNow);
        assert_eq!(judge(&ready, early), Claim::NotNow);
        assert_eq!(judge(&ready, closes), Claim::Ended(Reason::Expired));
        let quiet = Ready {
            not_after: Some(due),
            ..ready
        };
        assert_eq!(judge(&quiet, due), Claim::NotNow);
        let elsewhere = Ready {
            is_booked_elsewhere: true,
            ..quiet
        };
        assert_eq!(judge(&elsewhere, due), Claim::Ended(Reason::BookedElsewhere));
        let booked = Ready {
            stands: true,
            ..elsewhere
        };
        assert_eq!(judge(&booked, due), Claim::Ended(Reason::Confirmed));
        let refused = Ready {
            is_opted_out: true,
            ..booked
        };
        assert_eq!(judge(&refused, early), Claim::Ended(Reason::OptedOut));
        let withdrawn = Ready {
            message: &marked,
            ..refused
        };
        assert_eq!(judge(&withdrawn, closes), Claim::Ended(Reason::Erased));
    }

    #[test]
    fn the_hold_out_is_asked_last_and_of_what_was_never_attempted() {
        let (due, closes, early) = (at(10), at(22), at(9));
        let message = queued(due, closes);
        let held_out = Ready {
            is_held_out: true,
            ..ready(&message)
        };
        let capped = Ready {
            is_capped: true,
            ..held_out
        };
        let tried = Existing {
            attempts: 1,
            ..message.clone()
        };
        let tried = Ready {
            message: &tried,
            ..held_out
        };

        assert_eq!(judge(&held_out, due), Claim::Ended(Reason::HeldOut));
        assert_eq!(judge(&held_out, early), Claim::NotNow);
        assert_eq!(judge(&capped, due), Claim::Ended(Reason::Capped));
        assert_eq!(judge(&tried, due), Claim::Granted);
    }
}
