//! Calls that broke a rule, found by what the tables keep of each call.
//!
//! That is its booking's events, its guest's stops and other messages, and the rules under which it was claimed. What the tables
//! do not keep is in docs/report.md.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Double, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl};
use domain::report::Breaches;
use uuid::Uuid;

use super::{ResortMonth, id_at};
use crate::error::StoreError;
use crate::prepared::{Prepared, sql};

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

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Text)]
    breach: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many calls of a month broke each rule.
pub fn count(connection: &mut PgConnection, of: &ResortMonth) -> Result<Breaches, StoreError> {
    let counting = concat!(
        "SELECT breach, count(*) AS count FROM (",
        include_str!("breaches/find.sql"),
        ") AS broken GROUP BY breach"
    );
    let rows: Vec<Counted> = patiently(connection, |connection| {
        asked(counting, of)
            .load(connection)
            .map_err(StoreError::query("count calls that broke a rule"))
    })?;
    let counts = rows
        .into_iter()
        .map(|row| (row.breach, u64::try_from(row.count).unwrap_or_default()));
    Ok(Breaches::of(counts.collect::<BTreeMap<_, _>>()))
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
        asked(listing, of)
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

fn asked(statement: &'static str, of: &ResortMonth) -> Prepared<'static> {
    sql(statement)
        .bind::<SqlUuid, _>(id_at(of.month.previous().begins_at(of.zone)))
        .bind::<Text, _>(of.resort.as_str().to_owned())
        .bind::<Timestamptz, _>(of.month.begins_at(of.zone))
        .bind::<Timestamptz, _>(of.month.ends_at(of.zone))
        .bind::<Text, _>(of.zone.name())
        .bind::<Double, _>(GRACE_SECONDS)
}
