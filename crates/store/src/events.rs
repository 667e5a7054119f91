//! Events that were applied: the memory that makes a repeated delivery harmless, and the record of what was heard.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Bytea, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{ExpressionMethods, PgConnection, QueryDsl, QueryableByName, RunQueryDsl, sql_query};
use domain::ids::{BookingKey, MessageId};
use uuid::Uuid;

use crate::error::StoreError;
use crate::guest_names;
use crate::schema::events;

/// An event as it arrives in Postgres.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Source and id: `direct/evt_5f2c`.
    pub key: String,
    /// Where it came from.
    pub source: String,
    /// Its type, as the envelope names it.
    pub event_type: String,
    /// The booking that it is about.
    pub booking: Option<BookingKey>,
    /// When `ingest` took it.
    pub received_at: DateTime<Utc>,
    /// The request that brought it.
    pub request_id: String,
    /// `applied` or `ignored`.
    pub outcome: &'static str,
    /// Keyed hash of the guest's number that it names.
    pub phone_hash: Option<Vec<u8>>,
    /// Keyed hashes of every name of the guest, where the event is found neither by its booking nor by its message.
    pub name_hashes: Vec<Vec<u8>>,
    /// The message that it reports on.
    pub message: Option<MessageId>,
    /// The body, sealed as it travelled; `None`: its guest was erased since it was accepted.
    pub sealed_body: Option<Vec<u8>>,
}

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = Text)]
    key: String,
}

/// Records events and returns the keys of those that were not known before. Waits for another transaction that is
/// recording the same one.
pub fn insert_new(connection: &mut PgConnection, new: &[NewEvent]) -> Result<HashSet<String>, StoreError> {
    let column = |read: fn(&NewEvent) -> &str| new.iter().map(read).collect::<Vec<_>>();
    let bookings: Vec<Option<String>> = new
        .iter()
        .map(|e| e.booking.as_ref().map(ToString::to_string))
        .collect();
    let received: Vec<DateTime<Utc>> = new.iter().map(|event| event.received_at).collect();
    let bodies: Vec<Option<&[u8]>> = new.iter().map(|event| event.sealed_body.as_deref()).collect();
    let hashes: Vec<Option<&[u8]>> = new.iter().map(|event| event.phone_hash.as_deref()).collect();
    let messages: Vec<Option<Uuid>> = new.iter().map(|event| event.message.map(|id| id.0)).collect();
    let names = new
        .iter()
        .map(|event| guest_names::array_literal(&event.name_hashes));
    let fresh: Vec<Key> = sql_query(
        "INSERT INTO events (key, source, event_type, booking_key, received_at, request_id, outcome, sealed_body, \
         phone_hash, message_id, name_hashes) \
         SELECT DISTINCT ON (key COLLATE \"C\") key, source, event_type, booking_key, received_at, request_id, outcome, \
         sealed_body, phone_hash, message_id, names::bytea[] FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         AS e(key, source, event_type, booking_key, received_at, request_id, outcome, sealed_body, phone_hash, message_id, names) \
         ORDER BY key COLLATE \"C\" ON CONFLICT (key) DO NOTHING RETURNING key",
    )
    .bind::<Array<Text>, _>(column(|e| &e.key))
    .bind::<Array<Text>, _>(column(|e| &e.source))
    .bind::<Array<Text>, _>(column(|e| &e.event_type))
    .bind::<Array<Nullable<Text>>, _>(bookings)
    .bind::<Array<Timestamptz>, _>(received)
    .bind::<Array<Text>, _>(column(|e| &e.request_id))
    .bind::<Array<Text>, _>(column(|e| e.outcome))
    .bind::<Array<Nullable<Bytea>>, _>(bodies)
    .bind::<Array<Nullable<Bytea>>, _>(hashes)
    .bind::<Array<Nullable<SqlUuid>>, _>(messages)
    .bind::<Array<Nullable<Text>>, _>(names.collect::<Vec<_>>())
    .load(connection)
    .map_err(StoreError::query("record events"))?;
    Ok(fresh.into_iter().map(|row| row.key).collect())
}

/// What is remembered of an event.
#[derive(Debug, Clone, PartialEq, Eq, diesel::Queryable)]
pub struct Recorded {
    /// Source and id.
    pub key: String,
    /// Its type.
    pub event_type: String,
    /// When `ingest` took it.
    pub received_at: DateTime<Utc>,
    /// When it was applied.
    pub applied_at: DateTime<Utc>,
    /// `applied` or `ignored`.
    pub outcome: String,
    /// The request that brought it.
    pub request_id: String,
}

/// Everything heard about a booking, in the order of arrival.
pub fn list_of_booking(connection: &mut PgConnection, key: &BookingKey) -> Result<Vec<Recorded>, StoreError> {
    events::table
        .filter(events::booking_key.eq(key.to_string()))
        .order((events::received_at, events::key))
        .select((
            events::key,
            events::event_type,
            events::received_at,
            events::applied_at,
            events::outcome,
            events::request_id,
        ))
        .load(connection)
        .map_err(StoreError::query("list a booking's events"))
}
