//! The ledger: what became of everything, and what should have come to an end by now. Reads only, and locks nothing.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::sql_types::{Array, BigInt, Bool, Double, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::ids::ResortId;
use domain::ledger::Trouble;
use domain::message::MessageState;
use domain::silence_policy::SilencePolicy;

use crate::error::StoreError;
use crate::prepared;
use crate::rows::Value;

/// A message may wait so long for its turn at the pace of its number.
const TURN: TimeDelta = TimeDelta::minutes(30);
/// A retried event may wait so long in the queue.
const RETRIED: TimeDelta = TimeDelta::hours(1);

/// How many entries of one kind ended, or stand, in one way.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Count {
    /// `events`, `event_letters`, `messages`, `message_letters`, `bookings`.
    #[diesel(sql_type = Text)]
    pub of: String,
    /// Outcome, state or status.
    #[diesel(sql_type = Text)]
    pub state: String,
    #[diesel(sql_type = BigInt)]
    pub count: i64,
}

/// Something that should not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub trouble: Trouble,
    /// A message's id, a booking's or event's key, a letter's number, a resort.
    pub subject: String,
    /// The booking's key, where there is one.
    pub booking: Option<String>,
    /// State and reason, or how many.
    pub detail: String,
    pub since: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    pub counts: Vec<Count>,
    /// What should not be, oldest first within its kind.
    pub findings: Vec<Finding>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    trouble: String,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Nullable<Text>)]
    booking: Option<String>,
    #[diesel(sql_type = Text)]
    detail: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    since: Option<DateTime<Utc>>,
}

/// What the checks compare with.
#[derive(Debug, Clone)]
pub struct Expected {
    pub resorts: Vec<ResortId>,
    /// What is allowed for everything that programs do every second or so.
    pub margin: TimeDelta,
    /// How long senders wait for a word on a call.
    pub silence_policy: SilencePolicy,
    /// Whether every letter that was in the dead queues is here now: only then can one be missing.
    pub letters_are_here: bool,
}

/// Checks the ledger as it is at one moment, and returns at most so many findings. Call it in a transaction of its own.
pub fn check(connection: &mut PgConnection, expected: &Expected, most: i64) -> Result<Ledger, StoreError> {
    // One moment for all, nothing but reading, time for a big table, and every kind of plan: whole tables are read.
    connection
        .batch_execute(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL statement_timeout = '10min'; \
             SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on",
        )
        .map_err(StoreError::query("begin to read the ledger"))?;
    let counts = prepared::sql(include_str!("ledger/counts.sql"))
        .load(connection)
        .map_err(StoreError::query("count what became of everything"))?;
    let rows: Vec<Row> = findings(connection, expected, most)?;
    let findings = rows.into_iter().map(into_finding).collect::<Result<_, _>>()?;
    Ok(Ledger { counts, findings })
}

/// Which of these keys belong to no event that is stored and to no dead letter.
pub fn unknown_events(connection: &mut PgConnection, keys: &[String]) -> Result<HashSet<String>, StoreError> {
    let rows: Vec<Value<Text, String>> = prepared::sql(
        "SELECT k.key FROM unnest($1) AS k(key) WHERE NOT EXISTS (SELECT FROM events e WHERE e.key = k.key) \
         AND NOT EXISTS (SELECT FROM letters l WHERE l.kind = 'events' AND l.amqp_id = k.key)",
    )
    .bind::<Array<Text>, _>(keys)
    .load(connection)
    .map_err(StoreError::query("look for accepted events"))?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

fn findings(connection: &mut PgConnection, expected: &Expected, most: i64) -> Result<Vec<Row>, StoreError> {
    let seconds = |duration: TimeDelta| duration.num_milliseconds() as f64 / 1000.0;
    let (margin, silence_policy) = (expected.margin, expected.silence_policy);
    let states: Vec<&str> = MessageState::ALL.iter().map(|state| state.as_str()).collect();
    let resorts: Vec<&str> = expected.resorts.iter().map(ResortId::as_str).collect();
    prepared::sql(include_str!("ledger/findings.sql"))
        .bind::<Double, _>(seconds(margin))
        .bind::<Double, _>(seconds(TURN))
        .bind::<Double, _>(seconds(silence_policy.lost_after + margin))
        .bind::<Double, _>(seconds(silence_policy.gives_up_after + margin))
        .bind::<Double, _>(seconds(RETRIED))
        .bind::<Array<Text>, _>(resorts)
        .bind::<Array<Text>, _>(states)
        .bind::<Bool, _>(expected.letters_are_here)
        .bind::<BigInt, _>(most)
        .load(connection)
        .map_err(StoreError::query("look for what should have come to an end"))
}

fn into_finding(row: Row) -> Result<Finding, StoreError> {
    Ok(Finding {
        trouble: row.trouble.parse().map_err(|_| StoreError::Unreadable {
            what: "trouble in the ledger",
        })?,
        subject: row.subject,
        booking: row.booking,
        detail: row.detail,
        since: row.since,
    })
}
