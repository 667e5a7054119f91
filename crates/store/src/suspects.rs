//! Events that came again and again, and may be what brings their processors down.
//!
//! A try is noted before it begins and struck out when it has ended, however. What is left over are the tries that
//! nobody lived to finish.

use diesel::sql_types::{Integer, Text};
use diesel::{ExpressionMethods, PgConnection, QueryDsl, QueryableByName, RunQueryDsl, sql_query};

use crate::error::StoreError;
use crate::schema::suspects;

#[derive(QueryableByName)]
struct Begun {
    #[diesel(sql_type = Integer)]
    begun: i32,
}

/// Notes that an event is about to be tried; returns how many tries before it were never finished.
pub fn begin(connection: &mut PgConnection, key: &str) -> Result<u32, StoreError> {
    let row: Begun = sql_query(
        "INSERT INTO suspects (key, begun, begun_at) VALUES ($1, 1, clock_timestamp()) \
         ON CONFLICT (key) DO UPDATE SET begun = suspects.begun + 1, begun_at = excluded.begun_at RETURNING begun",
    )
    .bind::<Text, _>(key)
    .get_result(connection)
    .map_err(StoreError::query("note that a suspicious event is tried"))?;
    Ok(u32::try_from(row.begun.saturating_sub(1)).unwrap_or_default())
}

/// Forgets what was noted: the process outlived the event.
pub fn clear(connection: &mut PgConnection, key: &str) -> Result<(), StoreError> {
    diesel::delete(suspects::table.filter(suspects::key.eq(key)))
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("note that a suspicious event has ended"))
}
