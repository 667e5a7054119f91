//! Months that are final: counted once, 14 days after their end.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use crypto::key_ring::KeyRing;
use diesel::sql_types::{Array, Date, Jsonb, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension, PgConnection, QueryableByName, RunQueryDsl};
use domain::ids::ResortId;
use domain::report::{Figures, Month};

use super::{ResortMonth, compute, present, read, written};
use crate::error::StoreError;
use crate::prepared::sql;
use crate::rows::Value;

/// Figures that are final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    pub resort: ResortId,
    pub month: Month,
    pub figures: Figures,
    pub frozen_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct FrozenRow {
    #[diesel(sql_type = Text)]
    resort: String,
    #[diesel(sql_type = Date)]
    month: NaiveDate,
    #[diesel(sql_type = Jsonb)]
    figures: serde_json::Value,
    #[diesel(sql_type = Timestamptz)]
    frozen_at: DateTime<Utc>,
}

impl TryFrom<FrozenRow> for Frozen {
    type Error = StoreError;

    fn try_from(row: FrozenRow) -> Result<Self, Self::Error> {
        let (resort, figures) = read(&row.resort, row.figures)?;
        Ok(Self {
            resort,
            month: Month::of(row.month),
            figures,
            frozen_at: row.frozen_at,
        })
    }
}

/// The final months of some resorts from `from` up to `to`, both included.
pub fn list_frozen(
    connection: &mut PgConnection,
    resorts: &[ResortId],
    (from, to): (Month, Month),
) -> Result<Vec<Frozen>, StoreError> {
    let resorts: Vec<&str> = resorts.iter().map(ResortId::as_str).collect();
    let rows: Vec<FrozenRow> = sql("SELECT resort, month, figures, frozen_at FROM report_months \
         WHERE resort = ANY($1) AND month BETWEEN $2 AND $3 ORDER BY month, resort")
    .bind::<Array<Text>, _>(resorts)
    .bind::<Date, _>(from.first_day())
    .bind::<Date, _>(to.first_day())
    .load(connection)
    .map_err(StoreError::query("read final months"))?;
    rows.into_iter().map(Frozen::try_from).collect()
}

/// The next month of a resort that is over and not final yet; `None`: there is none.
pub fn next_to_freeze(
    connection: &mut PgConnection,
    resort: &ResortId,
    zone: Tz,
    now: DateTime<Utc>,
) -> Result<Option<Month>, StoreError> {
    let last: Option<NaiveDate> = sql("SELECT max(month) FROM report_months WHERE resort = $1")
        .bind::<Text, _>(resort.as_str())
        .get_result::<Value<Nullable<Date>, Option<NaiveDate>>>(connection)
        .map_err(StoreError::query("find the last final month"))?
        .0;
    let next = match last {
        Some(last) => Some(Month::of(last).next()),
        None => first_month(connection, zone)?,
    };
    Ok(next.filter(|month| month.freezes_at(zone) <= now))
}

/// The month of the first reminder of all resorts, which has the least id: an end of an index.
fn first_month(connection: &mut PgConnection, zone: Tz) -> Result<Option<Month>, StoreError> {
    sql("SELECT basis_at FROM messages WHERE kind = 'reminder_1' ORDER BY id LIMIT 1")
        .get_result::<Value<Timestamptz, DateTime<Utc>>>(connection)
        .optional()
        .map(|first| first.map(|at| Month::at(at.0, zone)))
        .map_err(StoreError::query("find the first reminder"))
}

/// Makes a month final. Says whether it was not so before: then nothing is changed.
pub fn freeze(connection: &mut PgConnection, ring: &KeyRing, of: &ResortMonth) -> Result<bool, StoreError> {
    let figures = written(&compute(connection, ring, of)?)?;
    present::forget(connection, &of.resort, of.month)?;
    sql("INSERT INTO report_months (resort, month, figures) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind::<Text, _>(of.resort.as_str())
        .bind::<Date, _>(of.month.first_day())
        .bind::<Jsonb, _>(figures)
        .execute(connection)
        .map(|frozen| frozen > 0)
        .map_err(StoreError::query("freeze a month"))
}
