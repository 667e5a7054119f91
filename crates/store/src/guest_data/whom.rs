//! How far a word about a guest reaches: which bookings are theirs, and which numbers are theirs alone.

use std::collections::BTreeSet;

use diesel::sql_types::{Array, Bytea, Nullable, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use domain::ids::{BookingKey, ResortId};

use crate::bookings::parse_key;
use crate::error::StoreError;

/// Whose data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// The guest of one booking; others may share the number.
    Booking(BookingKey),
    /// Whoever has a number.
    Number {
        /// Its keyed hash.
        phone_hash: [u8; 32],
        /// At this resort; `None`: everywhere.
        resort: Option<ResortId>,
    },
}

/// What is theirs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Their bookings, with the carts that they grew from and the reservations that they became.
    pub bookings: BTreeSet<BookingKey>,
    /// Keyed hashes of their numbers, as far as no other booking has them: what names nothing but such a number is
    /// theirs too.
    pub numbers: BTreeSet<Vec<u8>>,
}

impl Reach {
    pub(crate) fn keys(&self) -> Vec<String> {
        self.bookings.iter().map(ToString::to_string).collect()
    }

    pub(crate) fn hashes(&self) -> Vec<&[u8]> {
        self.numbers.iter().map(Vec::as_slice).collect()
    }
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    resort: String,
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Nullable<Bytea>)]
    phone_hash: Option<Vec<u8>>,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = Bytea)]
    phone_hash: Vec<u8>,
}

/// Finds what is theirs, without locking anything.
pub fn reach(connection: &mut PgConnection, whom: &Whom) -> Result<Reach, StoreError> {
    Family::find(connection, whom)?.reach(connection, whom)
}

/// A guest's bookings and every number of theirs, shared or not.
pub(super) struct Family {
    pub(super) bookings: BTreeSet<BookingKey>,
    /// Keyed hashes.
    pub(super) numbers: BTreeSet<Vec<u8>>,
}

impl Family {
    pub(super) fn find(connection: &mut PgConnection, whom: &Whom) -> Result<Self, StoreError> {
        let (key, hash, resort) = match whom {
            Whom::Booking(key) => (Some(key.to_string()), None, None),
            Whom::Number { phone_hash, resort } => (
                None,
                Some(phone_hash.to_vec()),
                resort.as_ref().map(ResortId::as_str),
            ),
        };
        let found: Vec<Found> = sql_query(include_str!("family.sql"))
            .bind::<Nullable<Text>, _>(key)
            .bind::<Nullable<Bytea>, _>(hash.as_deref())
            .bind::<Nullable<Text>, _>(resort)
            .load(connection)
            .map_err(StoreError::query("find a guest's bookings"))?;
        let bookings = found.iter().map(|row| parse_key(&row.resort, &row.id));
        let mut bookings: BTreeSet<BookingKey> = bookings.collect::<Result<_, _>>()?;
        let numbers = match whom {
            Whom::Number { phone_hash, .. } => BTreeSet::from([phone_hash.to_vec()]),
            Whom::Booking(key) => {
                // Also one that was never applied: its events may be dead, or on their way.
                bookings.insert(key.clone());
                found.into_iter().filter_map(|row| row.phone_hash).collect()
            }
        };
        Ok(Self { bookings, numbers })
    }

    pub(super) fn reach(self, connection: &mut PgConnection, whom: &Whom) -> Result<Reach, StoreError> {
        let mut reach = Reach {
            bookings: self.bookings,
            numbers: BTreeSet::new(),
        };
        reach.numbers = match whom {
            Whom::Number { resort: None, .. } => self.numbers,
            _ => theirs_alone(connection, &reach, self.numbers.into_iter().collect())?,
        };
        Ok(reach)
    }
}

/// Those of some numbers that no other booking has.
fn theirs_alone(
    connection: &mut PgConnection,
    reach: &Reach,
    numbers: Vec<Vec<u8>>,
) -> Result<BTreeSet<Vec<u8>>, StoreError> {
    let alone: Vec<Number> = sql_query(
        "SELECT DISTINCT n.phone_hash FROM unnest($1) AS n(phone_hash) WHERE NOT EXISTS ( \
         SELECT FROM bookings o WHERE o.phone_hash = n.phone_hash AND o.key <> ALL($2))",
    )
    .bind::<Array<Bytea>, _>(numbers)
    .bind::<Array<Text>, _>(reach.keys())
    .load(connection)
    .map_err(StoreError::query("find numbers that nobody shares"))?;
    Ok(alone.into_iter().map(|row| row.phone_hash).collect())
}
