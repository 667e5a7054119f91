//! The figures of the whole for the desk's first page: one row, which the processor with the lock of
//! [`figures`](crate::figures) writes once a minute.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Jsonb, Timestamptz};
use diesel::{OptionalExtension, PgConnection, QueryableByName, RunQueryDsl};
use domain::overview::Overview;

use crate::error::StoreError;
use crate::prepared;

const REFRESH_EVERY: Duration = Duration::from_mins(1);

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Jsonb)]
    figures: serde_json::Value,
    #[diesel(sql_type = Timestamptz)]
    made_at: DateTime<Utc>,
}

/// The latest figures and when they were written; `None`: no processor has written any.
pub fn read(connection: &mut PgConnection) -> Result<Option<(Overview, DateTime<Utc>)>, StoreError> {
    let row: Option<Row> = prepared::sql("SELECT figures, made_at FROM overview WHERE id = 1")
        .get_result(connection)
        .optional()
        .map_err(StoreError::query("read the figures of the whole"))?;
    let read = |row: Row| {
        let figures = serde_json::from_value(row.figures);
        let figures = figures.map_err(|_| StoreError::Unreadable {
            what: "figures of the whole",
        });
        figures.map(|figures| (figures, row.made_at))
    };
    row.map(read).transpose()
}

/// Writes new figures where the last ones are older than a minute.
pub fn write(connection: &mut PgConnection) -> Result<bool, StoreError> {
    prepared::sql(include_str!("overview/write.sql"))
        .bind::<BigInt, _>(i64::try_from(REFRESH_EVERY.as_secs()).unwrap_or(i64::MAX))
        .execute(connection)
        .map(|written| written > 0)
        .map_err(StoreError::query("write the figures of the whole"))
}
