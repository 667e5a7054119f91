//! Erasure tombstones: which guests and bookings were erased, and up to when.
//!
//! A transaction that stores events or letters first takes the [locks](crate::erasure_lock) of the resorts and numbers in them,
//! shared, and then reads the tombstones; an erasure takes the same locks exclusively. So an erasure either sees a stored
//! event, or the event's transaction sees the tombstone.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Bytea, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::ids::{BookingKey, MessageId, ResortId};
use uuid::Uuid;

use super::{DataSubject, SubjectData, subject};
use crate::erasure_lock::{self, Named};
use crate::error::StoreError;
use crate::prepared;
use crate::rows::Rows;

/// `erased_guests.place` of an erasure at all resorts.
const EVERYWHERE: &str = "";
/// `erased_guests.place` of an erasure that applies to events without a booking. No resort has this id.
const NO_BOOKING: &str = "/";

/// What an arriving event says about whose it is.
#[derive(Debug, Clone)]
pub struct Arrival<'a> {
    pub booking: Option<BookingKey>,
    pub resort: Option<&'a ResortId>,
    /// Keyed hashes of the number and the other names of the guest in it.
    pub names: Vec<&'a [u8]>,
    pub message: Option<MessageId>,
    pub received_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Late {
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = Timestamptz)]
    erased_at: DateTime<Utc>,
}

/// Waits for erasures of the guests in these arrivals. Until the end of the transaction no such erasure can begin. Call it
/// before any row is locked.
pub fn lock_shared(connection: &mut PgConnection, arrivals: &[Arrival<'_>]) -> Result<(), StoreError> {
    let named = arrivals.iter().map(|one| Named {
        resort: one.resort,
        message: one.message,
        hashes: one.names.clone(),
    });
    erasure_lock::lock_shared(connection, &named.collect::<Vec<_>>())
}

/// For each arrival: up to when its guest was erased, if `ingest` accepted the event before that.
///
/// A report on a message that is older than the erasure counts as such whenever it was accepted, since it holds the number.
pub fn erased(
    connection: &mut PgConnection,
    arrivals: &[Arrival<'_>],
) -> Result<Vec<Option<DateTime<Utc>>>, StoreError> {
    let keys: Vec<Option<String>> = arrivals
        .iter()
        .map(|one| one.booking.as_ref().map(ToString::to_string))
        .collect();
    let named: Vec<NamedHash<'_>> = arrivals
        .iter()
        .zip(1_i64..)
        .flat_map(|(one, number)| one.names.iter().map(move |name| (*name, number, one)))
        .collect();
    let messages: Vec<Option<Uuid>> = arrivals.iter().map(|one| one.message.map(|id| id.0)).collect();
    let received: Vec<DateTime<Utc>> = arrivals.iter().map(|one| one.received_at).collect();
    let found: Vec<Late> = prepared::sql(include_str!("late.sql"))
        .bind::<Array<Nullable<Text>>, _>(keys)
        .bind::<Array<Nullable<SqlUuid>>, _>(messages)
        .bind::<Array<Timestamptz>, _>(received)
        .bind::<Array<Bytea>, _>(of_names(&named, |(name, ..)| *name))
        .bind::<Array<BigInt>, _>(of_names(&named, |(_, number, _)| *number))
        .bind::<Array<Nullable<Text>>, _>(of_names(&named, |(.., one)| one.resort.map(ResortId::as_str)))
        .bind::<Array<Bool>, _>(of_names(&named, |(.., one)| one.booking.is_some()))
        .bind::<Array<Timestamptz>, _>(of_names(&named, |(.., one)| one.received_at))
        .load(connection)
        .map_err(StoreError::query("read tombstones"))?;
    let mut late = vec![None; arrivals.len()];
    for one in found {
        // Postgres counts from 1.
        let index = usize::try_from(one.number - 1).unwrap_or(usize::MAX);
        if let Some(entry) = late.get_mut(index) {
            *entry = Some(one.erased_at);
        }
    }
    Ok(late)
}

/// A hash, the number of the arrival that names it, and that arrival.
type NamedHash<'a> = (&'a [u8], i64, &'a Arrival<'a>);

fn of_names<'a, T>(named: &[NamedHash<'a>], value: impl FnMut(&NamedHash<'a>) -> T) -> Vec<T> {
    named.iter().map(value).collect()
}

/// Records that a guest was erased up to `at`.
pub(super) fn insert(
    connection: &mut PgConnection,
    guest: &DataSubject,
    data: &SubjectData,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    insert_of_bookings(connection, &data.bookings, at)?;
    let mut places: Vec<(&[u8], &str)> = Vec::new();
    let mine = subject::numbers_of(connection, guest)?;
    if let DataSubject::Number { resort, .. } = guest {
        let place = resort.as_ref().map_or(EVERYWHERE, ResortId::as_str);
        places.extend(mine.iter().map(|hash| (hash.as_slice(), place)));
    }
    places.extend(data.hashes().into_iter().map(|hash| (hash, NO_BOOKING)));
    let sql = "INSERT INTO erased_guests AS e (phone_hash, place, erased_at) \
         SELECT phone_hash, place, erased_at FROM {rows} ORDER BY phone_hash, place \
         ON CONFLICT (phone_hash, place) DO UPDATE SET erased_at = greatest(e.erased_at, excluded.erased_at)";
    Rows::new(sql, &places)
        .column::<Bytea, _>("phone_hash", |(hash, _)| *hash)
        .column::<Text, _>("place", |(_, place)| *place)
        .column::<Timestamptz, _>("erased_at", |_| at)
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("store the tombstone of a number"))
}

/// Records that the guests of some bookings were erased up to `at`.
pub(super) fn insert_of_bookings(
    connection: &mut PgConnection,
    keys: &BTreeSet<BookingKey>,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO erased_bookings AS e (key, erased_at) \
         SELECT key, erased_at FROM {rows} ORDER BY key COLLATE \"C\" \
         ON CONFLICT (key) DO UPDATE SET erased_at = greatest(e.erased_at, excluded.erased_at)";
    Rows::new(sql, keys)
        .column::<Text, _>("key", ToString::to_string)
        .column::<Timestamptz, _>("erased_at", |_| at)
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("store the tombstones of bookings"))
}
