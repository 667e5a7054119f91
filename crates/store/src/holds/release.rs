//! Queues held messages: after their hold ended, as a probe, after files changed, or after the guest wrote.

use diesel::sql_types::{BigInt, Bytea, Text};
use diesel::{PgConnection, RunQueryDsl};

use super::probes;
use crate::error::StoreError;
use crate::prepared::sql;
use crate::rows::Value;

/// If a probe gets no answer within this time, the next message becomes the probe.
const BETWEEN_PROBES: &str = "10 seconds";

/// What [`release`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    /// Messages that were queued because their hold ended.
    pub freed: usize,
    /// Messages that were queued as probes.
    pub probes: usize,
    /// Messages that expired while they were held.
    pub expired: usize,
    /// Keys of holds that ended because their accepted probes were not reported as failed.
    pub lifted: Vec<String>,
}

/// Expires held messages that are too late, queues up to `most` messages whose hold ended, newest first, and queues one
/// probe for each half-open hold. The claim checks each message again.
pub fn release(connection: &mut PgConnection, most: i64) -> Result<Released, StoreError> {
    let lifted = probes::lift_unfailed(connection)?;
    let expired = sql(
        "UPDATE messages SET state = 'expired', reason = 'expired', held_by = NULL, updated_at = now() \
         WHERE id = ANY(ARRAY(SELECT id FROM messages WHERE state = 'held' AND expires_at <= clock_timestamp() \
                              ORDER BY id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED))",
    )
    .bind::<BigInt, _>(most)
    .execute(connection)
    .map_err(StoreError::query("end held messages that came too late"))?;
    let freed = sql(queueing(
        "SELECT id FROM messages m WHERE state = 'held' AND held_by IS NOT NULL \
           AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.key = m.held_by) \
         ORDER BY due_at DESC, id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED",
    ))
    .bind::<BigInt, _>(most)
    .execute(connection)
    .map_err(StoreError::query("release held messages"))?;
    let probing: Vec<Value<Text, String>> = sql(format!(
        "UPDATE holds SET probed_at = clock_timestamp() WHERE key = ANY(ARRAY( \
           SELECT key FROM holds WHERE until <= clock_timestamp() \
             AND (probed_at IS NULL OR probed_at < clock_timestamp() - interval '{BETWEEN_PROBES}') \
             AND probe_taken_at IS NULL \
           ORDER BY key FOR UPDATE SKIP LOCKED)) RETURNING key",
    ))
    .load(connection)
    .map_err(StoreError::query("find holds to try"))?;
    let mut probing_messages = 0;
    for hold in probing {
        probing_messages += let_one_try(connection, &hold.0)?;
    }
    Ok(Released {
        freed,
        probes: probing_messages,
        expired,
        lifted,
    })
}

/// Queues the newest message of a hold as its probe.
fn let_one_try(connection: &mut PgConnection, hold: &str) -> Result<usize, StoreError> {
    let tries = queueing(
        "SELECT id FROM messages WHERE state = 'held' AND held_by = $1 \
         ORDER BY due_at DESC, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED",
    );
    sql(format!(
        "WITH tries AS ({tries} RETURNING id) UPDATE holds SET probe_id = tries.id FROM tries WHERE key = $1"
    ))
    .bind::<Text, _>(hold)
    .execute(connection)
    .map_err(StoreError::query("let a held message try"))
}

/// Queues messages that were held because their resort's file had no usable template, or only one that became marketing.
/// Call it after files changed.
pub fn retry_without_template(connection: &mut PgConnection) -> Result<usize, StoreError> {
    sql(queueing(
        "SELECT id FROM messages WHERE state = 'held' AND (held_by IS NULL OR held_by IN ( \
             SELECT key FROM holds WHERE scope = 'template' AND until IS NULL)) \
         ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
    ))
    .execute(connection)
    .map_err(StoreError::query("release messages that had no template"))
}

/// Queues a guest's messages that had no usable template. Call it after the guest wrote, since free text may be sent now.
pub fn retry_with_text(connection: &mut PgConnection, phone_hash: &[u8; 32]) -> Result<usize, StoreError> {
    // `|| ''` keeps Postgres from using the index of all held messages: it reads this guest's messages instead.
    sql(queueing_with(
        "text_refused = false, ",
        "SELECT m.id FROM messages m JOIN bookings b ON b.key = m.booking_key \
         WHERE b.phone_hash = $1 AND m.state || '' = 'held' AND m.reason IN ('template', 'template_missing') \
         ORDER BY m.id FOR NO KEY UPDATE OF m SKIP LOCKED",
    ))
    .bind::<Bytea, _>(phone_hash.as_slice())
    .execute(connection)
    .map_err(StoreError::query("release messages that free text may do for"))
}

/// SQL that queues the selected messages. Those that waited for their template are sent by template again.
fn queueing(which: &str) -> String {
    queueing_with("", which)
}

fn queueing_with(also: &str, which: &str) -> String {
    format!(
        "UPDATE messages SET {also}state = 'queued', reason = NULL, held_by = NULL, \
         turn = CASE WHEN reason IN ('template', 'template_missing') THEN 'template' ELSE turn END, \
         publish_at = greatest(due_at, clock_timestamp()), publishes = 0, updated_at = now() \
         WHERE id = ANY(ARRAY({which}))"
    )
}
