//! Bookings for work that one damaged row, or one under a missing key, must not hold up: such rows are left out.

use std::collections::BTreeSet;

use crypto::key_ring::KeyRing;
use diesel::{ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl};
use domain::ids::BookingKey;

use super::lock::lock_rows;
use super::{Booking, COLUMNS, Row, into_domain, parse_key};
use crate::error::StoreError;
use crate::schema::bookings;

/// Locks bookings in the order of their keys, and reads them.
pub(crate) fn lock_readable(
    connection: &mut PgConnection,
    ring: &KeyRing,
    keys: &BTreeSet<BookingKey>,
) -> Result<Vec<Booking>, StoreError> {
    readable(ring, lock_rows(connection, keys)?)
}

/// As [`lock_readable`], without locking anything.
pub(crate) fn read_readable(
    connection: &mut PgConnection,
    ring: &KeyRing,
    keys: &BTreeSet<BookingKey>,
) -> Result<Vec<Booking>, StoreError> {
    let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    let rows = bookings::table
        .filter(bookings::key.eq_any(keys))
        .select(COLUMNS)
        .load(connection)
        .map_err(StoreError::query("read bookings"))?;
    readable(ring, rows)
}

/// Up to `most` bookings that come after a key, without those whose facts cannot be opened, and the key of the last one.
pub(crate) fn page_after(
    connection: &mut PgConnection,
    ring: &KeyRing,
    after: &str,
    most: i64,
) -> Result<(Vec<Booking>, Option<String>), StoreError> {
    let rows: Vec<Row> = bookings::table
        .filter(bookings::key.gt(after))
        .order(bookings::key)
        .limit(most)
        .select(COLUMNS)
        .load(connection)
        .map_err(StoreError::query("read bookings"))?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|found| found >= most);
    let last = rows.last().filter(|_| is_full);
    let last = last.map(|row| parse_key(&row.0, &row.1)).transpose()?;
    Ok((readable(ring, rows)?, last.map(|key| key.to_string())))
}

fn readable(ring: &KeyRing, rows: Vec<Row>) -> Result<Vec<Booking>, StoreError> {
    let read = rows.into_iter().map(|row| into_domain(ring, row));
    read.filter(|read| {
        !matches!(
            read,
            Err(StoreError::Sealed { .. } | StoreError::Unreadable { .. })
        )
    })
    .collect()
}
