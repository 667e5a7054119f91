//! Letters come from the dead queues.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Bytea, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{PgConnection, RunQueryDsl, sql_query};
use domain::dead_letter::{DeadLetterReason, LetterKind};
use domain::ids::{BookingId, MessageId, ResortId};

use crate::error::StoreError;
use crate::guest_data::lock::{self, Named};
use crate::guest_names;
use crate::letters::unmatched;

/// A letter as it was found in its queue.
#[derive(Debug, Clone)]
pub struct NewLetter {
    /// What died.
    pub kind: LetterKind,
    /// Its id in RabbitMQ.
    pub amqp_id: String,
    /// Why it died.
    pub reason: DeadLetterReason,
    /// What went wrong last.
    pub error: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it died, where somebody said it.
    pub died_at: Option<DateTime<Utc>>,
    /// An event's type or a message's kind.
    pub subject: String,
    /// The resort that an event speaks of. A message's row knows its own.
    pub resort: Option<ResortId>,
    /// The booking that an event speaks of.
    pub booking: Option<BookingId>,
    /// Keyed hash of the number that an event names.
    pub phone_hash: Option<Vec<u8>>,
    /// Keyed hashes of every name of the guest whom an event is about.
    pub name_hashes: Vec<Vec<u8>>,
    /// When `ingest` took an event.
    pub received_at: Option<DateTime<Utc>>,
    /// The message that died; `None` also where the letter cannot be read.
    pub message: Option<MessageId>,
    /// What lay in the queue, byte by byte.
    pub body: Vec<u8>,
}

/// Keeps letters and returns how many were new: the same death is kept once, whoever finds it how often. Of one whose
/// guest was erased meanwhile only the shell is kept.
pub fn insert(connection: &mut PgConnection, found: &[NewLetter]) -> Result<usize, StoreError> {
    let named = found.iter().map(|letter| Named {
        resort: letter.resort.as_ref(),
        message: letter.message,
        hashes: letter.hashes(),
    });
    lock::share(connection, &named.collect::<Vec<_>>())?;
    let unmatched = |letter: &&NewLetter| letter.reason == DeadLetterReason::UnmatchedStop;
    let (unmatched, others): (Vec<&NewLetter>, Vec<&NewLetter>) = found.iter().partition(unmatched);
    let mut new = insert_together(connection, &others)?;
    if !unmatched.is_empty() {
        unmatched::take_turns(connection)?;
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
    let texts = |read: fn(&NewLetter) -> &str| {
        found
            .iter()
            .map(|letter| storable(read(letter)))
            .collect::<Vec<_>>()
    };
    let resorts = found
        .iter()
        .map(|letter| letter.resort.as_ref().map(ResortId::as_str));
    let bookings = found
        .iter()
        .map(|letter| letter.booking.as_ref().map(BookingId::as_str));
    let attempts = found
        .iter()
        .map(|letter| i32::try_from(letter.attempts).unwrap_or(i32::MAX));
    let died_at = found.iter().map(|letter| letter.died_at);
    let messages = found.iter().map(|letter| letter.message.map(|id| id.0));
    let bodies = found.iter().map(|letter| letter.body.as_slice());
    let hashes = found.iter().map(|letter| letter.phone_hash.as_deref());
    let names = found
        .iter()
        .map(|letter| guest_names::array_literal(&letter.name_hashes));
    let received_at = found.iter().map(|letter| letter.received_at);
    sql_query(include_str!("insert.sql"))
        .bind::<Array<Text>, _>(texts(|letter| letter.kind.as_str()))
        .bind::<Array<Text>, _>(texts(|letter| &letter.amqp_id))
        .bind::<Array<Text>, _>(texts(|letter| letter.reason.as_str()))
        .bind::<Array<Text>, _>(texts(|letter| &letter.error))
        .bind::<Array<Integer>, _>(attempts.collect::<Vec<_>>())
        .bind::<Array<Nullable<Timestamptz>>, _>(died_at.collect::<Vec<_>>())
        .bind::<Array<Text>, _>(texts(|letter| &letter.subject))
        .bind::<Array<Nullable<Text>>, _>(resorts.collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(bookings.collect::<Vec<_>>())
        .bind::<Array<Nullable<SqlUuid>>, _>(messages.collect::<Vec<_>>())
        .bind::<Array<Bytea>, _>(bodies.collect::<Vec<_>>())
        .bind::<Array<Nullable<Bytea>>, _>(hashes.collect::<Vec<_>>())
        .bind::<Array<Nullable<Timestamptz>>, _>(received_at.collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(names.collect::<Vec<_>>())
        .execute(connection)
        .map_err(StoreError::query("keep letters"))
}

/// Postgres keeps no text with a zero in it, and a letter that cannot be kept would be in the way of all others.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
