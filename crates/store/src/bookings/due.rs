//! Bookings whose time to wake has come.

use chrono::{DateTime, TimeDelta, Utc};
use crypto::key_ring::KeyRing;
use diesel::{ExpressionMethods, OptionalExtension, PgConnection, QueryDsl, RunQueryDsl, dsl};

use super::{Booking, COLUMNS, Row, into_domain};
use crate::error::StoreError;
use crate::schema::bookings;

/// Locks bookings whose time to wake has come, oldest first, leaving out those that others hold.
pub fn lock_due(
    connection: &mut PgConnection,
    ring: &KeyRing,
    due_before: DateTime<Utc>,
    most: i64,
) -> Result<Vec<Booking>, StoreError> {
    let rows: Vec<Row> = bookings::table
        .filter(bookings::wake_at.le(due_before))
        .order(bookings::wake_at)
        .limit(most)
        .for_no_key_update()
        .skip_locked()
        .select(COLUMNS)
        .load(connection)
        .map_err(StoreError::query("lock bookings that are due"))?;
    rows.into_iter().map(|row| into_domain(ring, row)).collect()
}

/// The keys of bookings whose time to wake has come, oldest first, without locking or reading anything of them.
pub fn list_due(
    connection: &mut PgConnection,
    due_before: DateTime<Utc>,
    most: i64,
) -> Result<Vec<String>, StoreError> {
    bookings::table
        .filter(bookings::wake_at.le(due_before))
        .order(bookings::wake_at)
        .limit(most)
        .select(bookings::key)
        .load(connection)
        .map_err(StoreError::query("list bookings that are due"))
}

/// As [`lock_due`], of these bookings alone.
pub fn lock_due_of(
    connection: &mut PgConnection,
    ring: &KeyRing,
    due_before: DateTime<Utc>,
    keys: &[String],
) -> Result<Vec<Booking>, StoreError> {
    let rows: Vec<Row> = bookings::table
        .filter(bookings::wake_at.le(due_before))
        .filter(bookings::key.eq_any(keys))
        .order(bookings::wake_at)
        .for_no_key_update()
        .skip_locked()
        .select(COLUMNS)
        .load(connection)
        .map_err(StoreError::query("lock bookings that are due"))?;
    rows.into_iter().map(|row| into_domain(ring, row)).collect()
}

/// Puts off a booking that could not be planned: without this it would be the oldest that is due, for ever. One that
/// another transaction holds, or has given another time meanwhile, keeps its time.
pub fn put_off(connection: &mut PgConnection, key: &str, by: TimeDelta) -> Result<(), StoreError> {
    let now = crate::pool::clock(connection)?;
    let due: Option<String> = bookings::table
        .filter(bookings::key.eq(key))
        .filter(bookings::wake_at.le(now))
        .for_no_key_update()
        .skip_locked()
        .select(bookings::key)
        .first(connection)
        .optional()
        .map_err(StoreError::query("lock a booking that cannot be planned"))?;
    let Some(key) = due else { return Ok(()) };
    diesel::update(bookings::table.filter(bookings::key.eq(key)))
        .set(bookings::wake_at.eq(now.checked_add_signed(by)))
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("put a booking off"))
}

pub fn next_wake_up(connection: &mut PgConnection) -> Result<Option<DateTime<Utc>>, StoreError> {
    bookings::table
        .select(dsl::min(bookings::wake_at))
        .first(connection)
        .map_err(StoreError::query("find the next wake-up"))
}
