//! What can be wrong with the books: something without an end that should have one by now, or an end without a reason.

use crate::text_enum::text_enum;

text_enum! {
    /// A kind of entry that should not exist.
    Trouble("trouble in the ledger") {
        /// A message waits and nobody hands it out, or nobody takes it.
        QueuedTooLong = "queued_too_long",
        /// A message's call ended long ago, and it is not in doubt.
        SendingTooLong = "sending_too_long",
        /// The outcome of a call is unknown, and no person was asked.
        UnknownTooLong = "unknown_too_long",
        /// A message waits for a hold that does not exist.
        HeldByNothing = "held_by_nothing",
        /// A message waits for a hold, and its time is over.
        HeldTooLong = "held_too_long",
        /// A dead message's letter is not on its way to the desk.
        LetterUnpublished = "letter_unpublished",
        /// The latest death of a message has no letter.
        LetterMissing = "letter_missing",
        /// A letter waits for a person although its message is not dead any more.
        LetterOutlived = "letter_outlived",
        /// An event was retried by a person, and is neither applied nor a letter again.
        RetriedEventMissing = "retried_event_missing",
        /// A booking was to be looked at again.
        WakeUpOverdue = "wake_up_overdue",
        /// Bookings wait for the file of their resort.
        ResortMissing = "resort_missing",
        /// Guests are kept for good: their resort has no file that says how long.
        GuestsWithoutTerm = "guests_without_term",
        /// A message or event has an end without a reason, or a state that nobody knows.
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
            Self::HeldByNothing => "its hold is gone, and nobody let it go: does a sender run?",
            Self::HeldTooLong => "too late to go, and nobody ended it: does a sender run?",
            Self::LetterUnpublished => "its letter is not in dead.messages: does a processor run?",
            Self::LetterMissing => {
                "dead, and no letter of it is here or on its way: was dead.messages emptied by somebody else?"
            }
            Self::LetterOutlived => "its message lives: close it",
            Self::RetriedEventMissing => "retried, and never applied: is it still in `events`?",
            Self::WakeUpOverdue => "to be planned again long ago: does a processor run?",
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
