//! A message to a guest: its kinds, and the states of its life.

pub mod life;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text_enum::{Unknown, text_enum};

text_enum! {
    /// What a message is about.
    MessageKind("message kind") {
        /// To a guest who drifted away, at once when the booking counts as abandoned.
        Reminder1 = "reminder_1",
        /// Once more, counted from when the first reminder really went.
        Reminder2 = "reminder_2",
        /// After the reservation.
        ReservationConfirmation = "reservation_confirmation",
        /// After the stay.
        ReviewRequest = "review_request",
        /// The answer to a guest who opts out: free text within the open window, never a template.
        StopConfirmation = "stop_confirmation",
    }
}

impl MessageKind {
    /// Whether the guest may refuse it and quiet hours put it off: reminders and review requests, not confirmations.
    pub const fn is_marketing(self) -> bool {
        !matches!(self, Self::ReservationConfirmation | Self::StopConfirmation)
    }

    /// Whether a resort's file may name templates, texts and times for it: it does for what the resort itself begins.
    pub const fn has_templates(self) -> bool {
        !matches!(self, Self::StopConfirmation)
    }

    /// Whether the plan depends on when a message of this kind really went.
    pub const fn others_follow(self) -> bool {
        matches!(self, Self::Reminder1)
    }

    /// Whether it wants the guest to finish a booking, so that a reservation makes it wrong.
    pub const fn is_reminder(self) -> bool {
        matches!(self, Self::Reminder1 | Self::Reminder2)
    }
}

text_enum! {
    /// Where a message stands. `Queued` to `Read` is the good way; the order of the rest has no meaning.
    MessageState("message state") {
        /// Waits for its time, for a sender, or for the next try.
        Queued = "queued",
        /// A sender claimed it and may be calling WhatsApp at this moment.
        Sending = "sending",
        /// WhatsApp accepted it.
        Sent = "sent",
        /// It reached the guest's phone.
        Delivered = "delivered",
        /// The guest saw it.
        Read = "read",
        /// The call ended without an answer that tells whether WhatsApp took it.
        Unknown = "unknown",
        /// Waits until its scope (token, number, account, template, …) is well again.
        Held = "held",
        /// End: no longer wanted before it went.
        Withdrawn = "withdrawn",
        /// End: too late to be of use.
        Expired = "expired",
        /// End: could not or must not be sent, for a reason that stands beside it.
        Skipped = "skipped",
        /// End: given up, a letter waits for a person.
        Dead = "dead",
    }
}

impl MessageState {
    /// Whether WhatsApp has taken the message, so that the guest has it or will have it.
    pub const fn went(self) -> bool {
        matches!(self, Self::Sent | Self::Delivered | Self::Read)
    }

    /// Whether nothing further is expected to happen by machine.
    pub const fn is_end(self) -> bool {
        matches!(
            self,
            Self::Read | Self::Withdrawn | Self::Expired | Self::Skipped | Self::Dead
        )
    }
}

text_enum! {
    /// What WhatsApp reports of a message that it accepted. Later members overrule earlier ones (Meta, status messages webhook).
    DeliveryStatus("delivery status") {
        /// On its way.
        Sent = "sent",
        /// It will not arrive.
        Failed = "failed",
        /// On the phone. Overrules `Failed`: a guest with several devices can cause both.
        Delivered = "delivered",
        /// Seen.
        Read = "read",
    }
}

impl DeliveryStatus {
    /// The state of a message of which this is the highest status.
    pub const fn state(self) -> MessageState {
        match self {
            Self::Sent => MessageState::Sent,
            Self::Failed => MessageState::Dead,
            Self::Delivered => MessageState::Delivered,
            Self::Read => MessageState::Read,
        }
    }
}

text_enum! {
    /// Why a message is not, or no longer, to be sent.
    Reason("reason") {
        /// The guest has booked.
        Confirmed = "confirmed",
        /// The cart became a reservation under another id.
        BecameReservation = "became_reservation",
        /// The same guest has a reservation at the resort for these or unknown dates.
        BookedElsewhere = "booked_elsewhere",
        /// The reservation was cancelled.
        Cancelled = "cancelled",
        /// The guest came back before the message went.
        ActiveAgain = "active_again",
        /// The guest has not arrived.
        NotArrived = "not_arrived",
        /// The resort's file does not ask for it.
        NotConfigured = "not_configured",
        /// The event said `notify: false`.
        NotifyOff = "notify_off",
        /// The booking has no phone number.
        NoPhone = "no_phone",
        /// The booking's phone number is not a valid one.
        InvalidPhone = "invalid_phone",
        /// The guest did not consent.
        NoConsent = "no_consent",
        /// The guest opted out.
        OptedOut = "opted_out",
        /// WhatsApp delivers no reminders and review requests to numbers of the United States.
        UsMarketing = "us_marketing",
        /// A value of the template is missing and has no `else`.
        MissingValue = "missing_value",
        /// The resort is in test mode and this is none of its test numbers.
        TestMode = "test_mode",
        /// Too late to be of use.
        Expired = "expired",
        /// The first reminder never went, so there is nothing to remind of again.
        FirstReminderNeverWent = "first_reminder_never_went",
        /// The guest's data were erased.
        Erased = "erased",
        /// WhatsApp says, again after a day, that the guest gets enough marketing.
        MarketingLimit = "marketing_limit",
        /// It is free text only, and the guest's 24-hour window is closed.
        WindowClosed = "window_closed",
        /// The guest wants messages again before the stop was confirmed.
        OptedIn = "opted_in",
    }
}

text_enum! {
    /// Whose turn it is to be sent.
    ContentChoice("turn") {
        /// The kind's own template, else the fallback.
        Template = "template",
        /// WhatsApp said that the kind's own template cannot be used.
        Fallback = "fallback",
    }
}

/// Which try of a message this is: 1 for the first. It only grows, also over a person's retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attempt(pub u32);

/// What a message carries to WhatsApp and back: `<message id>.<attempt>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallbackData {
    /// Whose call it was.
    pub message: crate::ids::MessageId,
    /// Which of its calls.
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
        for kind in MessageKind::ALL {
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
    fn callback_data_reads_back_what_it_writes_and_refuses_strangers() {
        let data = CallbackData {
            message: crate::ids::MessageId(uuid::Uuid::nil()),
            attempt: Attempt(3),
        };

        assert_eq!(data.to_string().parse(), Ok(data));
        assert!("att_01J9Z7".parse::<CallbackData>().is_err());
    }
}
