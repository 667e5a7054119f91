//! Business numbers of which WhatsApp reports nothing, although it accepted their messages.
//!
//! Its notifications do not reach `ingest`, or do not verify there. Guests' replies, and so their stops, are lost in the same
//! way.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{Double, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::ids::NumberId;

use crate::error::StoreError;
use crate::prepared::sql;

/// How long after a call its first report is missing. WhatsApp's `sent` comes within seconds.
const MISSING_AFTER: TimeDelta = TimeDelta::minutes(10);
/// How long WhatsApp repeats a notification that is not answered with 200. An older call will never be reported.
const REPORTED_WITHIN: TimeDelta = TimeDelta::days(7);

/// A number from which nothing is reported since a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportGap {
    pub number: NumberId,
    /// The call of the newest message that should have been reported.
    pub waiting_since: DateTime<Utc>,
}

/// The last signs of life of a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LastOfNumber {
    pub called_at: Option<DateTime<Utc>>,
    /// WhatsApp's time of the last status among the last calls.
    pub reported_at: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct GapRow {
    #[diesel(sql_type = Text)]
    number: String,
    #[diesel(sql_type = Timestamptz)]
    waiting_since: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct LastRow {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    called_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    reported_at: Option<DateTime<Utc>>,
}

/// Every number whose newest message of more than ten minutes ago has no report, and of which nothing was reported since.
///
/// A message that WhatsApp holds back to judge its template does not count. A number is listed for seven days at most.
pub fn list(connection: &mut PgConnection) -> Result<Vec<ReportGap>, StoreError> {
    let rows: Vec<GapRow> = sql(include_str!("report_gaps.sql"))
        .bind::<Double, _>(seconds(MISSING_AFTER))
        .bind::<Double, _>(seconds(REPORTED_WITHIN))
        .load(connection)
        .map_err(StoreError::query("find numbers that nothing is reported of"))?;
    let gap = |row: GapRow| {
        Some(ReportGap {
            number: NumberId::parse(&row.number).ok()?,
            waiting_since: row.waiting_since,
        })
    };
    Ok(rows.into_iter().filter_map(gap).collect())
}

/// When the number last called WhatsApp, and was last reported on.
pub fn last_of_number(connection: &mut PgConnection, number: &NumberId) -> Result<LastOfNumber, StoreError> {
    let row: LastRow = sql(
        "SELECT max(n.claimed_at) AS called_at, max(n.delivery_at) AS reported_at FROM ( \
         SELECT claimed_at, delivery_at FROM messages WHERE called_from = $1 AND claimed_at IS NOT NULL \
         ORDER BY claimed_at DESC LIMIT 1000) n",
    )
    .bind::<Text, _>(number.as_str())
    .get_result(connection)
    .map_err(StoreError::query("find the last report on a number"))?;
    Ok(LastOfNumber {
        called_at: row.called_at,
        reported_at: row.reported_at,
    })
}

fn seconds(duration: TimeDelta) -> f64 {
    duration.num_milliseconds() as f64 / 1000.0
}
