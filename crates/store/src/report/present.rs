//! Months that are not final, as they were last counted: to count a month reads all of its carts and calls.

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use diesel::sql_types::{Array, Date, Jsonb, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::ids::ResortId;
use domain::report::{Figures, Month};

use super::{ResortMonth, compute, read, written};
use crate::error::StoreError;
use crate::pool;
use crate::prepared::sql;

/// Figures as they were at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    pub resort: ResortId,
    pub figures: Figures,
    pub counted_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    resort: String,
    #[diesel(sql_type = Jsonb)]
    figures: serde_json::Value,
    #[diesel(sql_type = Timestamptz)]
    counted_at: DateTime<Utc>,
}

/// Counts a month and keeps the figures in place of those before.
pub fn count(connection: &mut PgConnection, ring: &KeyRing, of: &ResortMonth) -> Result<Figures, StoreError> {
    let counted_at = pool::clock(connection)?;
    let figures = compute(connection, ring, of)?;
    sql(
        "INSERT INTO report_present (resort, month, figures, counted_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (resort, month) DO UPDATE SET figures = excluded.figures, counted_at = excluded.counted_at",
    )
    .bind::<Text, _>(of.resort.as_str())
    .bind::<Date, _>(of.month.first_day())
    .bind::<Jsonb, _>(written(&figures)?)
    .bind::<Timestamptz, _>(counted_at)
    .execute(connection)
    .map_err(StoreError::query("keep the figures of a month that is not final"))?;
    Ok(figures)
}

/// What was counted of a month since `since`, of those of these resorts that were counted.
pub fn list(
    connection: &mut PgConnection,
    resorts: &[ResortId],
    month: Month,
    since: DateTime<Utc>,
) -> Result<Vec<Present>, StoreError> {
    let resorts: Vec<&str> = resorts.iter().map(ResortId::as_str).collect();
    let rows: Vec<Row> = sql("SELECT resort, figures, counted_at FROM report_present \
         WHERE resort = ANY($1) AND month = $2 AND counted_at >= $3")
    .bind::<Array<Text>, _>(resorts)
    .bind::<Date, _>(month.first_day())
    .bind::<Timestamptz, _>(since)
    .load(connection)
    .map_err(StoreError::query("read the figures of a month that is not final"))?;
    rows.into_iter().map(Present::try_from).collect()
}

/// Forgets months of a resort up to this one, which are final.
pub fn forget(connection: &mut PgConnection, resort: &ResortId, up_to: Month) -> Result<(), StoreError> {
    sql("DELETE FROM report_present WHERE resort = $1 AND month <= $2")
        .bind::<Text, _>(resort.as_str())
        .bind::<Date, _>(up_to.first_day())
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("forget figures of a month that is final"))
}

impl TryFrom<Row> for Present {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, Self::Error> {
        let (resort, figures) = read(&row.resort, row.figures)?;
        Ok(Self {
            resort,
            figures,
            counted_at: row.counted_at,
        })
    }
}
