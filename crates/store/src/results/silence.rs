//! Calls without a known outcome: the message becomes `unknown`, and by evidence it is sent once more or dead-lettered.
//!
//! Evidence is gathered without a lock. The verdict is written under the booking's lock, unless WhatsApp reported meanwhile.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use diesel::sql_types::{BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::audit::Action;
use domain::ids::MessageId;
use domain::message::Attempt;
use domain::silence_policy::{Evidence, PACED_FOR, SilencePolicy, SilenceVerdict};
use uuid::Uuid;

use super::Outcome;
use super::locked::Locked;
use crate::audit::{self, Actor, Subject};
use crate::error::StoreError;
use crate::planning::Planner;
use crate::prepared::sql;

/// A call without an answer or a report, and what is known around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnresolvedCall {
    pub id: MessageId,
    pub booking_key: String,
    pub attempt: Attempt,
    /// What speaks for and against its having gone.
    pub evidence: Evidence,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    booking_key: String,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Timestamptz)]
    claimed_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    queued_before: bool,
    #[diesel(sql_type = BigInt)]
    answered: i64,
    #[diesel(sql_type = BigInt)]
    reported: i64,
    #[diesel(sql_type = Bool)]
    template_paced: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    heard_until: Option<DateTime<Utc>>,
}

fn seconds(duration: TimeDelta) -> f64 {
    duration.num_milliseconds() as f64 / 1000.0
}

/// Calls that are still unfinished this long after their claim count as lost: their outcome is unknown. Returns how many.
pub fn doubt_lost_calls(connection: &mut PgConnection, lost_after: TimeDelta) -> Result<usize, StoreError> {
    sql(
        "UPDATE messages SET state = 'unknown', updated_at = now() WHERE id = ANY(ARRAY( \
         SELECT id FROM messages WHERE state = 'sending' AND claimed_at < clock_timestamp() - make_interval(secs => $1) \
         ORDER BY id LIMIT 500 FOR NO KEY UPDATE SKIP LOCKED))",
    )
    .bind::<Double, _>(seconds(lost_after))
    .execute(connection)
    .map_err(StoreError::query("find calls that were never answered"))
}

/// Marks as unknown every message that may have gone since the moment to which the database was restored. Returns how many.
///
/// These were due when the last sender stopped, and have no end here. A report settles them, or a person is asked; evidence
/// never sends them again, since this database does not know the calls around theirs. No sender may run meanwhile. A second
/// run finds only what timers have planned since.
pub fn doubt_due(
    connection: &mut PgConnection,
    due_by: DateTime<Utc>,
    by: &Actor,
) -> Result<usize, StoreError> {
    // Bookings are locked before messages.
    sql(
        "SELECT key FROM bookings WHERE key IN (SELECT booking_key FROM messages \
         WHERE state IN ('queued', 'held', 'sending', 'unknown') AND due_at <= $1) ORDER BY key FOR NO KEY UPDATE",
    )
    .bind::<Timestamptz, _>(due_by)
    .execute(connection)
    .map_err(StoreError::query("lock the bookings of due messages"))?;
    // What was to be called had no call of this attempt yet: the call that may have been made was the next.
    let doubted = sql(
        "UPDATE messages m SET state = 'unknown', reason = NULL, held_by = NULL, publish_at = NULL, publishes = 0, \
            attempts = d.attempt, silent_attempt = d.attempt, claim_token = NULL, claimed_at = clock_timestamp(), \
            called_from = NULL, updated_at = now() \
         FROM (SELECT id, attempts + CASE WHEN state IN ('queued', 'held') THEN 1 ELSE 0 END AS attempt FROM messages \
            WHERE state IN ('queued', 'held', 'sending', 'unknown') AND due_at <= $1 \
              AND (state IN ('sending', 'unknown') OR expires_at > clock_timestamp()) \
              AND (state <> 'unknown' OR silent_attempt IS DISTINCT FROM attempts) ORDER BY id FOR NO KEY UPDATE) d \
         WHERE m.id = d.id",
    )
    .bind::<Timestamptz, _>(due_by)
    .execute(connection)
    .map_err(StoreError::query("doubt due messages"))?;
    let details = format!(
        "{doubted} messages due by {}",
        due_by.to_rfc3339_opts(SecondsFormat::Secs, true)
    );
    audit::append(connection, by, Action::MessagesDoubted, &Subject::of(details))?;
    Ok(doubted)
}

/// Calls of unknown outcome whose silence counts by now, with the evidence around them, oldest first and `after` one.
///
/// `events_empty` says that nothing has waited in the queue of events for long enough.
pub fn gather(
    connection: &mut PgConnection,
    policy: &SilencePolicy,
    events_empty: bool,
    after: Option<&UnresolvedCall>,
    most: i64,
) -> Result<Vec<UnresolvedCall>, StoreError> {
    let after = after.map_or((DateTime::<Utc>::UNIX_EPOCH, Uuid::nil()), |last| {
        (last.evidence.claimed_at, last.id.0)
    });
    let rows: Vec<Row> = sql(include_str!("silence.sql"))
        .bind::<Double, _>(seconds(policy.counts_after.min(policy.gives_up_after)))
        .bind::<Timestamptz, _>(after.0)
        .bind::<SqlUuid, _>(after.1)
        .bind::<BigInt, _>(most)
        .bind::<Double, _>(seconds(policy.neighbours_within()))
        .bind::<Double, _>(seconds(PACED_FOR))
        .load(connection)
        .map_err(StoreError::query("gather what is known around unknown outcomes"))?;
    Ok(rows
        .into_iter()
        .map(|row| into_silent(row, events_empty))
        .collect())
}

fn into_silent(row: Row, events_empty: bool) -> UnresolvedCall {
    let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    UnresolvedCall {
        id: MessageId(row.id),
        booking_key: row.booking_key,
        attempt: Attempt(u32::try_from(row.attempts).unwrap_or_default()),
        evidence: Evidence {
            claimed_at: row.claimed_at,
            now: row.now,
            queued_before: row.queued_before,
            answered: count(row.answered),
            reported: count(row.reported),
            events_empty,
            heard_until: row.heard_until,
            template_paced: row.template_paced,
        },
    }
}

/// Records the verdict on an unresolved call, and plans its booking again. Changes nothing where WhatsApp reported
/// meanwhile, another sender was faster, or the verdict is to wait.
pub fn settle_silence(
    connection: &mut PgConnection,
    planner: &Planner,
    silent: &UnresolvedCall,
    verdict: SilenceVerdict,
) -> Result<Outcome, StoreError> {
    let mut locked = Locked::take(connection, planner, &[silent.id.0])?;
    let record = locked.record(silent.id);
    let after = record.and_then(|record| record.after_silence(silent.attempt, verdict, locked.now));
    locked.change(silent.id, after);
    locked.finish(connection, planner)
}
