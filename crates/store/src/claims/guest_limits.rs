//! How many messages of the day a guest gets: decided under the lock of a row for the business number and the guest, so that
//! claims at the same instant never both pass.
//!
//! The row lists the messages that were claimed and count; whether they still do is for their own rows to say
//! (`claim.sql`). A claim takes these locks last, after its messages', in the order of the key, and waits for nothing else
//! while it has one: no circle of waiting transactions can close.

use std::num::NonZeroU32;

use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use diesel::{PgConnection, RunQueryDsl};

use super::Wanted;
use crate::error::StoreError;
use crate::prepared;
use crate::rows::Rows;

pub(super) fn count(cap: NonZeroU32) -> i32 {
    i32::try_from(cap.get()).unwrap_or(i32::MAX)
}

/// Waits for the guests of those messages that count and may be granted. Later statements see what was claimed by then.
/// Their messages are locked, so that no booking gets another number meanwhile.
pub(super) fn lock(connection: &mut PgConnection, wanted: &[&Wanted]) -> Result<(), StoreError> {
    let counted = wanted.iter().filter(|one| one.day_cap.is_some() && one.may_call);
    let counted: Vec<&Wanted> = counted.copied().collect();
    if counted.is_empty() {
        return Ok(());
    }
    // The condition that never holds: a row that exists is locked and stays as it is.
    let sql = "INSERT INTO reminded (phone_hash, number) \
         SELECT DISTINCT b.phone_hash, n.number FROM {rows} \
         JOIN messages m ON m.id = n.id JOIN bookings b ON b.key = m.booking_key \
         WHERE b.phone_hash IS NOT NULL AND m.state = 'queued' ORDER BY b.phone_hash, n.number \
         ON CONFLICT (phone_hash, number) DO UPDATE SET number = excluded.number WHERE false";
    Rows::new(sql, counted)
        .column::<SqlUuid, _>("id", |one| one.id.0)
        .column::<Text, _>("number", |one| one.route.number.as_str())
        .execute(connection)
        .map(drop)
        .map_err(StoreError::query("lock guests who are reminded"))
}

/// Deletes the rows of guests of whose messages none counts any more. A row that is in use is left for the next time.
/// Returns how many.
pub fn forget_reminded(connection: &mut PgConnection, most: i64) -> Result<usize, StoreError> {
    prepared::sql(
        "DELETE FROM reminded WHERE (phone_hash, number) IN ( \
         SELECT phone_hash, number FROM reminded WHERE reminded_at < clock_timestamp() - interval '24 hours' \
         ORDER BY phone_hash, number LIMIT $1 FOR UPDATE SKIP LOCKED)",
    )
    .bind::<BigInt, _>(most)
    .execute(connection)
    .map_err(StoreError::query("forget who was reminded a day ago"))
}
