//! Bookings whose time to wake has come.

use chrono::{DateTime, TimeDelta, Utc};
use crypto::key_ring::KeyRing;
use diesel::{ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl, dsl};

use super::{Booking, COLUMNS, Row, into_domain};
use crate::error::StoreError;
use crate::schema::bookings;

/// How long a booking whose facts are damaged is left aside.
const DAMAGED: TimeDelta = TimeDelta::minutes(1);

/// What was found to be due.
#[derive(Debug, Default)]
pub struct Due {
    /// Locked, oldest first.
    pub bookings: Vec<Booking>,
    /// The keys of those whose facts are damaged: looked at again in a minute.
    pub damaged: Vec<String>,
}

/// Locks bookings whose time to wake has come, leaving out those that others hold. A damaged one does not hold up the
/// others.
pub fn lock_due(
    connection: &mut PgConnection,
    ring: &KeyRing,
    due_before: DateTime<Utc>,
    most: i64,
) -> Result<Due, StoreError> {
    let rows: Vec<Row> = bookings::table
        .filter(bookings::wake_at.le(due_before))
        .order(bookings::wake_at)
        .limit(most)
        .for_no_key_update()
        .skip_locked()
        .select(COLUMNS)
        .load(connection)
        .map_err(StoreError::query("lock bookings that are due"))?;
    let mut due = Due::default();
    for row in rows {
        let key = format!("{}/{}", row.0, row.1);
        match into_domain(ring, row) {
            Ok(booking) => due.bookings.push(booking),
            Err(error) if error.is_damage() => due.damaged.push(key),
            Err(error) => return Err(error),
        }
    }
    if !due.damaged.is_empty() {
        leave_aside(connection, &due.damaged)?;
    }
    Ok(due)
}

/// Without this they would be the oldest that are due, for ever.
fn leave_aside(connection: &mut PgConnection, damaged: &[String]) -> Result<(), StoreError> {
    let later = crate::pool::clock(connection)?.checked_add_signed(DAMAGED);
    diesel::update(bookings::table.filter(bookings::key.eq_any(damaged)))
        .set(bookings::wake_at.eq(later))
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("leave damaged bookings aside"))
}

/// The time of the next wake-up of all.
pub fn next_wake_up(connection: &mut PgConnection) -> Result<Option<DateTime<Utc>>, StoreError> {
    bookings::table
        .select(dsl::min(bookings::wake_at))
        .first(connection)
        .map_err(StoreError::query("find the next wake-up"))
}
