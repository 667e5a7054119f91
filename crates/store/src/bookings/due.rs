//! Bookings whose time to wake has come.

use chrono::{DateTime, TimeDelta, Utc};
use crypto::key_ring::KeyRing;
use diesel::{ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl, dsl};

use super::{Booking, COLUMNS, Row, into_domain};
use crate::error::StoreError;
use crate::schema::bookings;

/// How long a booking that cannot be planned is left aside.
const ASIDE: TimeDelta = TimeDelta::minutes(1);

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

/// Leaves a booking aside for a minute: without this it would be the oldest that is due, for ever.
pub fn leave_aside(connection: &mut PgConnection, key: &str) -> Result<(), StoreError> {
    let later = crate::pool::clock(connection)?.checked_add_signed(ASIDE);
    diesel::update(bookings::table.filter(bookings::key.eq(key)))
        .set(bookings::wake_at.eq(later))
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("leave a booking aside"))
}

/// The time of the next wake-up of all.
pub fn next_wake_up(connection: &mut PgConnection) -> Result<Option<DateTime<Utc>>, StoreError> {
    bookings::table
        .select(dsl::min(bookings::wake_at))
        .first(connection)
        .map_err(StoreError::query("find the next wake-up"))
}
