//! How many letters a filter matches: together, by reason, by resort, by who has taken them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::ids::LetterId;

use super::Filter;
use super::filter::Conditions;
use crate::error::StoreError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasonCount {
    pub reason: String,
    pub count: i64,
    pub oldest_died_at: DateTime<Utc>,
}

/// Letters of one reason at one resort.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Group {
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// `None`: they name no resort.
    #[diesel(sql_type = Nullable<Text>)]
    pub resort: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    #[diesel(sql_type = Timestamptz)]
    pub oldest_died_at: DateTime<Utc>,
}

/// Counts letters by reason and resort, the most frequent first.
pub fn groups(connection: &mut PgConnection, filter: &Filter) -> Result<Vec<Group>, StoreError> {
    Conditions::of(filter)
        .statement(
            "l.reason, l.resort, count(*) AS count, min(l.died_at) AS oldest_died_at",
            "GROUP BY l.reason, l.resort ORDER BY count(*) DESC, l.reason, l.resort",
        )
        .load(connection)
        .map_err(StoreError::query("count letters by reason and resort"))
}

/// Counts letters by reason, the most frequent first.
pub fn count_by_reason(
    connection: &mut PgConnection,
    filter: &Filter,
) -> Result<Vec<ReasonCount>, StoreError> {
    let mut counts: BTreeMap<String, ReasonCount> = BTreeMap::new();
    for group in groups(connection, filter)? {
        let known = counts.entry(group.reason.clone()).or_insert(ReasonCount {
            reason: group.reason,
            count: 0,
            oldest_died_at: group.oldest_died_at,
        });
        known.count += group.count;
        known.oldest_died_at = known.oldest_died_at.min(group.oldest_died_at);
    }
    let mut counts: Vec<ReasonCount> = counts.into_values().collect();
    // Equal counts stay in the order of their reasons.
    counts.sort_by_key(|one| Reverse(one.count));
    Ok(counts)
}

#[derive(QueryableByName)]
struct Extent {
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = BigInt)]
    last: i64,
}

/// How many letters there are, and the last of them.
pub fn extent(connection: &mut PgConnection, filter: &Filter) -> Result<(i64, LetterId), StoreError> {
    let found: Extent = Conditions::of(filter)
        .statement("count(*) AS count, coalesce(max(l.id), 0) AS last", "")
        .get_result(connection)
        .map_err(StoreError::query("count letters"))?;
    Ok((found.count, LetterId(found.last)))
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Text)]
    assignee: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many letters each member has taken.
pub fn count_by_assignee(
    connection: &mut PgConnection,
    filter: &Filter,
) -> Result<Vec<(String, i64)>, StoreError> {
    let mut conditions = Conditions::of(filter);
    conditions.taken();
    let rows: Vec<Taken> = conditions
        .statement(
            "l.assigned_to AS assignee, count(*) AS count",
            "GROUP BY l.assigned_to ORDER BY l.assigned_to",
        )
        .load(connection)
        .map_err(StoreError::query("count letters by assignee"))?;
    Ok(rows.into_iter().map(|row| (row.assignee, row.count)).collect())
}
