//! Messages that were read or claimed, but are not called for now.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Double, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{PgConnection, RunQueryDsl};
use domain::ids::{MessageId, NumberId};
use domain::message::{Attempt, Reason};
use uuid::Uuid;

use crate::error::StoreError;
use crate::messages;
use crate::prepared::sql;
use crate::rows::{Rows, Value};

/// A queued message that is not called for now, and what it was judged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uncalled {
    pub id: MessageId,
    /// The version of the facts by which it was judged.
    pub version: i64,
    /// The number at which the guest's window was closed, where that mattered.
    pub closed_window: Option<NumberId>,
    pub verdict: NotNow,
}

/// What becomes of a message that is not called for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotNow {
    /// It cannot be written and ends.
    Skip(Reason),
    /// It goes no earlier than this.
    PutOff(DateTime<Utc>),
    Hold {
        /// For people.
        scope: &'static str,
        /// The hold's key; `None` where it waits for a change of its resort's file.
        hold: Option<String>,
    },
}

/// Ends, puts off and holds queued messages, as far as what they were judged by still holds.
///
/// Returns those whose facts or window changed meanwhile: they stay queued and are handed out again at once, so that a
/// sender judges them again.
///
/// Run it in a transaction of its own: it first waits for the rows' locks and then looks at what is committed by then.
pub fn set_aside(connection: &mut PgConnection, uncalled: &[Uncalled]) -> Result<Vec<MessageId>, StoreError> {
    // All locks first, in the one order. A change of a booking's facts takes them too, so no version grows from here on.
    messages::lock(connection, uncalled.iter().map(|one| one.id))?;
    let outdated = hand_out_outdated(connection, uncalled)?;
    let current = || uncalled.iter().filter(|one| !outdated.contains(&one.id));
    let (mut skipped, mut later, mut held) = (Vec::new(), Vec::new(), Vec::new());
    for Uncalled { id, verdict, .. } in current() {
        match verdict {
            NotNow::Skip(reason) => skipped.push((*id, *reason)),
            NotNow::PutOff(at) => later.push((*id, *at)),
            NotNow::Hold { scope, hold } => held.push((*id, *scope, hold.as_deref())),
        }
    }
    skip(connection, &skipped)?;
    put_off(connection, &later)?;
    hold(connection, &held)?;
    Ok(outdated)
}

/// Of locked messages.
fn hand_out_outdated(
    connection: &mut PgConnection,
    uncalled: &[Uncalled],
) -> Result<Vec<MessageId>, StoreError> {
    let sql = "UPDATE messages m SET publish_at = clock_timestamp(), publishes = 0 \
         FROM {rows}, bookings b \
         WHERE m.id = n.id AND m.state = 'queued' AND b.key = m.booking_key AND (b.version <> n.version \
           OR EXISTS (SELECT 1 FROM conversations c WHERE c.phone_hash IN (SELECT b.phone_hash UNION ALL \
               SELECT k.hash FROM known_as k WHERE k.phone_hash = b.phone_hash) AND c.number = n.closed_at \
                      AND c.open_until > clock_timestamp())) \
         RETURNING m.id";
    let rows: Vec<Value<SqlUuid, Uuid>> = Rows::new(sql, uncalled)
        .column::<SqlUuid, _>("id", |one| one.id.0)
        .column::<BigInt, _>("version", |one| one.version)
        .column::<Nullable<Text>, _>("closed_at", |one| {
            one.closed_window.as_ref().map(|number| number.as_str())
        })
        .load(connection)
        .map_err(StoreError::query(
            "hand out messages that were judged by older facts",
        ))?;
    Ok(rows.into_iter().map(|row| MessageId(row.0)).collect())
}

fn skip(connection: &mut PgConnection, skipped: &[(MessageId, Reason)]) -> Result<(), StoreError> {
    let sql = "UPDATE messages m SET state = 'skipped', reason = n.reason, publish_at = NULL, updated_at = now() \
         FROM {rows} WHERE m.id = n.id AND m.state = 'queued'";
    Rows::new(sql, skipped)
        .column::<SqlUuid, _>("id", |(id, _)| id.0)
        .column::<Text, _>("reason", |(_, reason)| reason.as_str())
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("skip messages"))
}

fn put_off(connection: &mut PgConnection, later: &[(MessageId, DateTime<Utc>)]) -> Result<(), StoreError> {
    let sql = "UPDATE messages m SET due_at = greatest(m.due_at, n.at), publish_at = greatest(m.due_at, n.at), \
         publishes = 0, updated_at = now() FROM {rows} WHERE m.id = n.id AND m.state = 'queued'";
    Rows::new(sql, later)
        .column::<SqlUuid, _>("id", |(id, _)| id.0)
        .column::<Timestamptz, _>("at", |(_, at)| *at)
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("put messages off"))
}

fn hold(connection: &mut PgConnection, held: &[(MessageId, &str, Option<&str>)]) -> Result<(), StoreError> {
    let sql = "UPDATE messages m SET state = 'held', reason = n.scope, held_by = n.hold, publish_at = NULL, \
         updated_at = now() FROM {rows} WHERE m.id = n.id AND m.state = 'queued'";
    Rows::new(sql, held)
        .column::<SqlUuid, _>("id", |(id, _, _)| id.0)
        .column::<Text, _>("scope", |(_, scope, _)| *scope)
        .column::<Nullable<Text>, _>("hold", |(_, _, hold)| *hold)
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("hold messages"))
}

/// Has the relay hand out queued messages after so long: their sender has no room for them, or leaves them to others. They
/// stay due.
pub fn hand_out_later(
    connection: &mut PgConnection,
    waiting: &[(MessageId, Duration)],
) -> Result<(), StoreError> {
    let sql = "UPDATE messages m SET publish_at = clock_timestamp() + n.seconds * interval '1 second', publishes = 0 \
         FROM {rows} WHERE m.id = n.id AND m.id = ANY(ARRAY(SELECT id FROM messages WHERE id = ANY($1) AND state = 'queued' \
                                                            ORDER BY id FOR NO KEY UPDATE SKIP LOCKED))";
    Rows::new(sql, waiting)
        .column::<SqlUuid, _>("id", |(id, _)| id.0)
        .column::<Double, _>("seconds", |(_, wait)| wait.as_secs_f64())
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("hand messages out later"))
}

/// Frees messages that were claimed but for which no call was begun in time. The attempt's number stays used.
pub fn release(connection: &mut PgConnection, claimed: &[(MessageId, Attempt)]) -> Result<(), StoreError> {
    sql(
        "UPDATE messages m SET state = CASE WHEN withdrawn_reason IS NULL THEN 'queued' ELSE 'withdrawn' END, \
         reason = withdrawn_reason, claim_token = NULL, updated_at = now(), publishes = 0, \
         publish_at = CASE WHEN withdrawn_reason IS NULL THEN clock_timestamp() END \
         FROM unnest($1, $2) AS n(id, attempt) \
         WHERE m.id = n.id AND m.attempts = n.attempt AND m.state = 'sending' \
         AND m.id = ANY(ARRAY(SELECT id FROM messages WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE))",
    )
    .bind::<Array<SqlUuid>, _>(claimed.iter().map(|(id, _)| id.0).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(
        claimed
            .iter()
            .map(|(_, attempt)| i32::try_from(attempt.0).unwrap_or(i32::MAX))
            .collect::<Vec<_>>(),
    )
    .execute(connection)
    .map(|_| ())
    .map_err(StoreError::query("release claimed messages"))
}
