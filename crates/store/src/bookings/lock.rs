//! Bookings are locked in the order of their keys.

use std::collections::BTreeSet;

use crypto::key_ring::KeyRing;
use diesel::{ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl};
use domain::ids::BookingKey;
use uuid::Uuid;

use super::{Booking, COLUMNS, Row, into_domain};
use crate::error::StoreError;
use crate::schema::{bookings, messages};

/// Locks bookings in the order of their keys, and reads them. Those that do not exist are left out.
pub fn lock(
    connection: &mut PgConnection,
    ring: &KeyRing,
    keys: &BTreeSet<BookingKey>,
) -> Result<Vec<Booking>, StoreError> {
    let rows = lock_rows(connection, keys)?;
    rows.into_iter().map(|row| into_domain(ring, row)).collect()
}

/// As [`lock`], and begins those of `own` that do not exist. Their rows are inserted when they are planned, which is
/// [overtaken](StoreError::Overtaken) where another transaction has inserted one by then.
pub fn lock_or_begin(
    connection: &mut PgConnection,
    ring: &KeyRing,
    keys: &BTreeSet<BookingKey>,
    own: &BTreeSet<BookingKey>,
) -> Result<Vec<Booking>, StoreError> {
    let mut locked = lock(connection, ring, keys)?;
    let known: BTreeSet<&BookingKey> = locked.iter().map(|booking| &booking.key).collect();
    let new: Vec<Booking> = own
        .iter()
        .filter(|key| !known.contains(key))
        .cloned()
        .map(Booking::new)
        .collect();
    locked.extend(new);
    Ok(locked)
}

pub(super) fn lock_rows(
    connection: &mut PgConnection,
    keys: &BTreeSet<BookingKey>,
) -> Result<Vec<Row>, StoreError> {
    let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    bookings::table
        .filter(bookings::key.eq_any(keys))
        .order(bookings::key)
        .for_no_key_update()
        .select(COLUMNS)
        .load(connection)
        .map_err(StoreError::query("lock bookings"))
}

/// As [`lock`], those of some messages. Which they are is read without a lock: a message never moves to another booking.
pub(crate) fn lock_of_messages(
    connection: &mut PgConnection,
    ring: &KeyRing,
    messages: &[Uuid],
) -> Result<Vec<Booking>, StoreError> {
    let of_messages = messages::table
        .filter(messages::id.eq_any(messages))
        .select(messages::booking_key);
    let rows: Vec<Row> = bookings::table
        .filter(bookings::key.eq_any(of_messages))
        .order(bookings::key)
        .for_no_key_update()
        .select(COLUMNS)
        .load(connection)
        .map_err(StoreError::query("lock messages' bookings"))?;
    rows.into_iter().map(|row| into_domain(ring, row)).collect()
}

/// As [`lock`], but a booking with damaged facts is returned with empty facts.
pub(crate) fn lock_even_damaged(
    connection: &mut PgConnection,
    ring: &KeyRing,
    keys: &BTreeSet<BookingKey>,
) -> Result<Vec<Booking>, StoreError> {
    let without_facts = |row: Row| (row.0, row.1, Vec::new(), row.3, row.4, row.5, row.6, row.7, row.8);
    let read = |row: Row| match into_domain(ring, row.clone()) {
        // Its row differs from what is known here, so it is written.
        Err(error) if error.is_damage() => into_domain(ring, without_facts(row)).map(|booking| Booking {
            stored: Some(Box::default()),
            ..booking
        }),
        read => read,
    };
    lock_rows(connection, keys)?.into_iter().map(read).collect()
}
