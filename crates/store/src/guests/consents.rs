//! Stops and starts that were sent to a business number, under every name of the writer. They are stored whether or not the
//! writer matches a guest, and looked up by all names of a guest.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Bool, Bytea, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::consent::ConsentChange;
use domain::guest::MarketingConsent;
use domain::ids::{NumberId, ResortId};

use crate::error::StoreError;
use crate::guest_names::{self, Hash};
use crate::prepared;
use crate::rows::Rows;

/// Consents to business numbers, by the keyed hash of a name and the business number.
pub type NumberConsents = BTreeMap<(Hash, NumberId), MarketingConsent>;

/// Adds one stop or start.
pub fn add(
    wishes: &mut NumberConsents,
    hash: Hash,
    number: &NumberId,
    (wish, at): (ConsentChange, DateTime<Utc>),
) {
    let consent = match wish {
        ConsentChange::Stop => MarketingConsent {
            opted_out_at: Some(at),
            opted_in_at: None,
        },
        ConsentChange::Start => MarketingConsent {
            opted_out_at: None,
            opted_in_at: Some(at),
        },
    };
    let known = wishes.entry((hash, number.clone())).or_default();
    *known = known.and(consent);
}

/// Records consents to business numbers: the newest stop and the newest start stay. Repetition and order make no difference.
pub fn record(connection: &mut PgConnection, wishes: &NumberConsents) -> Result<(), StoreError> {
    if wishes.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO number_wishes AS w (hash, number, opted_out_at, opted_in_at) \
         SELECT hash, number, opted_out_at, opted_in_at FROM {rows} ORDER BY hash, number \
         ON CONFLICT (hash, number) DO UPDATE SET \
         opted_out_at = greatest(w.opted_out_at, excluded.opted_out_at), \
         opted_in_at = greatest(w.opted_in_at, excluded.opted_in_at)";
    Rows::new(sql, wishes)
        .column::<Bytea, _>("hash", |((hash, _), _)| hash.as_slice())
        .column::<Text, _>("number", |((_, number), _)| number.as_str())
        .column::<Nullable<Timestamptz>, _>("opted_out_at", |(_, consent)| consent.opted_out_at)
        .column::<Nullable<Timestamptz>, _>("opted_in_at", |(_, consent)| consent.opted_in_at)
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("record what guests consent to a number"))
}

/// Copies the consents of some hashes to others, since a guest has another number or names are to be deleted. The old
/// ones stay. Consents to a resort are copied to `phones` only.
pub fn copy(
    connection: &mut PgConnection,
    from: &BTreeSet<Hash>,
    (names, phones): (&BTreeSet<Hash>, &BTreeSet<Hash>),
) -> Result<(), StoreError> {
    let copies = [
        ("number_wishes", "hash", "number", names),
        ("guests", "phone_hash", "resort", phones),
    ];
    for (table, hash, place, to) in copies {
        prepared::sql(format!(
            "INSERT INTO {table} AS w ({hash}, {place}, opted_out_at, opted_in_at) \
             SELECT t.hash, o.{place}, max(o.opted_out_at), max(o.opted_in_at) \
             FROM {table} o CROSS JOIN unnest($2) AS t(hash) WHERE o.{hash} = ANY($1) \
             GROUP BY t.hash, o.{place} ORDER BY t.hash, o.{place} \
             ON CONFLICT ({hash}, {place}) DO UPDATE SET \
             opted_out_at = greatest(w.opted_out_at, excluded.opted_out_at), \
             opted_in_at = greatest(w.opted_in_at, excluded.opted_in_at)"
        ))
        .bind::<Array<Bytea>, _>(guest_names::slices(from))
        .bind::<Array<Bytea>, _>(guest_names::slices(to))
        .execute(connection)
        .map_err(StoreError::query("copy what a guest consent"))?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Bytea)]
    phone: Vec<u8>,
    /// A resort or a business number.
    #[diesel(sql_type = Text)]
    place: String,
    #[diesel(sql_type = Bool)]
    is_number: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    opted_out_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    opted_in_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    replied_at: Option<DateTime<Utc>>,
}

/// The consents of some guests, under all their names.
#[derive(Debug, Default)]
pub struct Consents {
    to_resorts: HashMap<(Hash, String), MarketingConsent>,
    to_numbers: HashMap<(Hash, String), MarketingConsent>,
    /// Since when a reply to a resort waits for staff.
    replied_at: HashMap<(Hash, String), DateTime<Utc>>,
}

impl Consents {
    /// Reads the consents of the guests of some phone hashes: the newest stop and start under any name.
    pub fn of(connection: &mut PgConnection, phones: &BTreeSet<Hash>) -> Result<Self, StoreError> {
        let mut consents = Self::default();
        if phones.is_empty() {
            return Ok(consents);
        }
        let rows: Vec<Row> = prepared::sql(include_str!("consents.sql"))
            .bind::<Array<Bytea>, _>(guest_names::slices(phones))
            .load(connection)
            .map_err(StoreError::query("read what guests consent to"))?;
        for row in rows {
            let Ok(phone) = Hash::try_from(row.phone) else {
                continue;
            };
            let consent = MarketingConsent {
                opted_out_at: row.opted_out_at,
                opted_in_at: row.opted_in_at,
            };
            if let Some(at) = row.replied_at {
                let newest = consents
                    .replied_at
                    .entry((phone, row.place.clone()))
                    .or_insert(at);
                *newest = at.max(*newest);
            }
            let to = match row.is_number {
                true => &mut consents.to_numbers,
                false => &mut consents.to_resorts,
            };
            let known = to.entry((phone, row.place)).or_default();
            *known = known.and(consent);
        }
        Ok(consents)
    }

    /// When the guest last wrote something that staff of the resort should answer, and have not let pass.
    pub fn replied_at(&self, phone: &Hash, resort: &ResortId) -> Option<DateTime<Utc>> {
        self.replied_at.get(&(*phone, resort.to_string())).copied()
    }

    /// The consent of one guest to a resort that sends from this number.
    pub fn at(&self, phone: &Hash, resort: &ResortId, number: Option<&NumberId>) -> MarketingConsent {
        let to_resort = self.to_resorts.get(&(*phone, resort.to_string()));
        let to_number = number.and_then(|number| self.to_numbers.get(&(*phone, number.to_string())));
        let both = [to_resort, to_number].into_iter().flatten().copied();
        both.fold(MarketingConsent::default(), MarketingConsent::and)
    }
}
