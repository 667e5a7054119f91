//! Dead letters: why a program gave up an event or a message, and how a person settles it.

mod advice;

use crate::message::Reason;
use crate::text_enum::text_enum;

pub use advice::{Advice, Way, advice, of_code, table};

text_enum! {
    /// Why an event or message became a dead letter; the value of the header `bellhop-reason`.
    DeadLetterReason("dead letter reason") {
        /// WhatsApp refused the message finally.
        Refused = "refused",
        /// WhatsApp refused the message several times, for a passing reason.
        RetriesExhausted = "retries_exhausted",
        /// WhatsApp could not be reached, several times.
        Unreachable = "unreachable",
        /// No answer, report or evidence told the outcome of a call.
        OutcomeUnknown = "outcome_unknown",
        /// WhatsApp accepted the message and reported later that it failed.
        DeliveryFailed = "delivery_failed",
        /// Neither the kind nor the fallback has a template.
        TemplateMissing = "template_missing",
        /// Postgres refused this event several times.
        CannotBeApplied = "cannot_be_applied",
        /// The processor crashed several times while it handled the event.
        Crashed = "crashed",
        /// The envelope, or the sealed content, cannot be read.
        Undecodable = "undecodable",
        /// A platform's own payload that the mapping of its source cannot read.
        Unmappable = "unmappable",
        /// A platform did not tell what its webhook left out.
        FetchFailed = "fetch_failed",
        /// A resort's own tool did not take a webhook for a day, or said that it is gone.
        WebhookFailed = "webhook_failed",
        /// RabbitMQ redelivered it too often. Such a dead letter has no headers of ours.
        DeliveryLimit = "delivery_limit",
        /// A stop in WhatsApp matches no known guest. It is in force all the same, stored under every name of its
        /// writer.
        UnmatchedStop = "unmatched_stop",
    }
}

text_enum! {
    LetterKind("kind of letter") {
        Events = "events",
        Messages = "messages",
    }
}

text_enum! {
    /// The state of a dead letter. Every state but the first is final: an event or message that fails again gets a
    /// new dead letter.
    LetterState("letter state") {
        Open = "open",
        /// The event or message was queued again.
        Retried = "retried",
        /// The outcome is known.
        Settled = "settled",
        /// A person decided that nothing is to be done.
        Closed = "closed",
    }
}

text_enum! {
    /// How dead letters stand for which a person looks.
    Standing("state of letters") {
        Open = "open",
        /// Anything but open.
        Ended = "ended",
        Retried = "retried",
        Settled = "settled",
        Closed = "closed",
    }
}

text_enum! {
    /// The outcome of a dead message that became known later.
    Settlement("settlement") {
        /// The message was sent: a person knows it, or WhatsApp reported it.
        Sent = "sent",
        /// The message was not sent and will not be.
        NotSent = "not_sent",
        /// WhatsApp reported a failure, which has a dead letter of its own.
        Failed = "failed",
        Delivered = "delivered",
        Read = "read",
        /// The writer of an unmatched stop is now known as a guest.
        Matched = "matched",
    }
}

/// Why a person's decision about a dead letter is not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DecisionRefused {
    /// The dead letter is an event's.
    NotAMessage,
    /// The dead letter cannot be read, or its message was erased.
    MessageGone,
    /// WhatsApp accepted the message after all.
    SentAfterAll,
    /// The message is no longer dead.
    NotDead,
    /// The message is wanted, but only later.
    NotYet,
    /// The resort has no readable file, so nothing can be planned.
    WithoutResort,
    /// The stored facts of the booking are damaged.
    Damaged,
    /// Sending the message now would be wrong, for this reason.
    NotWanted(Reason),
}

impl DecisionRefused {
    /// The text form in output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAMessage => "not_a_message",
            Self::MessageGone => "message_gone",
            Self::SentAfterAll => "sent_after_all",
            Self::NotDead => "not_dead",
            Self::NotYet => "not_yet",
            Self::WithoutResort => "resort_without_file",
            Self::Damaged => "booking_damaged",
            Self::NotWanted(reason) => reason.as_str(),
        }
    }
}

impl std::fmt::Display for DecisionRefused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The outcome of a letter that was retried, in counts.
pub const RETRIED: &str = "retried";
/// The outcome of a letter that was closed, in counts.
pub const CLOSED: &str = "closed";

/// What a letter's outcome in counts asks of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing: it was decided as asked.
    Done,
    /// Nothing: it would be wrong, or is decided already.
    Refused,
    /// To mend something first: a number, a file, a mapping.
    NeedsAPerson,
}

impl Outcome {
    /// By the word in counts. An unknown one wants a person.
    pub fn of(word: &str) -> Self {
        match word {
            RETRIED | CLOSED | "assigned" | "assigned_already" => Self::Done,
            "too_late" | "not_found" | "sent_after_all" | "not_dead" | "not_yet" | "message_gone" => {
                Self::Refused
            }
            _ => match word.parse() {
                Ok(Reason::NoPhone | Reason::InvalidPhone | Reason::MissingValue | Reason::NotConfigured)
                | Err(_) => Self::NeedsAPerson,
                Ok(_) => Self::Refused,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_enums_of_dead_letters_read_back_what_they_write() {
        for reason in DeadLetterReason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(*reason));
        }
        for state in LetterState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        for settlement in Settlement::ALL {
            assert_eq!(settlement.as_str().parse(), Ok(*settlement));
        }
    }
}
