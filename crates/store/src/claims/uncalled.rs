//! Messages that were read or claimed, but are not called for now.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{PgConnection, RunQueryDsl, sql_query};
use domain::ids::MessageId;
use domain::message::{Attempt, Reason};

use crate::error::StoreError;

/// The condition by which a statement takes its rows' locks in the one order, as everybody does.
macro_rules! in_order {
    ($statement:literal) => {
        concat!(
            $statement,
            " AND m.id = ANY(ARRAY(SELECT id FROM messages WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE))"
        )
    };
}

/// Ends queued messages that cannot be written.
pub fn skip(connection: &mut PgConnection, skipped: &[(MessageId, Reason)]) -> Result<(), StoreError> {
    sql_query(in_order!(
        "UPDATE messages m SET state = 'skipped', reason = n.reason, publish_at = NULL, updated_at = now() \
         FROM unnest($1, $2) AS n(id, reason) WHERE m.id = n.id AND m.state = 'queued'"
    ))
    .bind::<Array<SqlUuid>, _>(skipped.iter().map(|(id, _)| id.0).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(
        skipped
            .iter()
            .map(|(_, reason)| reason.as_str())
            .collect::<Vec<_>>(),
    )
    .execute(connection)
    .map(|_| ())
    .map_err(StoreError::query("skip messages"))
}

/// Puts queued messages off to a later time.
pub fn put_off(
    connection: &mut PgConnection,
    later: &[(MessageId, DateTime<Utc>)],
) -> Result<(), StoreError> {
    sql_query(in_order!(
        "UPDATE messages m SET due_at = greatest(m.due_at, n.at), publish_at = greatest(m.due_at, n.at), publishes = 0, \
         updated_at = now() FROM unnest($1, $2) AS n(id, at) WHERE m.id = n.id AND m.state = 'queued'"
    ))
    .bind::<Array<SqlUuid>, _>(later.iter().map(|(id, _)| id.0).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(later.iter().map(|(_, at)| *at).collect::<Vec<_>>())
    .execute(connection)
    .map(|_| ())
    .map_err(StoreError::query("put messages off"))
}

/// A queued message that cannot be sent now, and what it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Which.
    pub id: MessageId,
    /// The scope, for people.
    pub scope: &'static str,
    /// The hold's key; `None` where it waits for a change of its resort's file.
    pub hold: Option<String>,
}

/// Holds queued messages.
pub fn hold(connection: &mut PgConnection, waiting: &[Waiting]) -> Result<(), StoreError> {
    sql_query(in_order!(
        "UPDATE messages m SET state = 'held', reason = n.scope, held_by = n.hold, publish_at = NULL, updated_at = now() \
         FROM unnest($1, $2, $3) AS n(id, scope, hold) WHERE m.id = n.id AND m.state = 'queued'"
    ))
    .bind::<Array<SqlUuid>, _>(waiting.iter().map(|one| one.id.0).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(waiting.iter().map(|one| one.scope).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(waiting.iter().map(|one| one.hold.as_deref()).collect::<Vec<_>>())
    .execute(connection)
    .map(|_| ())
    .map_err(StoreError::query("hold messages"))
}

/// Frees messages that were claimed but for which no call was begun in time. The attempt's number stays used.
pub fn release(connection: &mut PgConnection, claimed: &[(MessageId, Attempt)]) -> Result<(), StoreError> {
    sql_query(in_order!(
        "UPDATE messages m SET state = CASE WHEN withdrawn_reason IS NULL THEN 'queued' ELSE 'withdrawn' END, \
         reason = withdrawn_reason, claim_token = NULL, updated_at = now(), publishes = 0, \
         publish_at = CASE WHEN withdrawn_reason IS NULL THEN clock_timestamp() END \
         FROM unnest($1, $2) AS n(id, attempt) \
         WHERE m.id = n.id AND m.attempts = n.attempt AND m.state = 'sending'"
    ))
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
