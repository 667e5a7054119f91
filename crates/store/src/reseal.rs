//! Lists the keys that sealed values use, and re-encrypts those of older keys with the first key of the ring.
//!
//! It also parses stored phone numbers again: [`reread_bookings`], [`reread_events`].
//!
//! Everything works page by page, and updates a value only if it is still the one that was read. So it may run beside all
//! other programs, be interrupted, and be repeated.

mod phone_numbers;

use std::collections::BTreeMap;

use crypto::key_ring::{KeyRing, OpenError};
use diesel::sql_types::{Array, BigInt, Bytea, Nullable, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::event::sealing_identity;

use crate::answers;
use crate::error::StoreError;
use crate::notes;
use crate::pool::Store;
use crate::prepared;
use crate::rows::Rows;

pub use phone_numbers::{Reread, reread_bookings, reread_events};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedColumn {
    /// What is known of bookings.
    Bookings,
    /// The events as they came, until their retention is over.
    Events,
    /// What people said of what they did.
    Notes,
    /// What staff answered guests.
    Answers,
}

impl SealedColumn {
    pub const ALL: [Self; 4] = [Self::Bookings, Self::Events, Self::Notes, Self::Answers];

    pub const fn table(self) -> &'static str {
        match self {
            Self::Bookings => "bookings",
            Self::Events => "events",
            Self::Notes => "notes",
            Self::Answers => "answers",
        }
    }

    /// By which the rows are walked, as a text that sorts by its bytes.
    const fn key(self) -> &'static str {
        match self {
            Self::Bookings | Self::Events | Self::Notes => "key",
            Self::Answers => "(message_id::text COLLATE \"C\")",
        }
    }

    const fn column(self) -> &'static str {
        match self {
            Self::Bookings => "sealed_facts",
            Self::Events => "sealed_body",
            Self::Notes => "sealed_note",
            Self::Answers => "sealed_answer",
        }
    }

    /// The identity under which a row's value is sealed.
    fn identity(self, key: &str) -> String {
        match self {
            Self::Bookings => format!("facts:{key}"),
            Self::Events => sealing_identity(key),
            Self::Notes => notes::identity(key),
            Self::Answers => answers::identity(key),
        }
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Nullable<Text>)]
    id: Option<String>,
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = Text)]
    last: String,
}

/// How many rows are looked at in one query by those who count.
const LOOKED_AT: i64 = 5_000;

/// How many values lie under which key, by the key's id. Reads the whole table, page by page, so that it holds up no other work
/// and may be broken off.
pub async fn count_by_key(store: &Store, place: SealedColumn) -> Result<BTreeMap<String, i64>, StoreError> {
    let (mut counts, mut after) = (BTreeMap::new(), String::new());
    loop {
        let rows = store
            .run(move |connection| count_page(connection, place, &after))
            .await?;
        let looked_at: i64 = rows.iter().map(|row| row.count).sum();
        after = rows.iter().map(|row| row.last.clone()).max().unwrap_or_default();
        for row in rows {
            if let Some(id) = row.id {
                *counts.entry(id).or_default() += row.count;
            }
        }
        if looked_at < LOOKED_AT {
            return Ok(counts);
        }
    }
}

/// How many values lie under keys that the ring does not have, by table and the key's id: no program with this ring can read them.
pub async fn count_without_key(
    store: &Store,
    ring: &KeyRing,
    places: &[SealedColumn],
) -> Result<Vec<(SealedColumn, String, i64)>, StoreError> {
    let mut found = Vec::new();
    for place in places {
        let counts = count_by_key(store, *place).await?;
        let without = counts.into_iter().filter(|(id, _)| !ring.has(id));
        found.extend(without.map(|(id, count)| (*place, id, count)));
    }
    Ok(found)
}

fn count_page(
    connection: &mut PgConnection,
    place: SealedColumn,
    after: &str,
) -> Result<Vec<Count>, StoreError> {
    let (table, key, column) = (place.table(), place.key(), place.column());
    // A value begins with its format, the length of the key's id, and the id.
    prepared::sql(format!(
        "WITH page AS (SELECT {key} AS key, CASE WHEN length({column}) > 2 THEN \
             encode(substring({column} FROM 3 FOR get_byte({column}, 1)), 'escape') END AS id \
             FROM {table} WHERE {key} > $1 COLLATE \"C\" ORDER BY {key} LIMIT $2) \
         SELECT id, count(*) AS count, max(key) AS last FROM page GROUP BY id",
    ))
    .bind::<Text, _>(after)
    .bind::<BigInt, _>(LOOKED_AT)
    .load(connection)
    .map_err(StoreError::query("count sealed values by key"))
}

/// What a page of [`reseal`] came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Where the next page begins; `None`: this was the last.
    pub next: Option<String>,
    /// Values that lie under the first key now.
    pub resealed: usize,
    /// Values that another program changed meanwhile, which encrypts them with the first key too.
    pub overtaken: usize,
    /// Values under keys that the ring does not have, by the key's id.
    pub unknown: BTreeMap<String, usize>,
    /// Values that do not open.
    pub damaged: usize,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Bytea)]
    sealed: Vec<u8>,
}

