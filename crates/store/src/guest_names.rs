//! The names by which WhatsApp knows a guest beside the number that we call, as keyed hashes.
//!
//! They come from the answers and reports of our own messages, and from messages of matched guests. The view `known_as`
//! lists all names of the guest of a phone hash. Claims, plans and windows use it, so a stop that was sent under one name
//! applies as soon as the name is recorded, in whatever order the two arrive.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Bytea, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension, PgConnection, QueryableByName, RunQueryDsl};
use domain::guest::{GuestName, NameKind};
use domain::ids::{BookingKey, NumberId, ResortId};
use domain::message::MessageKind;

use crate::error::StoreError;
use crate::planner::Planner;
use crate::prepared;
use crate::rows::{Rows, Value};
use crate::unmatched_letters;

/// A keyed hash: of a number, or of another name.
pub type Hash = [u8; 32];

/// A name that belongs to a phone hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Learnt {
    name: Hash,
    phone: Hash,
    kind: NameKind,
}

impl Learnt {
    /// What is worth remembering of the names of a guest whom we call by a number: not the number itself, and no spelling
    /// that is the same.
    pub fn of_guest(planner: &Planner, names: &[GuestName], phone: Hash) -> Vec<Self> {
        let is_new = |name: &&GuestName| {
            let dialled = name.as_dialled().map(|name| planner.name_hash(&name));
            name.kind() != NameKind::Number && dialled != Some(phone)
        };
        let learnt = |name: &GuestName| Self {
            name: planner.name_hash(name),
            phone,
            kind: name.kind(),
        };
        names.iter().filter(is_new).map(learnt).collect()
    }
}

/// Records names, and settles the dead letters of writers who match a guest by them.
pub fn learn(connection: &mut PgConnection, learnt: &BTreeSet<Learnt>) -> Result<(), StoreError> {
    if learnt.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO guest_names (name_hash, phone_hash, kind) \
         SELECT name_hash, phone_hash, kind FROM {rows} ORDER BY name_hash, phone_hash \
         ON CONFLICT (name_hash, phone_hash) DO NOTHING RETURNING name_hash";
    let new: Vec<Value<Bytea, Vec<u8>>> = Rows::new(sql, learnt)
        .column::<Bytea, _>("name_hash", |one| one.name.as_slice())
        .column::<Bytea, _>("phone_hash", |one| one.phone.as_slice())
        .column::<Text, _>("kind", |one| one.kind.as_str())
        .load(connection)
        .map_err(StoreError::query("learn guests' names"))?;
    let new: Vec<Vec<u8>> = new.into_iter().map(|row| row.0).collect();
    unmatched_letters::settle_matched(connection, &new)
}

#[derive(QueryableByName)]
struct Pair {
    #[diesel(sql_type = Bytea)]
    name_hash: Vec<u8>,
    #[diesel(sql_type = Bytea)]
    phone_hash: Vec<u8>,
}

/// The phone hashes that some names belong to: those that were learnt, and numbers that bookings have.
pub fn phones_of(
    connection: &mut PgConnection,
    names: &BTreeSet<Hash>,
) -> Result<BTreeMap<Hash, BTreeSet<Hash>>, StoreError> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<Pair> = prepared::sql(
        "SELECT name_hash, phone_hash FROM guest_names WHERE name_hash = ANY($1) \
         UNION SELECT phone_hash, phone_hash FROM bookings WHERE phone_hash = ANY($1)",
    )
    .bind::<Array<Bytea>, _>(slices(names))
    .load(connection)
    .map_err(StoreError::query("find whose names these are"))?;
    let mut found: BTreeMap<Hash, BTreeSet<Hash>> = BTreeMap::new();
    for row in rows {
        if let (Ok(name), Ok(phone)) = (row.name_hash.try_into(), row.phone_hash.try_into()) {
            found.entry(name).or_default().insert(phone);
        }
    }
    Ok(found)
}

/// Some phone hashes with everything by which their guests are known besides.
pub fn known_as(
    connection: &mut PgConnection,
    phones: &BTreeSet<Hash>,
) -> Result<BTreeSet<Hash>, StoreError> {
    let pairs = known_pairs(connection, phones)?;
    Ok(phones
        .iter()
        .copied()
        .chain(pairs.into_iter().map(|(_, known)| known))
        .collect())
}

/// Everything by which the guests of some phone hashes are known besides, with whose it is.
pub(crate) fn known_pairs(
    connection: &mut PgConnection,
    phones: &BTreeSet<Hash>,
) -> Result<Vec<(Hash, Hash)>, StoreError> {
    if phones.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Pair> = prepared::sql(
        "SELECT DISTINCT hash AS name_hash, phone_hash FROM known_as WHERE phone_hash = ANY($1)",
    )
    .bind::<Array<Bytea>, _>(slices(phones))
    .load(connection)
    .map_err(StoreError::query("find by what guests are known"))?;
    let pair = |row: Pair| Some((row.phone_hash.try_into().ok()?, row.name_hash.try_into().ok()?));
    Ok(rows.into_iter().filter_map(pair).collect())
}

