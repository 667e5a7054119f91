//! Bookings by their guest: what a reservation or a wish of the same person can change.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use diesel::sql_types::{Bytea, Text};
use diesel::{ExpressionMethods, PgConnection, QueryDsl, QueryableByName, RunQueryDsl};
use domain::ids::{BookingKey, ResortId};
use domain::plan::Reservation;

use super::parse_key;
use crate::error::StoreError;
use crate::guest_key::GuestKey;
use crate::rows::Rows;
use crate::schema::bookings;

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = Text)]
    resort: String,
    #[diesel(sql_type = Text)]
    id: String,
}

/// The carts of some guests: what a reservation of theirs, or a wish, can change.
pub fn carts_of_guests(
    connection: &mut PgConnection,
    guests: &BTreeSet<GuestKey>,
) -> Result<BTreeSet<BookingKey>, StoreError> {
    if guests.is_empty() {
        return Ok(BTreeSet::new());
    }
    of_guests(connection, guests, "AND NOT b.stands")
}

pub fn all_of_guests(
    connection: &mut PgConnection,
    guests: &BTreeSet<GuestKey>,
) -> Result<BTreeSet<BookingKey>, StoreError> {
    if guests.is_empty() {
        return Ok(BTreeSet::new());
    }
    of_guests(connection, guests, "")
}

fn of_guests(
    connection: &mut PgConnection,
    guests: &BTreeSet<GuestKey>,
    condition: &'static str,
) -> Result<BTreeSet<BookingKey>, StoreError> {
    let sql = format!(
        "SELECT b.resort, b.id FROM {{rows}} \
         JOIN bookings b ON b.phone_hash = n.phone_hash AND b.resort = n.resort {condition}"
    );
    let rows: Vec<KeyRow> = Rows::new(sql, guests)
        .column::<Bytea, _>("phone_hash", |guest| guest.phone_hash.as_slice())
        .column::<Text, _>("resort", |guest| guest.resort.as_str())
        .load(connection)
        .map_err(StoreError::query("find guests' bookings"))?;
    rows.iter().map(|row| parse_key(&row.resort, &row.id)).collect()
}

/// The phone hashes that some bookings have now, without locking them.
pub fn guests_of(
    connection: &mut PgConnection,
    keys: &BTreeSet<BookingKey>,
) -> Result<BTreeSet<GuestKey>, StoreError> {
    let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    let rows: Vec<(String, Option<Vec<u8>>)> = bookings::table
        .filter(bookings::key.eq_any(keys))
        .filter(bookings::phone_hash.is_not_null())
        .select((bookings::resort, bookings::phone_hash))
        .load(connection)
        .map_err(StoreError::query("find bookings' guests"))?;
    let guest = |(resort, hash): (String, Option<Vec<u8>>)| {
        Some(GuestKey {
            phone_hash: hash?.try_into().ok()?,
            resort: ResortId::parse(&resort).ok()?,
        })
    };
    Ok(rows.into_iter().filter_map(guest).collect())
}

type StandingRow = (
    String,
    String,
    Option<Vec<u8>>,
    Option<NaiveDate>,
    Option<NaiveDate>,
);

/// A reservation that stands, with whose it is.
pub(crate) struct Standing {
    pub(crate) key: BookingKey,
    pub(crate) phone_hash: Vec<u8>,
    pub(crate) reservation: Reservation,
}

/// The reservations that stand behind some phone hashes.
pub(crate) fn standing_of(
    connection: &mut PgConnection,
    hashes: &[Vec<u8>],
) -> Result<Vec<Standing>, StoreError> {
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<StandingRow> = bookings::table
        .filter(bookings::phone_hash.eq_any(hashes))
        .filter(bookings::stands)
        .select((
            bookings::resort,
            bookings::id,
            bookings::phone_hash,
            bookings::check_in,
            bookings::check_out,
        ))
        .load(connection)
        .map_err(StoreError::query("find guests' reservations"))?;
    let read = |(resort, id, hash, check_in, check_out): StandingRow| {
        let key = parse_key(&resort, &id)?;
        let reservation = Reservation {
            booking: key.booking.clone(),
            dates: (check_in, check_out),
        };
        Ok(Standing {
            key,
            phone_hash: hash.unwrap_or_default(),
            reservation,
        })
    };
    rows.into_iter().map(read).collect()
}
