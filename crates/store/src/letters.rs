//! Dead letters: events and messages that need the decision of a member of staff.
//!
//! The dead letter of a message is a copy; the message's row is the truth. While the dead letter is open, its message is
//! `dead` for the failure that the letter records. A change of the message's state closes the letter in the same transaction.
//! Lock order: bookings, messages, dead letters.
//!
//! [`drained`] inserts dead letters, [`closing`] closes them. [`manual_retry`], [`settling`] and [`correcting`] carry out a
//! decision about a message, each on a locked [`case`]. [`jobs`] keep track of actions over all letters that a [`Filter`] matches.

mod assigning;
mod case;
mod closing;
mod correcting;
mod counting;
mod drained;
mod filter;
pub mod jobs;
mod manual_retry;
mod paging;
mod reading;
mod settling;
mod viewing;

use chrono::{DateTime, Utc};
use domain::dead_letter::{DecisionRefused, LetterKind, LetterState, Settlement};
use domain::ids::{BookingId, BookingKey, LetterId, MessageId, ResortId};

use crate::audit::Subject;
use crate::notes::NoteKey;

pub use crate::unmatched_letters::settle_all_matched;
pub use assigning::assign;
pub(crate) use closing::settle_by_whatsapp;
pub use closing::{announce_event_retry, close, mark_event_retried};
pub use correcting::{Corrected, correct_phone};
pub use counting::{Group, ReasonCount, count_by_assignee, count_by_reason, extent, groups};
pub use drained::{NewLetter, insert};
pub use filter::{Assignee, AtResort, Filter, Standing};
pub use manual_retry::{judge, judge_all, retry};
pub use paging::{Page, Place, Start, neighbours, page};
pub use reading::{Choices, choices, find, find_body, list, list_of_booking, messages_of};
pub use settling::{Word, settle};
pub use viewing::{Viewer, others_on, see};

/// A letter, without its body.
#[derive(Debug, Clone)]
pub struct Letter {
    pub id: LetterId,
    pub kind: LetterKind,
    pub amqp_id: String,
    /// Why it died: a [`DeadLetterReason`](domain::dead_letter::DeadLetterReason), or the word of a newer program.
    pub reason: String,
    /// What went wrong last; empty where the queue did not say it.
    pub error: String,
    pub attempts: u32,
    /// When it died, or, where that is not [known](Self::dated), when it was found.
    pub died_at: DateTime<Utc>,
    /// Whether the queue said when it was dead-lettered.
    pub dated: bool,
    /// An event's type or a message's kind; empty where that is not known.
    pub subject: String,
    pub resort: Option<ResortId>,
    pub booking: Option<BookingId>,
    pub message: Option<MessageId>,
    /// Who takes care of it, and since when.
    pub assigned: Option<Assigned>,
    /// How it ended; `None`: it is open.
    pub ending: Option<Ending>,
}

impl Letter {
    pub fn state(&self) -> LetterState {
        self.ending
            .as_ref()
            .map_or(LetterState::Open, |ending| ending.state)
    }

    /// The source of the event; `None` for a message.
    pub fn source(&self) -> Option<&str> {
        let (source, _) = self
            .amqp_id
            .split_once('/')
            .filter(|_| self.kind == LetterKind::Events)?;
        Some(source)
    }

    pub fn booking_key(&self) -> Option<BookingKey> {
        Some(BookingKey {
            resort: self.resort.clone()?,
            booking: self.booking.clone()?,
        })
    }
}

impl From<&Letter> for Subject {
    fn from(letter: &Letter) -> Self {
        Self {
            resort: letter.resort.clone(),
            booking: letter.booking.clone(),
            letter: Some(letter.id),
            ..Self::default()
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    pub to: String,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Anything but open.
    pub state: LetterState,
    /// What became of a message whose letter is settled.
    pub settled_as: Option<Settlement>,
    pub by: String,
    pub at: DateTime<Utc>,
    /// Why, where the person said it.
    pub note: Option<NoteKey>,
}

/// What came of a person's decision.
pub type Decided<T> = Result<T, Declined>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declined {
    /// It would be wrong.
    Refused(DecisionRefused),
    /// Another person was faster.
    TooLate(Ending),
    /// Who is to take care of it is no present member of the staff.
    NoMember,
    /// Who is to take care of it does not work for its resort.
    OutOfReach,
    NotFound,
}
