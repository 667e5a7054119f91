//! Calls without an answer: first in doubt, then a letter to a person.

use chrono::TimeDelta;
use diesel::sql_types::Double;
use diesel::{PgConnection, RunQueryDsl, sql_query};

use crate::error::StoreError;

/// Calls that nobody spoke of again, because their process died; returns how many became unknown, and how many letters.
///
/// `sending` for longer than `sending_for` becomes `unknown`, `unknown` since longer than `unknown_for` a letter.
pub fn settle_silence(
    connection: &mut PgConnection,
    sending_for: TimeDelta,
    unknown_for: TimeDelta,
) -> Result<(usize, usize), StoreError> {
    let seconds = |duration: TimeDelta| duration.num_milliseconds() as f64 / 1000.0;
    let unknown = sql_query(
        "UPDATE messages SET state = 'unknown', updated_at = now() WHERE id = ANY(ARRAY( \
         SELECT id FROM messages WHERE state = 'sending' AND claimed_at < clock_timestamp() - make_interval(secs => $1) \
         ORDER BY id LIMIT 500 FOR NO KEY UPDATE SKIP LOCKED))",
    )
    .bind::<Double, _>(seconds(sending_for))
    .execute(connection)
    .map_err(StoreError::query("find calls that were never answered"))?;
    let dead = sql_query(
        "UPDATE messages SET state = 'dead', reason = 'outcome_unknown', letter_due = true, \
         died_at = now(), updated_at = now() WHERE id = ANY(ARRAY( \
         SELECT id FROM messages WHERE state = 'unknown' AND claimed_at < clock_timestamp() - make_interval(secs => $1) \
         ORDER BY id LIMIT 500 FOR NO KEY UPDATE SKIP LOCKED))",
    )
    .bind::<Double, _>(seconds(unknown_for))
    .execute(connection)
    .map_err(StoreError::query("give up on unknown outcomes"))?;
    Ok((unknown, dead))
}
