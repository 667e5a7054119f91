//! Writes planned bookings: those that have a row, and those that are new.

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use diesel::sql_types::{BigInt, Bool, Bytea, Date, Nullable, Text, Timestamptz};
use diesel::{PgConnection, RunQueryDsl};
use domain::plan::Status;

use super::{Booking, identity};
use crate::error::StoreError;
use crate::rows::Rows;

const STEP: &str = "save bookings";
const UPDATE: &str = "UPDATE bookings b SET sealed_facts = n.facts, version = n.version, status = n.status, \
     phone_hash = n.phone_hash, stands = n.stands, check_in = n.check_in, check_out = n.check_out, \
     wake_at = n.wake_at, became_key = n.became_key, tells_of_guest = n.tells_of_guest, \
     without_resort = n.without_resort, confirmed_at = n.confirmed_at, traceparent = n.traceparent, updated_at = now() FROM {rows} WHERE b.key = n.key";
/// In the order of the keys: it waits for transactions that insert the same ones.
const INSERT: &str = "INSERT INTO bookings (key, sealed_facts, version, status, phone_hash, stands, check_in, check_out, \
     wake_at, became_key, tells_of_guest, without_resort, confirmed_at, traceparent, resort, id) \
     SELECT * FROM {rows} ORDER BY key COLLATE \"C\" ON CONFLICT (key) DO NOTHING";

pub(crate) struct Saved<'a> {
    pub(crate) booking: &'a Booking,
    pub(crate) phone_hash: Option<Vec<u8>>,
    pub(crate) stands: bool,
    /// Its resort's file could not be read.
    pub(crate) without_resort: bool,
    pub(crate) status: Status,
    pub(crate) wake_at: Option<DateTime<Utc>>,
}

impl Saved<'_> {
    /// Whether the row has to be written. The other columns follow from the facts.
    fn differs(&self) -> bool {
        let known = self.booking;
        let planned = (self.status, self.wake_at, self.without_resort);
        known.is_new
            || known.stored.is_some()
            || planned != (known.status, known.wake_at, known.without_resort)
            || self.phone_hash.as_deref() != known.phone_hash.as_ref().map(<[u8; 32]>::as_slice)
    }
}

/// # Errors
/// [`StoreError::Overtaken`] where another transaction has inserted a booking that was new here.
pub(crate) fn save(
    connection: &mut PgConnection,
    ring: &KeyRing,
    saved: &[Saved<'_>],
) -> Result<(), StoreError> {
    let sealed = saved
        .iter()
        .filter(|row| row.differs())
        .map(|row| Ok((row, seal_facts(ring, row.booking)?)));
    let sealed = sealed.collect::<Result<Vec<_>, StoreError>>()?;
    let (new, known): (Vec<_>, Vec<_>) = sealed.iter().partition(|(row, _)| row.booking.is_new);
    if !known.is_empty() {
        rows(UPDATE, known)
            .execute(connection)
            .map_err(StoreError::query(STEP))?;
    }
    if new.is_empty() {
        return Ok(());
    }
    let expected = new.len();
    let inserted = rows(INSERT, new)
        .column::<Text, _>("resort", |(row, _)| row.booking.key.resort.as_str())
        .column::<Text, _>("id", |(row, _)| row.booking.key.booking.as_str())
        .execute(connection)
        .map_err(StoreError::query(STEP))?;
    match inserted == expected {
        true => Ok(()),
        false => Err(StoreError::Overtaken),
    }
}

/// A booking, and its sealed facts.
type Row<'a> = &'a (&'a Saved<'a>, Vec<u8>);

fn rows<'a>(sql: &'static str, saved: Vec<Row<'a>>) -> Rows<'a, Row<'a>> {
    Rows::new(sql, saved)
        .column::<Text, _>("key", |(row, _)| row.booking.key.to_string())
        .column::<Bytea, _>("facts", |(_, sealed)| sealed.as_slice())
        .column::<BigInt, _>("version", |(row, _)| row.booking.version)
        .column::<Text, _>("status", |(row, _)| row.status.as_str())
        .column::<Nullable<Bytea>, _>("phone_hash", |(row, _)| row.phone_hash.as_deref())
        .column::<Bool, _>("stands", |(row, _)| row.stands)
        .column::<Nullable<Date>, _>("check_in", |(row, _)| row.booking.facts.dates().0)
        .column::<Nullable<Date>, _>("check_out", |(row, _)| row.booking.facts.dates().1)
        .column::<Nullable<Timestamptz>, _>("wake_at", |(row, _)| row.wake_at)
        .column::<Nullable<Text>, _>("became_key", |(row, _)| {
            row.booking.became().map(|key| key.to_string())
        })
        .column::<Bool, _>("tells_of_guest", |(row, _)| row.booking.facts.tells_of_guest())
        .column::<Bool, _>("without_resort", |(row, _)| row.without_resort)
        .column::<Nullable<Timestamptz>, _>("confirmed_at", |(row, _)| {
            row.booking
                .facts
                .confirmed
                .as_ref()
                .map(|confirmed| confirmed.stamp.at)
        })
        .column::<Nullable<Text>, _>("traceparent", |(row, _)| {
            row.booking.trace().map(|trace| trace.to_string())
        })
}

fn seal_facts(ring: &KeyRing, booking: &Booking) -> Result<Vec<u8>, StoreError> {
    let what = "facts of a booking";
    let json = serde_json::to_vec(&booking.facts).map_err(|_| StoreError::Unreadable { what })?;
    Ok(ring.seal(&json, &identity(&booking.key)))
}
