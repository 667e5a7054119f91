//! Inserts the dead letters that `desk` consumed from the dead-letter queues.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Bytea, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{PgConnection, RunQueryDsl};
use domain::dead_letter::{DeadLetterReason, LetterKind};
use domain::ids::{BookingId, MessageId, ResortId};

use crate::erasure_lock::{self, Named};
use crate::error::StoreError;
use crate::guest_names;
use crate::rows::Rows;
use crate::unmatched_letters;

/// A letter as it was found in its queue.
#[derive(Debug, Clone)]
pub struct NewLetter {
    pub kind: LetterKind,
    pub amqp_id: String,
    pub reason: DeadLetterReason,
    pub error: String,
    pub attempts: u32,
    /// `None` where the queue did not say it.
    pub died_at: Option<DateTime<Utc>>,
    /// An event's type or a message's kind.
    pub subject: String,
    /// The resort that an event speaks of. A message's row knows its own.
    pub resort: Option<ResortId>,
    pub booking: Option<BookingId>,
    /// Keyed hash of the number that an event names.
    pub phone_hash: Option<Vec<u8>>,
    /// Keyed hashes of every name of the guest whom an event is about.
    pub name_hashes: Vec<Vec<u8>>,
    pub received_at: Option<DateTime<Utc>>,
    /// The message that died; `None` also where the letter cannot be read.
    pub message: Option<MessageId>,
    /// What lay in the queue, byte by byte.
    pub body: Vec<u8>,
}

/// Inserts dead letters and returns how many were new; the same one inserted twice changes nothing. The body is dropped if
/// the guest was erased in the meantime.
pub fn insert(connection: &mut PgConnection, found: &[NewLetter]) -> Result<usize, StoreError> {
    let named = found.iter().map(|letter| Named {
        resort: letter.resort.as_ref(),
        message: letter.message,
        hashes: letter.hashes(),
    });
    erasure_lock::lock_shared(connection, &named.collect::<Vec<_>>())?;
    let unmatched = |letter: &&NewLetter| letter.reason == DeadLetterReason::UnmatchedStop;
    let (unmatched, others): (Vec<&NewLetter>, Vec<&NewLetter>) = found.iter().partition(unmatched);
    let mut new = insert_together(connection, &others)?;
    if !unmatched.is_empty() {
        unmatched_letters::lock_inserts(connection)?;
    }
    for letter in unmatched {
        new += insert_together(connection, &[letter])?;
    }
    Ok(new)
}

impl NewLetter {
    fn hashes(&self) -> Vec<&[u8]> {
        let names = self.name_hashes.iter().chain(&self.phone_hash);
        names.map(Vec::as_slice).collect()
    }
}

fn insert_together(connection: &mut PgConnection, found: &[&NewLetter]) -> Result<usize, StoreError> {
    Rows::new(include_str!("insert.sql"), found.iter().copied())
        .column::<Text, _>("kind", |letter| letter.kind.as_str())
        .column::<Text, _>("amqp_id", |letter| storable(&letter.amqp_id))
        .column::<Text, _>("reason", |letter| letter.reason.as_str())
        .column::<Text, _>("error", |letter| storable(&letter.error))
        .column::<Integer, _>("attempts", |letter| {
            i32::try_from(letter.attempts).unwrap_or(i32::MAX)
        })
        .column::<Nullable<Timestamptz>, _>("died_at", |letter| letter.died_at)
        .column::<Text, _>("subject", |letter| storable(&letter.subject))
        .column::<Nullable<Text>, _>("resort", |letter| letter.resort.as_ref().map(ResortId::as_str))
        .column::<Nullable<Text>, _>("booking", |letter| letter.booking.as_ref().map(BookingId::as_str))
        .column::<Nullable<SqlUuid>, _>("message_id", |letter| letter.message.map(|id| id.0))
        .column::<Bytea, _>("body", |letter| letter.body.as_slice())
        .column::<Nullable<Bytea>, _>("phone_hash", |letter| letter.phone_hash.as_deref())
        .column::<Nullable<Timestamptz>, _>("received_at", |letter| letter.received_at)
        .column::<Nullable<Text>, _>("names", |letter| guest_names::array_literal(&letter.name_hashes))
        .execute(connection)
        .map_err(StoreError::query("keep letters"))
}

/// Postgres rejects a text with a NUL, and one rejected dead letter would block all that are inserted with it.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
