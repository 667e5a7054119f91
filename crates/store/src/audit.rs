//! The audit trail: who did what, when, and why. Rows are only ever added; the database refuses everything else.
//!
//! An action and its row are written in one transaction. A view of personal data is recorded before the data are shown.
//! Since no action is without a row, what a member may do is checked here, for the command line and the pages alike.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bytea, Text};
use diesel::{
    ExpressionMethods, PgConnection, QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper,
};
use domain::audit::Action;
use domain::ids::{BookingId, BookingKey, LetterId, ResortId, StaffName};
use domain::staff::Access;

use crate::error::StoreError;
use crate::notes::{self, Note, NoteKey};
use crate::prepared;
use crate::rows::Value;
use crate::schema::audit;

#[derive(Debug, Clone)]
pub struct Actor {
    pub name: StaffName,
    pub access: Access,
    /// Why, where they said it.
    pub reason: Option<Note>,
}

impl Actor {
    pub(crate) fn note_key(&self) -> Option<&str> {
        self.reason.as_ref().map(|note| note.key().as_str())
    }
}

/// What an action is about. Nothing in it is personal.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    pub resort: Option<ResortId>,
    pub booking: Option<BookingId>,
    pub letter: Option<LetterId>,
    /// Keyed hash of the phone number that was named.
    pub phone_hash: Option<[u8; 32]>,
    /// What exactly, in words of ours: a hold's key, counts.
    pub details: String,
}

impl From<&BookingKey> for Subject {
    fn from(key: &BookingKey) -> Self {
        Self {
            resort: Some(key.resort.clone()),
            booking: Some(key.booking.clone()),
            ..Self::default()
        }
    }
}

impl Subject {
    /// Something that is neither a booking nor a letter, in words of ours.
    pub fn of(details: impl Into<String>) -> Self {
        Self {
            details: details.into(),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn with(self, details: impl Into<String>) -> Self {
        Self {
            details: details.into(),
            ..self
        }
    }
}

/// Adds a row, and the actor's note. To be called in the transaction of what it tells, which a [`StoreError::Forbidden`]
/// undoes.
pub fn append(
    connection: &mut PgConnection,
    actor: &Actor,
    action: Action,
    subject: &Subject,
) -> Result<(), StoreError> {
    actor.access.check(action, subject.resort.as_ref())?;
    if let Some(note) = &actor.reason {
        notes::insert(connection, note)?;
    }
    diesel::insert_into(audit::table)
        .values((
            audit::actor.eq(actor.name.as_str()),
            audit::action.eq(action.as_str()),
            audit::resort.eq(subject.resort.as_ref().map(ResortId::as_str)),
            audit::booking.eq(subject.booking.as_ref().map(BookingId::as_str)),
            audit::letter.eq(subject.letter.map(|id| id.0)),
            audit::phone_hash.eq(subject.phone_hash.as_ref().map(|hash| hash.as_slice())),
            audit::details.eq(&subject.details),
            audit::note_key.eq(actor.note_key()),
        ))
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("write into the audit trail"))
}

#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub actor: Option<StaffName>,
    pub action: Option<Action>,
    pub booking: Option<BookingKey>,
    pub since: Option<DateTime<Utc>>,
    /// Rows with lower ids, which are the older ones.
    pub before: Option<i64>,
}

#[derive(Debug, Clone)]
pub struct Record {
    /// Grows with time.
    pub id: i64,
    pub at: DateTime<Utc>,
    pub actor: String,
    /// What: an [`Action`], or the word of a newer program.
    pub action: String,
    pub resort: Option<String>,
    pub booking: Option<String>,
    pub letter: Option<LetterId>,
    /// About which phone number: its keyed hash.
    pub phone_hash: Option<Vec<u8>>,
    pub details: String,
    /// The person's reason, if they gave one.
    pub reason: Option<NoteKey>,
}

/// Rows, newest first, at most so many.
pub fn list(connection: &mut PgConnection, filter: &Filter, most: i64) -> Result<Vec<Record>, StoreError> {
    let mut query = audit::table.into_boxed();
    if let Some(actor) = &filter.actor {
        query = query.filter(audit::actor.eq(actor.as_str()));
    }
    if let Some(action) = filter.action {
        query = query.filter(audit::action.eq(action.as_str()));
    }
    if let Some(key) = &filter.booking {
        query = query.filter(audit::resort.eq(key.resort.as_str()));
        query = query.filter(audit::booking.eq(key.booking.as_str()));
    }
    if let Some(before) = filter.before {
        query = query.filter(audit::id.lt(before));
    }
    if let Some(since) = filter.since {
        query = query.filter(audit::at.ge(since));
    }
    let rows: Vec<Row> = query
        .order(audit::id.desc())
        .limit(most)
        .select(Row::as_select())
        .load(connection)
        .map_err(StoreError::query("read the audit trail"))?;
    Ok(rows.into_iter().map(Record::from).collect())
}

/// Every row about a guest, oldest first: about these bookings, letters, and keyed hashes of the guest's numbers and names.
pub fn list_about(
    connection: &mut PgConnection,
    bookings: &BTreeSet<BookingKey>,
    hashes: &[&[u8]],
    letters: &[LetterId],
) -> Result<Vec<Record>, StoreError> {
    let found: Vec<Value<BigInt, i64>> = prepared::sql(
        "SELECT a.id FROM audit a JOIN unnest($1) AS b(key) ON b.key = a.resort || '/' || a.booking \
         UNION SELECT id FROM audit WHERE phone_hash = ANY($2) \
         UNION SELECT id FROM audit WHERE letter = ANY($3)",
    )
    .bind::<Array<Text>, _>(bookings.iter().map(ToString::to_string).collect::<Vec<_>>())
    .bind::<Array<Bytea>, _>(hashes)
    .bind::<Array<BigInt>, _>(letters.iter().map(|id| id.0).collect::<Vec<_>>())
    .load(connection)
    .map_err(StoreError::query("find what was done about a guest"))?;
    let ids = found.into_iter().map(|row| row.0);
    let rows: Vec<Row> = audit::table
        .filter(audit::id.eq_any(ids.collect::<Vec<_>>()))
        .order(audit::id)
        .select(Row::as_select())
        .load(connection)
        .map_err(StoreError::query("read what was done about a guest"))?;
    Ok(rows.into_iter().map(Record::from).collect())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    id: i64,
    at: DateTime<Utc>,
    actor: String,
    action: String,
    resort: Option<String>,
    booking: Option<String>,
    letter: Option<i64>,
    phone_hash: Option<Vec<u8>>,
    details: String,
    note_key: Option<String>,
}

impl From<Row> for Record {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            at: row.at,
            actor: row.actor,
            action: row.action,
            resort: row.resort,
            booking: row.booking,
            letter: row.letter.map(LetterId),
            phone_hash: row.phone_hash,
            details: row.details,
            reason: row.note_key.map(NoteKey::of_column),
        }
    }
}
