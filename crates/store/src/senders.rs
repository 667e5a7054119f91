//! The senders that run, so that they can share what one business number may send, and whether each reaches WhatsApp.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{Array, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{ExpressionMethods, PgConnection, QueryDsl, QueryableByName, RunQueryDsl};
use uuid::Uuid;

use crate::error::StoreError;
use crate::prepared::sql;
use crate::schema::senders;

/// A sender that said nothing for longer is gone, or cut off from Postgres too.
const SEEN_WITHIN: TimeDelta = TimeDelta::seconds(10);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    pub id: Uuid,
    /// Its host and process.
    pub name: String,
    /// Since when it cannot reach WhatsApp, and why; `None`: it can, as far as it knows.
    pub unreachable: Option<Unreachable>,
    /// The other senders that it counts when it takes its share of a number's rate.
    pub knows: Vec<Uuid>,
}

/// That WhatsApp cannot be reached from somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    pub since: DateTime<Utc>,
    pub reason: String,
}

/// Another sender that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    pub id: Uuid,
    /// Whether it counts this sender.
    pub knows_us: bool,
}

#[derive(QueryableByName)]
struct OtherRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Bool)]
    knows_us: bool,
}

/// Says that this sender runs, and returns the others that said so within the last 3 s, in the order of their ids.
pub fn beat(connection: &mut PgConnection, sender: &Sender) -> Result<Vec<Other>, StoreError> {
    let unreachable = sender.unreachable.as_ref();
    // The row is written although nothing reads what the first part returns. A sender of an older version has no
    // `knows`, and is not waited for.
    let others: Vec<OtherRow> = sql(
        "WITH us AS ( \
           INSERT INTO senders (id, seen_at, name, unreachable_since, unreachable_reason, knows) \
           VALUES ($1, clock_timestamp(), $2, $3, $4, $5) \
           ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, name = excluded.name, knows = excluded.knows, \
              unreachable_since = excluded.unreachable_since, unreachable_reason = excluded.unreachable_reason), \
         gone AS (DELETE FROM senders WHERE seen_at < clock_timestamp() - interval '1 minute' AND id <> $1) \
         SELECT id, knows IS NULL OR $1 = ANY(knows) AS knows_us FROM senders \
         WHERE seen_at > clock_timestamp() - interval '3 seconds' AND id <> $1 ORDER BY id",
    )
    .bind::<SqlUuid, _>(sender.id)
    .bind::<Text, _>(&sender.name)
    .bind::<Nullable<Timestamptz>, _>(unreachable.map(|unreachable| unreachable.since))
    .bind::<Nullable<Text>, _>(unreachable.map(|unreachable| unreachable.reason.as_str()))
    .bind::<Array<SqlUuid>, _>(&sender.knows)
    .load(connection)
    .map_err(StoreError::query("say that a sender runs"))?;
    let other = |row: OtherRow| Other {
        id: row.id,
        knows_us: row.knows_us,
    };
    Ok(others.into_iter().map(other).collect())
}

/// Id, name, and since when and why it cannot reach WhatsApp.
type Row = (Uuid, Option<String>, Option<DateTime<Utc>>, Option<String>);

/// The senders that run and cannot reach WhatsApp, longest first.
pub fn list_unreachable(connection: &mut PgConnection) -> Result<Vec<Sender>, StoreError> {
    let rows: Vec<Row> = senders::table
        .filter(senders::unreachable_since.is_not_null())
        .filter(senders::seen_at.gt(crate::pool::clock(connection)? - SEEN_WITHIN))
        .order((senders::unreachable_since, senders::id))
        .select((
            senders::id,
            senders::name,
            senders::unreachable_since,
            senders::unreachable_reason,
        ))
        .load(connection)
        .map_err(StoreError::query("list senders that cannot reach WhatsApp"))?;
    let sender = |(id, name, since, reason): Row| Sender {
        id,
        name: name.unwrap_or_default(),
        unreachable: since.map(|since| Unreachable {
            since,
            reason: reason.unwrap_or_default(),
        }),
        knows: Vec::new(),
    };
    Ok(rows.into_iter().map(sender).collect())
}

/// Says that this sender ends: the others may send more at once.
pub fn leave(connection: &mut PgConnection, id: Uuid) -> Result<(), StoreError> {
    diesel::delete(senders::table.filter(senders::id.eq(id)))
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("say that a sender ends"))
}
