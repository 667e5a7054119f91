//! The dead letter of a message with its booking and message, locked in the lock order, for a decision of staff.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use domain::dead_letter::{DecisionRefused, LetterKind};
use domain::ids::{BookingKey, LetterId};
use domain::message::{MessageKind, MessageState};
use domain::plan::{Existing, Window, manual_retry};

use super::{Decided, Declined, Letter, closing, reading};
use crate::answers;
use crate::bookings::{self, Booking};
use crate::error::StoreError;
use crate::planning::{self, Planned, Planner};
use crate::{messages, pool};

pub(super) struct Case {
    pub(super) letter: Letter,
    pub(super) key: BookingKey,
    /// The message's booking, and the others that were asked for.
    pub(super) bookings: Vec<Booking>,
    pub(super) message: Existing,
    pub(super) now: DateTime<Utc>,
}

impl Case {
    /// Locks the booking of a letter's message, and `also` others, their messages, and the letter.
    pub(super) fn open(
        connection: &mut PgConnection,
        planner: &Planner,
        id: LetterId,
        also: BTreeSet<BookingKey>,
    ) -> Result<Decided<Self>, StoreError> {
        let (message, key) = match subject(connection, id)? {
            Ok((letter, key)) => (letter.message, key),
            Err(declined) => return Ok(Err(declined)),
        };
        let mut keys = also;
        keys.insert(key.clone());
        let bookings = match bookings::lock(connection, &planner.ring, &keys) {
            Ok(bookings) => bookings,
            Err(error) if error.is_damage() => return Ok(Err(Declined::Refused(DecisionRefused::Damaged))),
            Err(error) => return Err(error),
        };
        let keys: Vec<String> = bookings.iter().map(|booking| booking.key.to_string()).collect();
        let locked = messages::lock_of_bookings(connection, &keys)?;
        let letter = match closing::lock_open(connection, id)? {
            Ok(letter) => letter,
            Err(declined) => return Ok(Err(declined)),
        };
        let found = locked
            .into_iter()
            .map(|found| found.existing)
            .find(|found| Some(found.id) == message);
        let message = match dead(found) {
            Ok(message) => message,
            Err(refusal) => return Ok(Err(Declined::Refused(refusal))),
        };
        Ok(Ok(Self {
            letter,
            key,
            bookings,
            message,
            now: pool::clock(connection)?,
        }))
    }

    /// Whether the message may be tried once more, and within which window.
    pub(super) fn judge(
        &self,
        connection: &mut PgConnection,
        planner: &Planner,
    ) -> Result<Result<Window, DecisionRefused>, StoreError> {
        let Some(booking) = self.bookings.iter().find(|booking| booking.key == self.key) else {
            return Ok(Err(DecisionRefused::MessageGone));
        };
        if self.message.kind == MessageKind::StaffAnswer {
            return answers::judge_again(connection, planner, booking, &self.message, self.now);
        }
        let resort = planner.resort(&self.key.resort);
        let looked = planning::look(connection, planner, booking, self.now)?;
        let Some((resort, (plan, around))) = resort.zip(looked) else {
            return Ok(Err(DecisionRefused::WithoutResort));
        };
        let judged = manual_retry::judge(&plan, &booking.facts, &around, resort, &self.message);
        Ok(judged)
    }

    /// Plans the locked bookings again. Call it last.
    pub(super) fn replan(
        &self,
        connection: &mut PgConnection,
        planner: &Planner,
    ) -> Result<Planned, StoreError> {
        planning::replan(connection, planner, self.now, &self.bookings)
    }
}

pub(super) fn dead(message: Option<Existing>) -> Result<Existing, DecisionRefused> {
    match message {
        None => Err(DecisionRefused::MessageGone),
        Some(message) if message.state.went() => Err(DecisionRefused::SentAfterAll),
        Some(message) if message.state != MessageState::Dead => Err(DecisionRefused::NotDead),
        Some(message) => Ok(message),
    }
}

/// The letter and the booking of its message, read without a lock: neither ever changes.
pub(super) fn subject(
    connection: &mut PgConnection,
    id: LetterId,
) -> Result<Decided<(Letter, BookingKey)>, StoreError> {
    Ok(match reading::find(connection, id)? {
        Some(letter) => of_message(letter),
        None => Err(Declined::NotFound),
    })
}

/// An open letter of a message, with the message's booking.
pub(super) fn of_message(letter: Letter) -> Decided<(Letter, BookingKey)> {
    if let Some(ending) = letter.ending {
        return Err(Declined::TooLate(ending));
    }
    if letter.kind != LetterKind::Messages {
        return Err(Declined::Refused(DecisionRefused::NotAMessage));
    }
    match (letter.message, letter.booking_key()) {
        (Some(_), Some(key)) => Ok((letter, key)),
        _ => Err(Declined::Refused(DecisionRefused::MessageGone)),
    }
}