/// A message of ours, as an answer to it sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ours {
    pub kind: MessageKind,
    /// Keyed hash of the number that was called, where it is known.
    pub phone: Option<Hash>,
    pub booking_key: String,
}

impl Ours {
    /// The resort whose message it is.
    pub fn resort(&self) -> Option<ResortId> {
        self.booking_key.parse().ok().map(|key: BookingKey| key.resort)
    }
}

#[derive(QueryableByName)]
struct OursRow {
    #[diesel(sql_type = Bytea)]
    whatsapp_hash: Vec<u8>,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<Bytea>)]
    phone_hash: Option<Vec<u8>>,
    #[diesel(sql_type = Text)]
    booking_key: String,
}

impl OursRow {
    fn into_domain(self) -> Result<Ours, StoreError> {
        Ok(Ours {
            kind: self
                .kind
                .parse()
                .map_err(|_| StoreError::Unreadable { what: "message kind" })?,
            phone: self.phone_hash.and_then(|hash| hash.try_into().ok()),
            booking_key: self.booking_key,
        })
    }
}

/// Messages of ours by the keyed hashes of WhatsApp's ids.
pub fn ours_by_whatsapp_hash(
    connection: &mut PgConnection,
    hashes: &BTreeSet<Hash>,
) -> Result<BTreeMap<Hash, Ours>, StoreError> {
    if hashes.is_empty() {
        return Ok(BTreeMap::new());
    }
    // A message of before this version does not say which number was called: its booking's counts.
    let rows: Vec<OursRow> = prepared::sql(
        "SELECT m.whatsapp_hash, m.kind, coalesce(m.called_to, b.phone_hash) AS phone_hash, m.booking_key \
         FROM messages m JOIN bookings b ON b.key = m.booking_key WHERE m.whatsapp_hash = ANY($1)",
    )
    .bind::<Array<Bytea>, _>(slices(hashes))
    .load(connection)
    .map_err(StoreError::query("find the messages that guests answer"))?;
    let mut found = BTreeMap::new();
    for row in rows {
        if let Ok(hash) = Hash::try_from(row.whatsapp_hash.as_slice()) {
            found.insert(hash, row.into_domain()?);
        }
    }
    Ok(found)
}

/// The newest message, of one kind or of any, that went to one of these phone hashes from a number within a time.
pub fn newest_to(
    connection: &mut PgConnection,
    phones: &BTreeSet<Hash>,
    number: &NumberId,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    kind: Option<MessageKind>,
) -> Result<Option<Ours>, StoreError> {
    let row: Option<OursRow> = prepared::sql(
        "SELECT ''::bytea AS whatsapp_hash, kind, called_to AS phone_hash, booking_key FROM messages \
         WHERE called_to = ANY($1) AND called_from = $2 AND claimed_at > $3 AND claimed_at <= $4 \
         AND ($5::text IS NULL OR kind = $5) AND state IN ('sending', 'unknown', 'sent', 'delivered', 'read') ORDER BY claimed_at DESC LIMIT 1",
    )
    .bind::<Array<Bytea>, _>(slices(phones))
    .bind::<Text, _>(number.as_str())
    .bind::<Timestamptz, _>(from)
    .bind::<Timestamptz, _>(until)
    .bind::<Nullable<Text>, _>(kind.as_ref().map(MessageKind::as_str))
    .get_result(connection)
    .optional()
    .map_err(StoreError::query("find the newest message to a guest"))?;
    row.map(OursRow::into_domain).transpose()
}

/// Whether some name is of a guest who was erased: what they write is no riddle.
pub fn is_of_erased(connection: &mut PgConnection, names: &[Hash]) -> Result<bool, StoreError> {
    let names: Vec<&[u8]> = names.iter().map(Hash::as_slice).collect();
    prepared::sql("SELECT EXISTS (SELECT FROM erased_guests WHERE phone_hash = ANY($1)) AS known")
        .bind::<Array<Bytea>, _>(names)
        .get_result::<Value<diesel::sql_types::Bool, bool>>(connection)
        .map(|row| row.0)
        .map_err(StoreError::query("look for an erased writer"))
}

/// Forgets the names of numbers, those that were learnt for them.
pub(crate) fn forget(connection: &mut PgConnection, phones: &[&[u8]]) -> Result<(), StoreError> {
    prepared::sql("DELETE FROM guest_names WHERE phone_hash = ANY($1)")
        .bind::<Array<Bytea>, _>(phones)
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("forget a guest's names"))
}

pub(crate) fn slices(hashes: &BTreeSet<Hash>) -> Vec<&[u8]> {
    hashes.iter().map(Hash::as_slice).collect()
}

/// Hashes as a text that Postgres reads as `bytea[]`, since arrays of arrays cannot be unnested; `None`: there are none.
pub(crate) fn array_literal(hashes: &[Vec<u8>]) -> Option<String> {
    let hex = |hash: &Vec<u8>| {
        let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("\"\\\\x{digits}\"")
    };
    let all: Vec<String> = hashes.iter().map(hex).collect();
    (!all.is_empty()).then(|| format!("{{{}}}", all.join(",")))
}
