//! Erases a guest from all stored data.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Bytea, Nullable, Text, Timestamptz};
use diesel::{ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl};
use domain::ids::BookingKey;

use super::subject::Family;
use super::{DataSubject, SubjectData, tombstones};
use crate::answers;
use crate::erasure_lock;
use crate::error::StoreError;
use crate::guest_names::{self, Hash};
use crate::guests::consents;
use crate::planning::{self, Planned, Planner};
use crate::prepared;
use crate::schema::conversations;
use crate::{bookings, pool, webhooks_out};

#[derive(Debug, Default)]
pub struct Erased {
    pub bookings: Vec<BookingKey>,
    /// How many raw events lost their bodies.
    pub events: usize,
    /// How many letters lost their bodies or notes, or were closed.
    pub letters: usize,
    /// What follows: messages that had not gone are withdrawn.
    pub planned: Planned,
}

impl Erased {
    /// Whether anything was there to be taken out.
    pub fn is_nothing(&self) -> bool {
        self.bookings.is_empty() && self.events == 0 && self.letters == 0
    }
}

/// Erases a guest from the facts, the raw events and the dead letters, and withdraws messages that were not sent.
///
/// Ids, keyed hashes, consents and the history of messages stay. A repetition finds nothing.
///
/// An event that `ingest` accepted up to `until` (`None`: now) is stripped when it arrives later. An event that was accepted
/// after `until` is stored, as of a guest who has come back.
pub fn erase(
    connection: &mut PgConnection,
    planner: &Planner,
    guest: &DataSubject,
    until: Option<DateTime<Utc>>,
) -> Result<Erased, StoreError> {
    let mut data = close(connection, guest)?;
    let now = pool::clock(connection)?;
    let until = until.unwrap_or(now);
    let mut locked = bookings::lock_even_damaged(connection, &planner.ring, &data.bookings)?;
    let known = data.names.clone();
    data.learn_names(connection)?;
    // A sender records names under the bookings' locks alone, so arrivals under such a name were not locked out.
    if data.names != known {
        return Err(StoreError::Overtaken);
    }
    tombstones::insert(connection, guest, &data, until)?;
    let telling = locked.iter().filter(|booking| booking.facts.tells_of_guest());
    let telling: Vec<BookingKey> = telling.map(|booking| booking.key.clone()).collect();
    locked.retain(|booking| !booking.facts.is_without_guest());
    for booking in &mut locked {
        // All facts go, also those of an `ingest` whose clock is ahead of ours.
        let newest = booking.facts.newest_at().unwrap_or(until);
        booking.learn(|facts| facts.without_guest(newest.max(until)));
    }
    let planned = planning::replan(connection, planner, now, &locked)?;
    close_windows(connection, &data)?;
    forget_names(connection, &data)?;
    forget_notes(connection, &data)?;
    answers::forget(connection, &data.keys())?;
    let events = empty_events(connection, &data, None)?;
    let letters = empty_letters(connection, &data, None)?;
    forget_reminded(connection, &data)?;
    webhooks_out::forget(connection, &data.hashes())?;
    Ok(Erased {
        bookings: telling,
        events,
        letters,
        planned,
    })
}

/// Locks out arrivals of the guest until the end of the transaction, and finds the guest's data.
fn close(connection: &mut PgConnection, guest: &DataSubject) -> Result<SubjectData, StoreError> {
    erasure_lock::lock_exclusive(connection, guest.resort())?;
    let before = Family::find(connection, guest)?;
    erasure_lock::lock_numbers_exclusive(connection, before.hashes())?;
    // A number of the guest may have been corrected meanwhile, which takes none of these locks.
    let family = Family::find(connection, guest)?;
    if !family.numbers.is_subset(&before.numbers) || !family.names.is_subset(&before.names) {
        return Err(StoreError::Overtaken);
    }
    family.into_data(connection, guest)
}

/// Completes an erasure for bookings of which something arrived that was accepted before: they are locked, and their
/// facts stripped.
pub fn strip(
    connection: &mut PgConnection,
    late: &BTreeMap<BookingKey, DateTime<Utc>>,
) -> Result<(), StoreError> {
    for (key, at) in late {
        let data = SubjectData {
            bookings: BTreeSet::from([key.clone()]),
            ..SubjectData::default()
        };
        tombstones::insert_of_bookings(connection, &data.bookings, *at)?;
        empty_events(connection, &data, Some(*at))?;
        empty_letters(connection, &data, Some(*at))?;
    }
    Ok(())
}

