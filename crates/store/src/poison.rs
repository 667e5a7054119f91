//! Events that came again and again, and may be what brings their processors down.
//!
//! A try is noted before it begins and struck out when it has ended, however. What is left over are the tries that
//! no process finished.

use diesel::sql_types::{Integer, Text, Uuid as SqlUuid};
use diesel::{ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl};

use uuid::Uuid;

use crate::error::StoreError;
use crate::prepared;
use crate::rows::Value;
use crate::schema::suspects;

/// One try of an event. It is counted once, however often it is noted.
#[derive(Debug, Clone, Copy)]
pub struct Try(Uuid);

impl Try {
    /// A try that differs from all others.
    #[expect(clippy::new_without_default, reason = "no two are the same")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

/// Notes that an event is about to be tried; returns how many tries before it were never finished. A caller whose commit
/// had no answer notes the same try again, which changes nothing.
pub fn begin(connection: &mut PgConnection, key: &str, this: Try) -> Result<u32, StoreError> {
    let row: Value<Integer, i32> = prepared::sql(
        "INSERT INTO suspects (key, begun, begun_at, attempts) VALUES ($1, 1, clock_timestamp(), ARRAY[$2]) \
         ON CONFLICT (key) DO UPDATE SET begun_at = excluded.begun_at, \
            begun = suspects.begun + CASE WHEN $2 = ANY(suspects.attempts) THEN 0 ELSE 1 END, \
            attempts = CASE WHEN $2 = ANY(suspects.attempts) THEN suspects.attempts ELSE suspects.attempts || $2 END \
         RETURNING begun",
    )
    .bind::<Text, _>(key)
    .bind::<SqlUuid, _>(this.0)
    .get_result(connection)
    .map_err(StoreError::query("note that a suspicious event is tried"))?;
    Ok(u32::try_from(row.0.saturating_sub(1)).unwrap_or_default())
}

/// Forgets what was noted: the process outlived the event.
pub fn clear(connection: &mut PgConnection, key: &str) -> Result<(), StoreError> {
    diesel::delete(suspects::table.filter(suspects::key.eq(key)))
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("note that a suspicious event has ended"))
}
