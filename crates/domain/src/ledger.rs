//! What `desk ledger check` can find: something without an end that should have one by now, or an end without a
//! reason.

use crate::text_enum::text_enum;

text_enum! {
    Trouble("trouble in the ledger") {
        /// A message is due, and the relay does not publish it or no sender takes it.
        QueuedTooLong = "queued_too_long",
        /// A message's call must have ended long ago, and its outcome is not marked as unknown.
        SendingTooLong = "sending_too_long",
        /// The outcome of a call is unknown, and there is no dead letter for a person.
        UnknownTooLong = "unknown_too_long",
        /// A message waits for a hold that does not exist.
        HeldByNothing = "held_by_nothing",
        /// A message waits for a hold, and its own window has closed.
        HeldTooLong = "held_too_long",
        /// A dead message's dead letter was not published.
        LetterUnpublished = "letter_unpublished",
        /// A dead message has no dead letter for its last failure.
        LetterMissing = "letter_missing",
        /// A dead letter is open although its message is no longer dead.
        LetterOutlived = "letter_outlived",
        /// A person retried an event, and it is neither applied nor a dead letter again.
        RetriedEventMissing = "retried_event_missing",
        /// The log of `ingest` calls an event accepted, and it is neither applied nor a dead letter.
        AcceptedEventMissing = "accepted_event_missing",
        /// A booking's timer is overdue.
        WakeUpOverdue = "wake_up_overdue",
        /// A platform is to be asked about a booking, and was not.
        FetchOverdue = "fetch_overdue",
        /// Bookings wait for the file of their resort.
        ResortMissing = "resort_missing",
        /// Guests are kept for ever: their resort has no file with a retention period.
        GuestsWithoutTerm = "guests_without_term",
        /// A message or event has an end without a reason, or an unknown state.
        EndUnexplained = "end_unexplained",
    }
}

impl Trouble {
    /// What it means and where to look, for people.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::QueuedTooLong => {
                "due long ago and still queued: do processors and senders run, and is `messages` consumed?"
            }
            Self::SendingTooLong | Self::UnknownTooLong => "a call without an outcome: does a sender run?",
            Self::HeldByNothing => "its hold is gone, and no sender released it: does a sender run?",
            Self::HeldTooLong => "too late to be sent, and no sender ended it: does a sender run?",
            Self::LetterUnpublished => "its dead letter is not in dead.messages: does a processor run?",
            Self::LetterMissing => {
                "dead, and its dead letter is neither stored nor queued: did another program empty dead.messages?"
            }
            Self::LetterOutlived => "its message lives: close it",
            Self::RetriedEventMissing => "retried, and never applied: is it still in `events`?",
            Self::AcceptedEventMissing => {
                "accepted, and neither applied nor a dead letter: still in `events`, or lost: docs/operations.md, Backup and restore"
            }
            Self::WakeUpOverdue => "to be planned again long ago: does a processor run?",
            Self::FetchOverdue => {
                "its platform was not asked: does a processor run, and does the source's file have [fetch]?"
            }
            Self::ResortMissing => {
                "bookings wait for resorts/<id>.toml; desk config check says what is wrong with it"
            }
            Self::GuestsWithoutTerm => {
                "kept for good: no [retention] holds for them; put resorts/<id>.toml back until they are gone"
            }
            Self::EndUnexplained => {
                "its row says something that this version does not know, or does not say why it ended"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trouble_reads_back_what_it_writes_and_says_where_to_look() {
        for trouble in Trouble::ALL {
            assert_eq!(trouble.as_str().parse(), Ok(*trouble));
            assert!(trouble.advice().len() > 10);
        }
    }
}
