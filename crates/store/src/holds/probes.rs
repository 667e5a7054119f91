//! Judges half-open holds by their probes: an accepted call ends every hold that it tries, except one that was laid for a status
//! `failed`.
//!
//! WhatsApp accepts the probe of such a hold, as it accepted the messages that failed later. The hold ends when the probe is reported as sent or
//! delivered, when it is not reported as failed for a while ([`JUDGED_WITHIN`]), or when a person ends it.

use diesel::sql_types::{Array, Double, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel::{PgConnection, RunQueryDsl};
use domain::hold::{JUDGED_WITHIN, Route};
use domain::ids::MessageId;
use uuid::Uuid;

use crate::error::StoreError;
use crate::prepared::sql;
use crate::rows::{Rows, Value};

/// What a report says of a call that may be a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Went,
    Failed,
}

/// Judges the half-open holds by accepted calls that they cover: a hold that was laid for a status takes the first one as its
/// probe, any other one ends. Returns the keys of those that ended.
pub(crate) fn accepted(
    connection: &mut PgConnection,
    calls: &[(MessageId, &Route)],
) -> Result<Vec<String>, StoreError> {
    let sql = "WITH r AS (SELECT * FROM {rows}), \
         tried AS ( \
            SELECT h.key, h.by_status, probe.id FROM holds h CROSS JOIN LATERAL ( \
                SELECT r.id FROM r WHERE (h.resort IS NULL OR h.resort = r.resort) \
                AND (h.number IS NULL OR h.number = r.number) AND (h.country IS NULL OR h.country = r.country) \
                AND (h.template IS NULL OR h.template = r.template) AND (h.kind IS NULL OR h.kind = r.kind) \
                ORDER BY r.id = h.probe_id DESC, r.id LIMIT 1) probe \
            WHERE h.until <= clock_timestamp() AND NOT (h.by_status AND h.probe_taken_at IS NOT NULL) \
            ORDER BY h.key FOR UPDATE OF h), \
         taken AS ( \
            UPDATE holds SET probe_id = tried.id, probe_taken_at = clock_timestamp() \
            FROM tried WHERE holds.key = tried.key AND tried.by_status) \
         DELETE FROM holds USING tried WHERE holds.key = tried.key AND NOT tried.by_status RETURNING holds.key";
    let rows = Rows::new(sql, calls)
        .column::<SqlUuid, _>("id", |(id, _)| id.0)
        .column::<Text, _>("resort", |(_, route)| route.resort.as_str())
        .column::<Text, _>("number", |(_, route)| route.number.as_str())
        .column::<Integer, _>("country", |(_, route)| i32::from(route.country))
        .column::<Nullable<Text>, _>("template", |(_, route)| route.template.as_deref())
        .column::<Text, _>("kind", |(_, route)| route.kind.as_str());
    lift(rows.load(connection))
}

/// Ends the half-open holds whose probes went; returns their keys.
pub(crate) fn lift_reported(
    connection: &mut PgConnection,
    went: &[MessageId],
) -> Result<Vec<String>, StoreError> {
    lift(
        sql("DELETE FROM holds WHERE key = ANY(ARRAY( \
             SELECT key FROM holds WHERE by_status AND until <= clock_timestamp() AND probe_id = ANY($1) \
             ORDER BY key FOR UPDATE)) RETURNING key")
        .bind::<Array<SqlUuid>, _>(ids(went))
        .load(connection),
    )
}

/// Ends the holds whose accepted probes were not reported as failed in time; returns their keys.
pub(super) fn lift_unfailed(connection: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    lift(
        sql("DELETE FROM holds WHERE key = ANY(ARRAY( \
             SELECT key FROM holds WHERE by_status AND until <= clock_timestamp() \
               AND probe_taken_at <= clock_timestamp() - make_interval(secs => $1) \
             ORDER BY key FOR UPDATE SKIP LOCKED)) RETURNING key")
        .bind::<Double, _>(JUDGED_WITHIN.as_secs_f64())
        .load(connection),
    )
}

fn lift(rows: diesel::QueryResult<Vec<Value<Text, String>>>) -> Result<Vec<String>, StoreError> {
    let rows = rows.map_err(StoreError::query("lift holds whose probes went"))?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// A probe that failed for a reason of its own says nothing about the scope: another message may be the probe at once.
pub(crate) fn unmark_failed(connection: &mut PgConnection, failed: &[MessageId]) -> Result<(), StoreError> {
    sql(
        "UPDATE holds SET probe_id = NULL, probe_taken_at = NULL, probed_at = NULL WHERE key = ANY(ARRAY( \
         SELECT key FROM holds WHERE by_status AND probe_id = ANY($1) ORDER BY key FOR UPDATE))",
    )
    .bind::<Array<SqlUuid>, _>(ids(failed))
    .execute(connection)
    .map(|_| ())
    .map_err(StoreError::query("note which probes say nothing"))
}

fn ids(messages: &[MessageId]) -> Vec<Uuid> {
    messages.iter().map(|id| id.0).collect()
}
