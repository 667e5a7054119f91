//! What is stored of one guest: their bookings, and the numbers and names that no other guest has.

use std::collections::BTreeSet;

use diesel::sql_types::{Array, Bytea, Nullable, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::ids::{BookingKey, ResortId};

use crate::bookings::parse_key;
use crate::error::StoreError;
use crate::prepared;
use crate::rows::Value;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataSubject {
    /// The guest of one booking; others may share the number.
    Booking(BookingKey),
    Number {
        phone_hash: [u8; 32],
        /// The keyed hash of the same digits as WhatsApp's spelling of a number: guests know only that one at times.
        spelling_hash: [u8; 32],
        /// At this resort; `None`: everywhere.
        resort: Option<ResortId>,
    },
}

impl DataSubject {
    /// The resort that the erasure or export is limited to.
    pub(super) fn resort(&self) -> Option<&ResortId> {
        match self {
            Self::Booking(key) => Some(&key.resort),
            Self::Number { resort, .. } => resort.as_ref(),
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubjectData {
    /// Their bookings, with the carts that they grew from and the reservations that they became.
    pub bookings: BTreeSet<BookingKey>,
    /// Keyed hashes of their numbers, as far as no other booking has them: what names nothing but such a number is
    /// theirs too.
    pub numbers: BTreeSet<Vec<u8>>,
    /// Keyed hashes of the other names by which WhatsApp knows these numbers, and no other guest's.
    pub names: BTreeSet<Vec<u8>>,
}

impl SubjectData {
    pub(crate) fn keys(&self) -> Vec<String> {
        self.bookings.iter().map(ToString::to_string).collect()
    }

    /// The keyed hashes of numbers and other names.
    pub fn hashes(&self) -> Vec<&[u8]> {
        self.numbers.union(&self.names).map(Vec::as_slice).collect()
    }

    pub(crate) fn numbers(&self) -> Vec<&[u8]> {
        self.numbers.iter().map(Vec::as_slice).collect()
    }

    /// Adds the names that are learnt of the numbers, unless another guest's number has the same name.
    pub(super) fn learn_names(&mut self, connection: &mut PgConnection) -> Result<(), StoreError> {
        let names: Vec<Value<Bytea, Vec<u8>>> = prepared::sql(
            "SELECT DISTINCT n.name_hash AS phone_hash FROM guest_names n WHERE n.phone_hash = ANY($1) AND NOT EXISTS ( \
             SELECT FROM guest_names o JOIN bookings b ON b.phone_hash = o.phone_hash \
             WHERE o.name_hash = n.name_hash AND o.phone_hash <> ALL($1) AND b.key <> ALL($2))",
        )
        .bind::<Array<Bytea>, _>(self.numbers())
        .bind::<Array<Text>, _>(self.keys())
        .load(connection)
        .map_err(StoreError::query("find the names of a guest's numbers"))?;
        self.names.extend(names.into_iter().map(|row| row.0));
        Ok(())
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

/// Finds the guest's data. Takes no lock.
pub fn find(connection: &mut PgConnection, guest: &DataSubject) -> Result<SubjectData, StoreError> {
    Family::find(connection, guest)?.into_data(connection, guest)
}

pub(super) struct Family {
    pub(super) bookings: BTreeSet<BookingKey>,
    pub(super) numbers: BTreeSet<Vec<u8>>,
    /// Keyed hashes of every other name that is known of the numbers.
    pub(super) names: BTreeSet<Vec<u8>>,
}

impl Family {
    pub(super) fn find(connection: &mut PgConnection, guest: &DataSubject) -> Result<Self, StoreError> {
        let (key, resort) = match guest {
            DataSubject::Booking(key) => (Some(key.to_string()), None),
            DataSubject::Number { resort, .. } => (None, resort.as_ref().map(ResortId::as_str)),
        };
        let hashes = numbers_of(connection, guest)?;
        let found: Vec<Found> = prepared::sql(include_str!("family.sql"))
            .bind::<Nullable<Text>, _>(key)
            .bind::<Array<Bytea>, _>(&hashes)
            .bind::<Nullable<Text>, _>(resort)
            .load(connection)
            .map_err(StoreError::query("find a guest's bookings"))?;
        let bookings = found.iter().map(|row| parse_key(&row.resort, &row.id));
        let mut bookings: BTreeSet<BookingKey> = bookings.collect::<Result<_, _>>()?;
        let numbers = match guest {
            DataSubject::Number { .. } => hashes.into_iter().collect(),
            DataSubject::Booking(key) => {
                // Also one that was never applied: its events may be dead, or on their way.
                bookings.insert(key.clone());
                found.into_iter().filter_map(|row| row.phone_hash).collect()
            }
        };
        let names = names_of(connection, guest, &numbers)?;
        Ok(Self {
            bookings,
            numbers,
            names,
        })
    }

    pub(super) fn into_data(
        self,
        connection: &mut PgConnection,
        guest: &DataSubject,
    ) -> Result<SubjectData, StoreError> {
        let mut data = SubjectData {
            bookings: self.bookings,
            ..SubjectData::default()
        };
        data.numbers = match guest {
            DataSubject::Number { resort: None, .. } => self.numbers,
            _ => theirs_alone(connection, &data, self.numbers.into_iter().collect())?,
        };
        if let DataSubject::Number { spelling_hash, .. } = guest
            && !data.numbers.is_empty()
        {
            data.names.insert(spelling_hash.to_vec());
        }
        data.learn_names(connection)?;
        Ok(data)
    }

    /// Every hash by which something of theirs may arrive.
    pub(super) fn hashes(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.numbers.union(&self.names)
    }
}

/// Every name that is known of some numbers, shared or not.
fn names_of(
    connection: &mut PgConnection,
    guest: &DataSubject,
    numbers: &BTreeSet<Vec<u8>>,
) -> Result<BTreeSet<Vec<u8>>, StoreError> {
    let names: Vec<Value<Bytea, Vec<u8>>> =
        prepared::sql("SELECT DISTINCT name_hash AS phone_hash FROM guest_names WHERE phone_hash = ANY($1)")
            .bind::<Array<Bytea>, _>(numbers.iter().map(Vec::as_slice).collect::<Vec<_>>())
            .load(connection)
            .map_err(StoreError::query("find the names of a guest's numbers"))?;
    let mut names: BTreeSet<Vec<u8>> = names.into_iter().map(|row| row.0).collect();
    if let DataSubject::Number { spelling_hash, .. } = guest {
        names.insert(spelling_hash.to_vec());
    }
    Ok(names)
}

/// The phone hashes that one number means: its own, and those of numbers that WhatsApp spells like it or that share a
/// name with it.
pub fn numbers_of(connection: &mut PgConnection, guest: &DataSubject) -> Result<Vec<Vec<u8>>, StoreError> {
    let DataSubject::Number {
        phone_hash,
        spelling_hash,
        ..
    } = guest
    else {
        return Ok(Vec::new());
    };
    let rows: Vec<Value<Bytea, Vec<u8>>> = prepared::sql(
        "SELECT $1 AS phone_hash UNION SELECT phone_hash FROM guest_names WHERE name_hash = $2 \
         UNION SELECT o.phone_hash FROM guest_names n JOIN guest_names o USING (name_hash) WHERE n.phone_hash = $1",
    )
    .bind::<Bytea, _>(phone_hash.as_slice())
    .bind::<Bytea, _>(spelling_hash.as_slice())
    .load(connection)
    .map_err(StoreError::query("find the numbers that are one guest's"))?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Those of some numbers that no other booking has.
fn theirs_alone(
    connection: &mut PgConnection,
    data: &SubjectData,
    numbers: Vec<Vec<u8>>,
) -> Result<BTreeSet<Vec<u8>>, StoreError> {
    let alone: Vec<Value<Bytea, Vec<u8>>> = prepared::sql(
        "SELECT DISTINCT n.phone_hash FROM unnest($1) AS n(phone_hash) WHERE NOT EXISTS ( \
         SELECT FROM bookings o WHERE o.phone_hash = n.phone_hash AND o.key <> ALL($2))",
    )
    .bind::<Array<Bytea>, _>(numbers)
    .bind::<Array<Text>, _>(data.keys())
    .load(connection)
    .map_err(StoreError::query("find numbers of one guest only"))?;
    Ok(alone.into_iter().map(|row| row.0).collect())
}
