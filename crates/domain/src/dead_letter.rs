//! Why something was given up and laid on a person's desk, and what the person makes of it.

use crate::message::Reason;
use crate::text_enum::text_enum;

text_enum! {
    /// The reason in a letter's `bellhop-reason` header.
    DeadLetterReason("dead letter reason") {
        /// WhatsApp refused the message for good.
        Refused = "refused",
        /// WhatsApp refused the message again and again for a passing reason.
        RetriesExhausted = "retries_exhausted",
        /// WhatsApp could not be reached, again and again.
        Unreachable = "unreachable",
        /// Nobody said what became of a call.
        OutcomeUnknown = "outcome_unknown",
        /// WhatsApp accepted the message and reported later that it failed.
        DeliveryFailed = "delivery_failed",
        /// Neither the kind nor the fallback has a template.
        TemplateMissing = "template_missing",
        /// Postgres refused this event again and again.
        CannotBeApplied = "cannot_be_applied",
        /// Its handler crashed again and again.
        Crashed = "crashed",
        /// The envelope, or what was sealed in it, could not be read.
        Undecodable = "undecodable",
        /// RabbitMQ gave it back too often; such a letter carries no headers of ours.
        DeliveryLimit = "delivery_limit",
        /// A stop in WhatsApp matches no guest. It is applied all the same: it is stored under every name of its writer.
        UnmatchedStop = "unmatched_stop",
    }
}

text_enum! {
    /// What died.
    LetterKind("kind of letter") {
        /// An event that nobody could apply.
        Events = "events",
        /// A message that nobody could send.
        Messages = "messages",
    }
}

text_enum! {
    /// Where a letter stands. Every state but the first is an end; who dies again gets a letter anew.
    LetterState("letter state") {
        /// Waits for a person.
        Open = "open",
        /// What died is tried once more.
        Retried = "retried",
        /// What became of it is known.
        Settled = "settled",
        /// A person wants nothing to be done about it.
        Closed = "closed",
    }
}

text_enum! {
    /// What became of a dead message after all.
    Settlement("settlement") {
        /// It went: somebody knows, or WhatsApp said so.
        Sent = "sent",
        /// It did not go, and will not.
        NotSent = "not_sent",
        /// WhatsApp reported that it failed: that death has a letter of its own.
        Failed = "failed",
        /// WhatsApp reported it on the guest's phone.
        Delivered = "delivered",
        /// WhatsApp reported that the guest saw it.
        Read = "read",
        /// The writer of an unmatched stop is known as a guest now.
        Matched = "matched",
    }
}

/// Why a person's decision about a letter is not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DecisionRefused {
    /// The letter is of an event; there is no message to decide about.
    NotAMessage,
    /// The letter names no message that exists: it cannot be read, or the message was erased.
    MessageGone,
    /// WhatsApp took the message after all.
    SentAfterAll,
    /// The message is not dead any more.
    NotDead,
    /// The message is wanted, but only later.
    NotYet,
    /// The resort has no readable file, so nothing can be planned.
    WithoutResort,
    /// What is stored of the booking is damaged.
    Damaged,
    /// It would be wrong now, for this reason.
    NotWanted(Reason),
}

impl DecisionRefused {
    /// The one text form, in output.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_of_a_letter_reads_back_as_it_was_written() {
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
