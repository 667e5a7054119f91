//! Events that were applied: the memory that makes a repeated delivery harmless, and the record of what was heard.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Bytea, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl};
use domain::ids::{BookingKey, MessageId};
use domain::trace::TraceContext;

use crate::error::StoreError;
use crate::guest_names;
use crate::rows::{Rows, Value};
use crate::schema::events;

#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Source and id: `direct/evt_5f2c`.
    pub key: String,
    pub source: String,
    pub event_type: String,
    pub booking: Option<BookingKey>,
    pub received_at: DateTime<Utc>,
    pub request_id: String,
    /// The span in which it is applied.
    pub trace: Option<TraceContext>,
    /// `applied` or `ignored`.
    pub outcome: &'static str,
    /// Keyed hash of the guest's number that it names.
    pub phone_hash: Option<Vec<u8>>,
    /// Keyed hashes of every name of the guest, where the event is found neither by its booking nor by its message.
    pub name_hashes: Vec<Vec<u8>>,
    pub message: Option<MessageId>,
    /// The body, sealed as it travelled; `None`: its guest was erased since it was accepted.
    pub sealed_body: Option<Vec<u8>>,
}

/// Which of these keys belong to events that are stored.
pub fn known(connection: &mut PgConnection, keys: &[String]) -> Result<HashSet<String>, StoreError> {
    let found: Vec<String> = events::table
        .filter(events::key.eq_any(keys))
        .select(events::key)
        .load(connection)
        .map_err(StoreError::query("look which events are stored"))?;
    Ok(found.into_iter().collect())
}

/// How many of these events are recorded.
pub fn count(connection: &mut PgConnection, keys: &[String]) -> Result<usize, StoreError> {
    let found: i64 = events::table
        .filter(events::key.eq_any(keys))
        .count()
        .get_result(connection)
        .map_err(StoreError::query("count events"))?;
    Ok(usize::try_from(found).unwrap_or_default())
}

/// Records events and returns the keys of those that were not known before. Waits for another transaction that is
/// recording the same one.
pub fn insert_new(connection: &mut PgConnection, new: &[NewEvent]) -> Result<HashSet<String>, StoreError> {
    let sql = "INSERT INTO events (key, source, event_type, booking_key, received_at, request_id, outcome, sealed_body, \
         phone_hash, message_id, name_hashes, traceparent) \
         SELECT DISTINCT ON (key COLLATE \"C\") key, source, event_type, booking_key, received_at, request_id, outcome, \
         sealed_body, phone_hash, message_id, names::bytea[], traceparent FROM {rows} \
         ORDER BY key COLLATE \"C\" ON CONFLICT (key) DO NOTHING RETURNING key";
    let fresh: Vec<Value<Text, String>> = Rows::new(sql, new)
        .column::<Text, _>("key", |event| event.key.as_str())
        .column::<Text, _>("source", |event| event.source.as_str())
        .column::<Text, _>("event_type", |event| event.event_type.as_str())
        .column::<Nullable<Text>, _>("booking_key", |event| {
            event.booking.as_ref().map(ToString::to_string)
        })
        .column::<Timestamptz, _>("received_at", |event| event.received_at)
        .column::<Text, _>("request_id", |event| event.request_id.as_str())
        .column::<Text, _>("outcome", |event| event.outcome)
        .column::<Nullable<Bytea>, _>("sealed_body", |event| event.sealed_body.as_deref())
        .column::<Nullable<Bytea>, _>("phone_hash", |event| event.phone_hash.as_deref())
        .column::<Nullable<SqlUuid>, _>("message_id", |event| event.message.map(|id| id.0))
        .column::<Nullable<Text>, _>("traceparent", |event| event.trace.map(|trace| trace.to_string()))
        .column::<Nullable<Text>, _>("names", |event| guest_names::array_literal(&event.name_hashes))
        .load(connection)
        .map_err(StoreError::query("record events"))?;
    Ok(fresh.into_iter().map(|row| row.0).collect())
}

/// What is remembered of an event.
#[derive(Debug, Clone, PartialEq, Eq, diesel::Queryable)]
pub struct Recorded {
    pub key: String,
    pub event_type: String,
    pub received_at: DateTime<Utc>,
    pub applied_at: DateTime<Utc>,
    /// `applied` or `ignored`.
    pub outcome: String,
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
