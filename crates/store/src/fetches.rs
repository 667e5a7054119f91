//! What platforms are still to be asked for: one row for each webhook that only names a booking.
//!
//! The row is work, and the event of the same key in `events` is the record: it has the sealed request, which retention and
//! erasures empty as any other raw event's. A call begins after a [`claim`], which moves the row's time ahead and is committed
//! first; so a process that dies during the call leaves it to another one. `fetch_turns` says when each source may be asked
//! next, so that all processes together keep to its pace.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Bool, Bytea, Double, Integer, Nullable, Text, Timestamptz};
use diesel::{ExpressionMethods, PgConnection, QueryDsl, QueryableByName, RunQueryDsl};
use domain::event::EventKey;
use domain::ids::{BookingKey, EventId, SourceId};
use domain::trace::TraceContext;

use crate::error::StoreError;
use crate::prepared;
use crate::rows::{Rows, Value};
use crate::schema::fetches;

/// A webhook to ask its platform about.
#[derive(Debug, Clone)]
pub struct NewFetch {
    /// Of its event.
    pub key: String,
    pub source: String,
    /// The request, sealed as it travelled.
    pub sealed_body: Vec<u8>,
}

/// A fetch that this process alone may carry out until its lease ends.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub key: EventKey,
    /// `None`: what is stored is damaged.
    pub booking: Option<BookingKey>,
    /// When `ingest` received the webhook.
    pub received_at: DateTime<Utc>,
    pub request_id: String,
    /// The span in which the webhook was applied.
    pub trace: Option<TraceContext>,
    /// The request, sealed; `None`: its guest was erased, or its retention has ended.
    pub sealed_body: Option<Vec<u8>>,
    /// The number of this attempt, from 1. It fences the result.
    pub attempt: i32,
    /// How many earlier calls failed.
    pub failures: u32,
    /// How many of those the platform refused.
    pub refusals: u32,
    /// Whether it has failed for so long that another failure is final.
    pub is_over: bool,
}

impl Claimed {
    /// The same claim, without the request.
    #[must_use]
    pub fn without_body(&self) -> Self {
        Self {
            sealed_body: None,
            ..self.clone()
        }
    }
}

/// How a source is claimed from.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Between two calls of the source.
    pub interval: Duration,
    /// When another process may take over.
    pub lease: Duration,
    /// How long after the first failure another one is final.
    pub given_up_after: Duration,
}

/// What a failed attempt counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    /// The platform was not asked, or what went wrong was not its fault.
    Nothing,
    Failure,
    /// A failure, too: the platform refused the call.
    Refusal,
}

/// A source with fetches, and when the next of them may be claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub source: SourceId,
    /// How long from now; zero if one is due.
    pub after: Duration,
}

/// Adds work and returns the keys of what was added; an event whose fetch is still to be done has one.
///
/// An event that a person retries is known in `events`: it gets its request back where that was emptied.
pub fn insert_new(connection: &mut PgConnection, new: &[NewFetch]) -> Result<HashSet<String>, StoreError> {
    if new.is_empty() {
        return Ok(HashSet::new());
    }
    let sql = "WITH given AS (SELECT DISTINCT ON (key COLLATE \"C\") key, source, sealed_body FROM {rows} ORDER BY key COLLATE \"C\"), \
         turns AS (INSERT INTO fetch_turns (source) SELECT DISTINCT source FROM given ORDER BY source ON CONFLICT DO NOTHING), \
         added AS (INSERT INTO fetches (key, source) SELECT key, source FROM given ORDER BY key COLLATE \"C\" \
             ON CONFLICT (key) DO NOTHING RETURNING key), \
         filled AS (UPDATE events e SET sealed_body = g.sealed_body FROM given g JOIN added USING (key) \
             WHERE e.key = g.key AND e.sealed_body IS NULL) \
         SELECT key FROM added";
    let added: Vec<Value<Text, String>> = Rows::new(sql, new)
        .column::<Text, _>("key", |fetch| fetch.key.as_str())
        .column::<Text, _>("source", |fetch| fetch.source.as_str())
        .column::<Bytea, _>("sealed_body", |fetch| fetch.sealed_body.as_slice())
        .load(connection)
        .map_err(StoreError::query("record what a platform is to be asked for"))?;
    Ok(added.into_iter().map(|row| row.0).collect())
}

#[derive(QueryableByName)]
struct WaitingRow {
    #[diesel(sql_type = Text)]
    source: String,
    #[diesel(sql_type = Double)]
    after: f64,
}

/// The sources with fetches, the one that has been due longest first.
pub fn list_waiting(connection: &mut PgConnection) -> Result<Vec<Waiting>, StoreError> {
    let rows: Vec<WaitingRow> = prepared::sql(
        "SELECT f.source, greatest(0, extract(epoch FROM \
             greatest(min(f.due_at), max(t.next_at)) - clock_timestamp()))::float8 AS after \
         FROM fetches f LEFT JOIN fetch_turns t ON t.source = f.source GROUP BY f.source ORDER BY min(f.due_at), f.source",
    )
    .load(connection)
    .map_err(StoreError::query("find platforms to ask"))?;
    rows.into_iter()
        .map(|row| {
            Ok(Waiting {
                source: SourceId::parse(&row.source).map_err(|_| unreadable("source"))?,
                after: Duration::try_from_secs_f64(row.after).unwrap_or_default(),
            })
        })
        .collect()
}

