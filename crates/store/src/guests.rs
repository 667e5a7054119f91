//! What is known of guests beside their bookings.
//!
//! Their marketing consents: to a resort, by the keyed hash of the phone number; to a business number, by the keyed hash of
//! any name of the guest ([`consents`]). What guests wrote and staff have not answered: [`waiting`].

pub mod consents;
pub mod waiting;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Bytea, Nullable, Text, Timestamptz};
use diesel::{PgConnection, RunQueryDsl};
use domain::consent::ConsentChange;
use domain::ids::ResortId;

use crate::error::StoreError;
use crate::prepared;
use crate::rows::{Rows, Value};

pub use crate::guest_key::GuestKey;
pub(crate) use waiting::record_answer;
pub use waiting::{Waiting, count_waiting, list_waiting, list_waiting_within, record_reply};

/// Records a stop or a start, unless a newer one of the same kind is stored. Repetition and order make no difference.
pub fn record_consent(
    connection: &mut PgConnection,
    guest: &GuestKey,
    wish: ConsentChange,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (out_at, in_at) = match wish {
        ConsentChange::Stop => (Some(at), None),
        ConsentChange::Start => (None, Some(at)),
    };
    prepared::sql(
        "INSERT INTO guests (resort, phone_hash, opted_out_at, opted_in_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (phone_hash, resort) DO UPDATE SET \
         opted_out_at = greatest(guests.opted_out_at, excluded.opted_out_at), \
         opted_in_at = greatest(guests.opted_in_at, excluded.opted_in_at)",
    )
    .bind::<Text, _>(guest.resort.as_str())
    .bind::<Bytea, _>(guest.phone_hash.as_slice())
    .bind::<Nullable<Timestamptz>, _>(out_at)
    .bind::<Nullable<Timestamptz>, _>(in_at)
    .execute(connection)
    .map(|_| ())
    .map_err(StoreError::query("record a guest's wish"))
}

/// Records that staff let a guest's reminders go again; says whether a reply had paused them.
pub(crate) fn record_resume(
    connection: &mut PgConnection,
    guest: &GuestKey,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    prepared::sql(
        "UPDATE guests SET resumed_at = $3 \
         WHERE resort = $1 AND phone_hash = $2 AND replied_at > coalesce(resumed_at, '-infinity')",
    )
    .bind::<Text, _>(guest.resort.as_str())
    .bind::<Bytea, _>(guest.phone_hash.as_slice())
    .bind::<Timestamptz, _>(at)
    .execute(connection)
    .map(|rows| rows > 0)
    .map_err(StoreError::query("let a guest's reminders go"))
}

/// Copies a guest's stop to another key of the same guest. A start is not copied, since it must not end a stop that is
/// recorded under the other key.
pub(crate) fn copy_stops(
    connection: &mut PgConnection,
    moved: &[(GuestKey, GuestKey)],
) -> Result<(), StoreError> {
    if moved.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO guests (resort, phone_hash, opted_out_at) \
         SELECT n.resort, n.becomes, max(g.opted_out_at) FROM {rows} \
         JOIN guests g ON g.phone_hash = n.was AND g.resort = n.resort \
         WHERE g.opted_out_at IS NOT NULL AND (g.opted_in_at IS NULL OR g.opted_out_at >= g.opted_in_at) \
         GROUP BY n.resort, n.becomes ORDER BY n.becomes, n.resort \
         ON CONFLICT (phone_hash, resort) DO UPDATE SET \
         opted_out_at = greatest(guests.opted_out_at, excluded.opted_out_at)";
    Rows::new(sql, moved)
        .column::<Text, _>("resort", |(was, _)| was.resort.as_str())
        .column::<Bytea, _>("was", |(was, _)| was.phone_hash.as_slice())
        .column::<Bytea, _>("becomes", |(_, becomes)| becomes.phone_hash.as_slice())
        .execute(connection)
        .map(drop)
        .map_err(StoreError::query("keep guests' stops"))
}

/// The resorts that have a booking, or a consent, under a phone hash or another name of its guest.
pub fn resorts_that_know(
    connection: &mut PgConnection,
    phone_hash: &[u8; 32],
) -> Result<BTreeSet<ResortId>, StoreError> {
    let rows: Vec<Value<Text, String>> = prepared::sql(
        "WITH known AS (SELECT $1 AS hash UNION ALL SELECT hash FROM known_as WHERE phone_hash = $1) \
         SELECT resort FROM bookings JOIN known ON hash = phone_hash \
         UNION SELECT resort FROM guests JOIN known ON hash = phone_hash",
    )
    .bind::<Bytea, _>(phone_hash.as_slice())
    .load(connection)
    .map_err(StoreError::query("find who knows a number"))?;
    let unreadable = |_| StoreError::Unreadable { what: "resort" };
    let parsed = rows.iter().map(|row| ResortId::parse(&row.0));
    parsed.map(|resort| resort.map_err(unreadable)).collect()
}

/// Of these phone hashes, those under which personal data of a guest is stored.
pub fn held(connection: &mut PgConnection, hashes: &[[u8; 32]]) -> Result<Vec<[u8; 32]>, StoreError> {
    let rows: Vec<Value<Bytea, Vec<u8>>> = prepared::sql(
        "SELECT phone_hash FROM unnest($1) AS n(phone_hash) WHERE \
         EXISTS (SELECT FROM bookings b WHERE b.phone_hash = n.phone_hash) \
         OR EXISTS (SELECT FROM guests g WHERE g.phone_hash = n.phone_hash) \
         OR EXISTS (SELECT FROM conversations c WHERE c.phone_hash = n.phone_hash) \
         OR EXISTS (SELECT FROM events e WHERE e.phone_hash = n.phone_hash AND e.sealed_body IS NOT NULL) \
         OR EXISTS (SELECT FROM letters l WHERE l.phone_hash = n.phone_hash)",
    )
    .bind::<Array<Bytea>, _>(hashes.iter().map(<[u8; 32]>::as_slice).collect::<Vec<_>>())
    .load(connection)
    .map_err(StoreError::query("find what is held of numbers"))?;
    Ok(rows.into_iter().filter_map(|row| row.0.try_into().ok()).collect())
}
