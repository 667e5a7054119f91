//! What `ingest` answered each source lately, as it reported it every few seconds. Nothing in it is personal.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::Timestamptz;
use diesel::{ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl};
use domain::ids::SourceId;
use domain::source_report::SourceReport;

use crate::error::StoreError;
use crate::prepared;
use crate::schema::source_reports;

/// How long reports are kept.
const KEPT: TimeDelta = TimeDelta::days(1);

#[derive(Debug, Clone)]
pub struct NewSourceReport {
    /// Unique for each publication.
    pub id: String,
    pub source: SourceId,
    pub reported_at: DateTime<Utc>,
    pub report: SourceReport,
}

/// Stores reports, each once.
pub fn insert(connection: &mut PgConnection, reports: &[NewSourceReport]) -> Result<(), StoreError> {
    let rows: Vec<_> = reports
        .iter()
        .map(|one| {
            (
                source_reports::id.eq(&one.id),
                source_reports::source.eq(one.source.as_str()),
                source_reports::reported_at.eq(one.reported_at),
                source_reports::report.eq(serde_json::json!(one.report).to_string()),
            )
        })
        .collect();
    diesel::insert_into(source_reports::table)
        .values(rows)
        .on_conflict_do_nothing()
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("store what sources were answered"))
}

/// The reports on a source in the last day, newest first; one that a newer version wrote otherwise is left out.
pub fn list(
    connection: &mut PgConnection,
    source: &SourceId,
) -> Result<Vec<(DateTime<Utc>, SourceReport)>, StoreError> {
    let rows: Vec<(DateTime<Utc>, String)> = source_reports::table
        .filter(source_reports::source.eq(source.as_str()))
        .filter(source_reports::reported_at.gt(Utc::now() - KEPT))
        .order(source_reports::reported_at.desc())
        .select((source_reports::reported_at, source_reports::report))
        .load(connection)
        .map_err(StoreError::query("list what a source was answered"))?;
    let read = rows
        .into_iter()
        .filter_map(|(at, text)| Some((at, serde_json::from_str(&text).ok()?)));
    Ok(read.collect())
}

/// Deletes the reports of before the last day; returns how many.
pub fn delete_old(connection: &mut PgConnection) -> Result<usize, StoreError> {
    prepared::sql("DELETE FROM source_reports WHERE reported_at < $1")
        .bind::<Timestamptz, _>(Utc::now() - KEPT)
        .execute(connection)
        .map_err(StoreError::query("delete what sources were answered a day ago"))
}