#[derive(QueryableByName)]
struct ClaimedRow {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Text)]
    source: String,
    #[diesel(sql_type = Nullable<Text>)]
    booking_key: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    received_at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    request_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    traceparent: Option<String>,
    #[diesel(sql_type = Nullable<Bytea>)]
    sealed_body: Option<Vec<u8>>,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Integer)]
    failures: i32,
    #[diesel(sql_type = Integer)]
    refusals: i32,
    #[diesel(sql_type = Bool)]
    is_over: bool,
}

/// Claims the oldest due fetch of a source. Returns `None` if no fetch is due or the source must not be asked yet. Commit before the call.
pub fn claim(
    connection: &mut PgConnection,
    source: &SourceId,
    terms: Terms,
) -> Result<Option<Claimed>, StoreError> {
    let rows: Vec<ClaimedRow> = prepared::sql(include_str!("fetches/claim.sql"))
        .bind::<Text, _>(source.as_str())
        .bind::<Double, _>(terms.interval.as_secs_f64())
        .bind::<Double, _>(terms.lease.as_secs_f64())
        .bind::<Double, _>(terms.given_up_after.as_secs_f64())
        .load(connection)
        .map_err(StoreError::query("claim a fetch"))?;
    rows.into_iter().next().map(ClaimedRow::into_domain).transpose()
}

impl ClaimedRow {
    fn into_domain(self) -> Result<Claimed, StoreError> {
        let id = self
            .key
            .strip_prefix(&self.source)
            .and_then(|rest| rest.strip_prefix('/'));
        let id = id
            .and_then(|id| EventId::parse(id).ok())
            .ok_or_else(|| unreadable("event id"))?;
        Ok(Claimed {
            key: EventKey {
                source: SourceId::parse(&self.source).map_err(|_| unreadable("source"))?,
                id,
            },
            booking: self.booking_key.and_then(|key| key.parse().ok()),
            received_at: self.received_at,
            request_id: self.request_id,
            trace: self.traceparent.and_then(|text| text.parse().ok()),
            sealed_body: self.sealed_body,
            attempt: self.attempts,
            failures: u32::try_from(self.failures).unwrap_or_default(),
            refusals: u32::try_from(self.refusals).unwrap_or_default(),
            is_over: self.is_over,
        })
    }
}

/// Removes a fetch that is done, unless another process has claimed it since.
pub fn remove(connection: &mut PgConnection, claimed: &Claimed) -> Result<(), StoreError> {
    diesel::delete(fetches::table)
        .filter(fetches::key.eq(claimed.key.to_string()))
        .filter(fetches::attempts.eq(claimed.attempt))
        .execute(connection)
        .map(drop)
        .map_err(StoreError::query("remove a fetch that is done"))
}

/// Puts a fetch off, unless another process has claimed it since.
pub fn put_off(
    connection: &mut PgConnection,
    claimed: &Claimed,
    by: Duration,
    charge: Charge,
) -> Result<(), StoreError> {
    prepared::sql(
        "UPDATE fetches SET due_at = clock_timestamp() + make_interval(secs => $3), failures = failures + $4, \
         refusals = refusals + $5, first_failed_at = CASE WHEN $4 > 0 THEN coalesce(first_failed_at, clock_timestamp()) \
         ELSE first_failed_at END WHERE key = $1 AND attempts = $2",
    )
    .bind::<Text, _>(claimed.key.to_string())
    .bind::<Integer, _>(claimed.attempt)
    .bind::<Double, _>(by.as_secs_f64())
    .bind::<Integer, _>(i32::from(charge != Charge::Nothing))
    .bind::<Integer, _>(i32::from(charge == Charge::Refusal))
    .execute(connection)
    .map(drop)
    .map_err(StoreError::query("put a fetch off"))
}

/// Asks a source nothing for so long: it said so.
pub fn rest(connection: &mut PgConnection, source: &SourceId, pause: Duration) -> Result<(), StoreError> {
    prepared::sql(
        "UPDATE fetch_turns SET next_at = greatest(next_at, clock_timestamp() + make_interval(secs => $2)) WHERE source = $1",
    )
    .bind::<Text, _>(source.as_str())
    .bind::<Double, _>(pause.as_secs_f64())
    .execute(connection)
    .map(drop)
    .map_err(StoreError::query("let a platform rest"))
}

/// How many fetches are still to be done.
pub fn count(connection: &mut PgConnection) -> Result<i64, StoreError> {
    fetches::table
        .count()
        .get_result(connection)
        .map_err(StoreError::query("count fetches"))
}

fn unreadable(what: &'static str) -> StoreError {
    StoreError::Unreadable { what }
}
