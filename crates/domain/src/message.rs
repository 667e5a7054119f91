//! A message to a guest: its kind, its states, and the reasons for which it is not sent.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text_enum::{Unknown, text_enum};

mod kind;

pub use kind::{InvalidMomentName, MessageKind, MomentName};

text_enum! {
    /// The state of a message. `Queued` to `Read` is the ordinary way; the order of the rest has no meaning.
    MessageState("message state") {
        /// Waits for its time, for a sender, or for the next attempt.
        Queued = "queued",
        /// A sender claimed it and may be calling WhatsApp right now.
        Sending = "sending",
        Sent = "sent",
        Delivered = "delivered",
        Read = "read",
        /// The call ended without an answer that tells whether WhatsApp accepted it.
        Unknown = "unknown",
        /// Waits for the end of a hold.
        Held = "held",
        /// End: no longer wanted before it was sent.
        Withdrawn = "withdrawn",
        /// End: too late to be useful.
        Expired = "expired",
        /// End: could not be sent, or must not be. The message's reason says why.
        Skipped = "skipped",
        /// End: given up; a dead letter waits for a person.
        Dead = "dead",
    }
}

impl MessageState {
    /// Whether WhatsApp accepted the message, so that the guest has it or will have it.
    pub const fn went(self) -> bool {
        matches!(self, Self::Sent | Self::Delivered | Self::Read)
    }

    /// Whether no program will change the state any more.
    pub const fn is_end(self) -> bool {
        matches!(
            self,
            Self::Read | Self::Withdrawn | Self::Expired | Self::Skipped | Self::Dead
        )
    }
}

text_enum! {
    /// What WhatsApp reports of a message that it accepted. Later members overrule earlier ones (Meta, status
    /// messages webhook).
    DeliveryStatus("delivery status") {
        Sent = "sent",
        Failed = "failed",
        /// The message is on the guest's phone. Overrules `Failed`: a guest with several devices can cause both.
        Delivered = "delivered",
        Read = "read",
    }
}

impl DeliveryStatus {
    /// The state of a message whose highest status is this one.
    pub const fn state(self) -> MessageState {
        match self {
            Self::Sent => MessageState::Sent,
            Self::Failed => MessageState::Dead,
            Self::Delivered => MessageState::Delivered,
            Self::Read => MessageState::Read,
        }
    }
}

/// What WhatsApp charges for a message, as one of its statuses says. A part that the status leaves out is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pricing {
    /// `marketing`, `marketing_lite`, `utility`, `authentication`, `service`, …
    pub category: Option<String>,
    /// `regular`, `free_customer_service`, `free_entry_point`.
    #[serde(rename = "type")]
    pub type_: Option<String>,
    /// Meta will end this part; what the type says is the same.
    pub billable: Option<bool>,
}

text_enum! {
    Reason("reason") {
        Confirmed = "confirmed",
        BecameReservation = "became_reservation",
        /// The same guest has another reservation at the resort, for these dates or for unknown ones.
        BookedElsewhere = "booked_elsewhere",
        Cancelled = "cancelled",
        /// The guest returned to the cart before the message was sent. Only refuses a manual retry; the plan moves the
        /// reminder instead.
        ActiveAgain = "active_again",
        NotArrived = "not_arrived",
        /// The resort's file does not ask for this kind of message.
        NotConfigured = "not_configured",
        /// The moment was added to the resort's file, or changed, after its time had passed for this booking.
        NewMoment = "new_moment",
        /// The moment's `only_if` does not hold for this booking.
        ConditionNotMet = "condition_not_met",
        /// The guest left before the moment's time.
        AlreadyLeft = "already_left",
        /// The event said `notify: false`.
        NotifyOff = "notify_off",
        NoPhone = "no_phone",
        InvalidPhone = "invalid_phone",
        NoConsent = "no_consent",
        OptedOut = "opted_out",
        /// The guest wrote, and staff have not let the reminders go again.
        Replied = "replied",
        /// WhatsApp delivers no marketing messages to numbers of the United States.
        UsMarketing = "us_marketing",
        /// A value of the template is missing, and the template has no `else` for it.
        MissingValue = "missing_value",
        /// The resort is in test mode, and the guest's number is not one of its test numbers.
        TestMode = "test_mode",
        Expired = "expired",
        /// The first reminder was never sent, so the second has nothing to follow.
        FirstReminderNeverWent = "first_reminder_never_went",
        Erased = "erased",
        /// The guest has had the day's reminders, or has only just confirmed a reservation. Decided by the claim alone.
        Capped = "capped",
        /// The guest is in the hold-out: reminders would have gone, and do not, so that what they earn can be measured. Decided by
        /// the claim alone.
        HeldOut = "held_out",
        /// WhatsApp says, again after a day's rest, that the guest gets enough marketing.
        MarketingLimit = "marketing_limit",
        /// The message is free text only, and the guest's 24-hour window is closed.
        WindowClosed = "window_closed",
        /// The guest opted in again before the stop was confirmed.
        OptedIn = "opted_in",
        /// A member of the staff does not want it sent.
        WithdrawnByStaff = "withdrawn_by_staff",
    }
}

text_enum! {
    /// Which content a message is sent with.
    ContentChoice("turn") {
        /// The kind's own template where it has one, else the fallback.
        Template = "template",
        /// The fallback, because WhatsApp said that the kind's own template cannot be used.
        Fallback = "fallback",
    }
}

/// The number of a call of one message: 1 for the first. It only grows, also over a person's retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attempt(pub u32);

/// What a call carries to WhatsApp, and each of its statuses carries back: `<message id>.<attempt>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallbackData {
    pub message: crate::ids::MessageId,
    pub attempt: Attempt,
}

impl fmt::Display for CallbackData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.message, self.attempt.0)
    }
}

impl FromStr for CallbackData {
    type Err = Unknown;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = Unknown {
            what: "callback data",
        };
        let (message, attempt) = text.split_once('.').ok_or(unknown.clone())?;
        Ok(Self {
            message: message.parse().map_err(|_| unknown.clone())?,
            attempt: Attempt(attempt.parse().map_err(|_| unknown)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stored_enum_reads_back_what_it_writes() {
        for kind in MessageKind::BUILT_IN {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
        for state in MessageState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        for reason in Reason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(*reason));
        }
    }

    #[test]
    fn callback_data_reads_back_what_it_writes_and_refuses_other_texts() {
        let data = CallbackData {
            message: crate::ids::MessageId(uuid::Uuid::nil()),
            attempt: Attempt(3),
        };

        assert_eq!(data.to_string().parse(), Ok(data));
        assert!("att_01J9Z7".parse::<CallbackData>().is_err());
    }
}
