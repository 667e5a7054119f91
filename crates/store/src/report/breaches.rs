//! Calls that broke a rule, found by what the tables keep of each call.
//!
//! That is its booking's events, its guest's stops and other messages, and the rules under which it was claimed. What the tables
//! do not keep is in docs/report.md.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Double, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl};
use domain::report::Breaches;
use uuid::Uuid;

use super::{ResortMonth, asked, counts};
use crate::error::StoreError;
use crate::prepared::Prepared;

/// How long a transaction that applies events may take until it has the locks of the messages: a claim in between is right.
const GRACE_SECONDS: f64 = 30.0;

/// One call and one rule that it broke.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct BrokenRule {
    /// A `domain::report::Breach`, as text: another version may know more.
    #[diesel(sql_type = Text)]
    pub breach: String,
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// `azure-bay/BK-1042`.
    #[diesel(sql_type = Text)]
    pub booking_key: String,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Timestamptz)]
    pub claimed_at: DateTime<Utc>,
}

/// How many calls of a month broke each rule.
pub fn count(connection: &mut PgConnection, of: &ResortMonth) -> Result<Breaches, StoreError> {
    let counting = concat!(
        "SELECT breach AS name, count(*) AS count FROM (",
        include_str!("breaches/find.sql"),
        ") AS broken GROUP BY breach"
    );
    let rows = patiently(connection, |connection| {
        asked_by_rules(counting, of)
            .load(connection)
            .map_err(StoreError::query("count calls that broke a rule"))
    })?;
    Ok(Breaches::of(counts(rows)))
}

/// The calls of a month that broke a rule, the newest first, so many at most.
pub fn list(
    connection: &mut PgConnection,
    of: &ResortMonth,
    most: i64,
) -> Result<Vec<BrokenRule>, StoreError> {
    let listing = concat!(
        include_str!("breaches/find.sql"),
        " ORDER BY m.claimed_at DESC, m.id, k.breach LIMIT $7"
    );
    patiently(connection, |connection| {
        asked_by_rules(listing, of)
            .bind::<BigInt, _>(most)
            .load(connection)
            .map_err(StoreError::query("list calls that broke a rule"))
    })
}

/// With time for a big month: all of its calls are read.
fn patiently<T>(
    connection: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.transaction(|connection| {
        connection
            .batch_execute("SET LOCAL statement_timeout = '60s'")
            .map_err(StoreError::query("begin to look for calls that broke a rule"))?;
        work(connection)
    })
}

fn asked_by_rules(statement: &'static str, of: &ResortMonth) -> Prepared<'static> {
    asked(statement, of)
        .bind::<Text, _>(of.zone.name())
        .bind::<Double, _>(GRACE_SECONDS)
}