fn empty_events(
    connection: &mut PgConnection,
    data: &SubjectData,
    accepted_until: Option<DateTime<Utc>>,
) -> Result<usize, StoreError> {
    prepared::sql(include_str!("empty_events.sql"))
        .bind::<Array<Text>, _>(data.keys())
        .bind::<Array<Bytea>, _>(data.hashes())
        .bind::<Nullable<Timestamptz>, _>(accepted_until)
        .execute(connection)
        .map_err(StoreError::query("empty raw events"))
}

fn empty_letters(
    connection: &mut PgConnection,
    data: &SubjectData,
    accepted_until: Option<DateTime<Utc>>,
) -> Result<usize, StoreError> {
    let column = |read: fn(&BookingKey) -> &str| data.bookings.iter().map(read).collect::<Vec<_>>();
    prepared::sql(include_str!("empty_letters.sql"))
        .bind::<Array<Text>, _>(column(|key| key.resort.as_str()))
        .bind::<Array<Text>, _>(column(|key| key.booking.as_str()))
        .bind::<Array<Bytea>, _>(data.hashes())
        .bind::<Nullable<Timestamptz>, _>(accepted_until)
        .execute(connection)
        .map_err(StoreError::query("empty letters"))
}

/// Deletes the notes of staff about the guest. The audit trail still shows that there were notes. The reason of an erasure
/// stays.
fn forget_notes(connection: &mut PgConnection, data: &SubjectData) -> Result<(), StoreError> {
    let column = |read: fn(&BookingKey) -> &str| data.bookings.iter().map(read).collect::<Vec<_>>();
    prepared::sql(include_str!("forget_notes.sql"))
        .bind::<Array<Text>, _>(column(|key| key.resort.as_str()))
        .bind::<Array<Text>, _>(column(|key| key.booking.as_str()))
        .bind::<Array<Bytea>, _>(data.hashes())
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("forget what was noted of a guest"))
}

/// Deletes WhatsApp's names of the guest, and which number was called. A stop that was sent under a name is first copied to
/// the number.
fn forget_names(connection: &mut PgConnection, data: &SubjectData) -> Result<(), StoreError> {
    let hash = |hash: &Vec<u8>| Hash::try_from(hash.as_slice()).ok();
    let numbers: BTreeSet<Hash> = data.numbers.iter().filter_map(hash).collect();
    for number in &numbers {
        let own = BTreeSet::from([*number]);
        let known = guest_names::known_as(connection, &own)?;
        if known.len() > 1 {
            consents::copy(connection, &known, (&own, &own))?;
        }
    }
    guest_names::forget(connection, &data.numbers())?;
    prepared::sql(
        "UPDATE messages SET called_to = NULL WHERE called_to IS NOT NULL AND id = ANY(ARRAY( \
         SELECT id FROM messages WHERE booking_key = ANY($1) ORDER BY id FOR NO KEY UPDATE))",
    )
    .bind::<Array<Text>, _>(data.keys())
    .execute(connection)
    .map(|_| ())
    .map_err(StoreError::query("forget which numbers were called"))
}

/// Deletes which messages they got today. The last locks of an erasure: a claim that has one waits for nothing but these.
fn forget_reminded(connection: &mut PgConnection, data: &SubjectData) -> Result<(), StoreError> {
    prepared::sql(
        "DELETE FROM reminded WHERE (phone_hash, number) IN (SELECT phone_hash, number FROM reminded \
         WHERE phone_hash = ANY($1) ORDER BY phone_hash, number FOR UPDATE)",
    )
    .bind::<Array<Bytea>, _>(data.numbers())
    .execute(connection)
    .map(|_| ())
    .map_err(StoreError::query("forget who was reminded"))
}

/// Deletes the guest's open 24-hour windows, and that they wrote.
fn close_windows(connection: &mut PgConnection, data: &SubjectData) -> Result<(), StoreError> {
    prepared::sql(
        "UPDATE guests SET replied_at = NULL, resumed_at = NULL, waits_since = NULL, answered_up_to = NULL, \
         answer_id = NULL, closed_up_to = NULL, snoozed_up_to = NULL, snoozed_until = NULL, assignee = NULL \
         WHERE phone_hash = ANY($1) AND (replied_at IS NOT NULL OR answer_id IS NOT NULL)",
    )
    .bind::<Array<Bytea>, _>(data.hashes())
    .execute(connection)
    .map_err(StoreError::query("forget that a guest wrote"))?;
    diesel::delete(conversations::table.filter(conversations::phone_hash.eq_any(data.hashes())))
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("close a guest's conversations"))
}