/// Re-encrypts up to `most` values of rows after `after`, in the order of keys, that are not encrypted with the ring's first
/// key.
pub fn reseal(
    connection: &mut PgConnection,
    ring: &KeyRing,
    place: SealedColumn,
    after: &str,
    most: i64,
) -> Result<Page, StoreError> {
    let (table, key, column) = (place.table(), place.key(), place.column());
    let rows: Vec<Row> = prepared::sql(format!(
        "SELECT {key} AS key, {column} AS sealed FROM {table} WHERE {key} > $1 COLLATE \"C\" AND length({column}) > 0 \
         AND substring({column} FROM 1 FOR length($2)) <> $2 ORDER BY {key} LIMIT $3",
    ))
    .bind::<Text, _>(after)
    .bind::<Bytea, _>(ring.sealed_prefix())
    .bind::<BigInt, _>(most)
    .load(connection)
    .map_err(StoreError::query("read values to re-encrypt"))?;
    let mut page = Page::default();
    if i64::try_from(rows.len()).is_ok_and(|found| found >= most) {
        page.next = rows.last().map(|row| row.key.clone());
    }
    let mut resealed = Vec::new();
    for row in rows {
        let identity = place.identity(&row.key);
        match ring.open(&row.sealed, &identity) {
            Ok(opened) => resealed.push((row, ring.seal(&opened, &identity))),
            Err(OpenError::UnknownKey { id }) => *page.unknown.entry(id).or_default() += 1,
            Err(OpenError::Damaged) => page.damaged += 1,
        }
    }
    page.resealed = replace(connection, place, &resealed)?;
    page.overtaken = resealed.len().saturating_sub(page.resealed);
    Ok(page)
}

/// Writes re-encrypted values, each unless it has changed since it was read. Returns how many were written.
fn replace(
    connection: &mut PgConnection,
    place: SealedColumn,
    resealed: &[(Row, Vec<u8>)],
) -> Result<usize, StoreError> {
    let (table, key, column) = (place.table(), place.key(), place.column());
    // Locks are taken in the order of keys. A value that has changed meanwhile is left as it is.
    prepared::sql(format!(
        "UPDATE {table} SET {column} = n.after FROM unnest($1, $2, $3) AS n(sealed_key, before, after) \
         WHERE {key} = n.sealed_key AND {column} = n.before AND {key} = ANY(ARRAY( \
         SELECT {key} FROM {table} WHERE {key} = ANY($1) ORDER BY {key} FOR NO KEY UPDATE))",
    ))
    .bind::<Array<Text>, _>(
        resealed
            .iter()
            .map(|(row, _)| row.key.as_str())
            .collect::<Vec<_>>(),
    )
    .bind::<Array<Bytea>, _>(
        resealed
            .iter()
            .map(|(row, _)| row.sealed.as_slice())
            .collect::<Vec<_>>(),
    )
    .bind::<Array<Bytea>, _>(
        resealed
            .iter()
            .map(|(_, after)| after.as_slice())
            .collect::<Vec<_>>(),
    )
    .execute(connection)
    .map_err(StoreError::query("re-encrypt values"))
}

/// A letter's body: an envelope as it lay in its queue, sealed inside.
#[derive(Debug, Clone, QueryableByName)]
pub struct LetterBody {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Bytea)]
    pub body: Vec<u8>,
    /// Keyed hash of the guest's number, as the envelope bears it.
    #[diesel(sql_type = Nullable<Bytea>)]
    pub phone_hash: Option<Vec<u8>>,
}

/// Up to `most` bodies of events' letters that come after a letter's number.
pub fn letter_bodies(
    connection: &mut PgConnection,
    after: i64,
    most: i64,
) -> Result<Vec<LetterBody>, StoreError> {
    prepared::sql("SELECT id, body, phone_hash FROM letters WHERE kind = 'events' AND body IS NOT NULL AND id > $1 ORDER BY id LIMIT $2")
        .bind::<BigInt, _>(after)
        .bind::<BigInt, _>(most)
        .load(connection)
        .map_err(StoreError::query("read letters to re-encrypt"))
}

/// Replaces letters' bodies and hashes, given as they were and as they become; returns how many were still the same before.
pub fn replace_letter_bodies(
    connection: &mut PgConnection,
    replaced: &[(LetterBody, LetterBody)],
) -> Result<usize, StoreError> {
    let sql = "UPDATE letters l SET body = n.after, phone_hash = n.phone_hash \
         FROM {rows} WHERE l.id = n.id AND l.body = n.before";
    Rows::new(sql, replaced)
        .column::<BigInt, _>("id", |(before, _)| before.id)
        .column::<Bytea, _>("before", |(before, _)| before.body.as_slice())
        .column::<Bytea, _>("after", |(_, after)| after.body.as_slice())
        .column::<Nullable<Bytea>, _>("phone_hash", |(_, after)| after.phone_hash.as_deref())
        .execute(connection)
        .map_err(StoreError::query("re-encrypt letters"))
}
