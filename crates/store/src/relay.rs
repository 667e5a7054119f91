//! What is due to be handed to the broker. Moving `publish_at` ahead before publishing is all the memory it needs:
//! an id that got lost on the way comes again.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::ids::MessageId;
use uuid::Uuid;

use crate::error::StoreError;
use crate::prepared;
use crate::rows::Value;

/// Takes ids whose time has come, oldest first, and puts each off: 30 s, doubling to 30 min while no sender claims it.
pub fn take_due(connection: &mut PgConnection, most: usize) -> Result<Vec<MessageId>, StoreError> {
    // The statement's time is stable, which lets the index find what is due; `clock_timestamp()` would be compared row by row.
    let rows: Vec<Value<SqlUuid, Uuid>> = prepared::sql(
        "UPDATE messages m SET publishes = m.publishes + 1, \
         publish_at = clock_timestamp() + least(interval '30 minutes', interval '30 seconds' * (1 << least(m.publishes, 10))) \
         WHERE m.id = ANY(ARRAY(SELECT id FROM messages WHERE publish_at <= statement_timestamp() AND state = 'queued' \
                                ORDER BY publish_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED)) \
         RETURNING m.id",
    )
    .bind::<BigInt, _>(i64::try_from(most).unwrap_or(i64::MAX))
    .load(connection)
    .map_err(StoreError::query("take messages that are due"))?;
    Ok(rows.into_iter().map(|row| MessageId(row.0)).collect())
}

/// Sets ids back whose publishing is known to have failed.
pub fn give_back(connection: &mut PgConnection, ids: &[MessageId]) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    prepared::sql(
        "UPDATE messages SET publish_at = clock_timestamp() + interval '1 second', publishes = greatest(publishes - 1, 0) \
         WHERE id = ANY(ARRAY(SELECT id FROM messages WHERE id = ANY($1) AND state = 'queued' \
                              ORDER BY id FOR NO KEY UPDATE SKIP LOCKED))",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .execute(connection)
    .map(|_| ())
    .map_err(StoreError::query("give messages back"))
}

/// A message that died and whose letter is not yet on the queue.
#[derive(Debug, QueryableByName)]
pub struct Letter {
    /// The message.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub booking_key: String,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// WhatsApp's code, empty where there is none.
    #[diesel(sql_type = Text)]
    pub error: String,
    /// How many calls were made.
    #[diesel(sql_type = BigInt)]
    pub attempts: i64,
    /// When it died: tells this death from the next.
    #[diesel(sql_type = Timestamptz)]
    pub died_at: DateTime<Utc>,
}

/// Letters that are still to be published. Two processes may publish the same one: the desk knows it by its id.
pub fn list_letters(connection: &mut PgConnection, most: usize) -> Result<Vec<Letter>, StoreError> {
    prepared::sql(
        "SELECT id, booking_key, kind, coalesce(reason, '') AS reason, coalesce(error_code::text, '') AS error, \
         attempts::bigint AS attempts, died_at FROM messages WHERE letter_due \
         ORDER BY id LIMIT $1",
    )
    .bind::<BigInt, _>(i64::try_from(most).unwrap_or(i64::MAX))
    .load(connection)
    .map_err(StoreError::query("find letters to publish"))
}

/// Notes that letters are on the queue. A message that died once more meanwhile keeps the letter of that death.
pub fn mark_letters_published(connection: &mut PgConnection, published: &[Letter]) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = published.iter().map(|letter| letter.id).collect();
    let died_at: Vec<DateTime<Utc>> = published.iter().map(|letter| letter.died_at).collect();
    prepared::sql(
        "UPDATE messages m SET letter_due = false FROM unnest($1, $2) AS n(id, died_at) \
         WHERE m.id = n.id AND m.letter_due AND m.died_at = n.died_at \
         AND m.id = ANY(ARRAY(SELECT id FROM messages WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE))",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Timestamptz>, _>(died_at)
    .execute(connection)
    .map(|_| ())
    .map_err(StoreError::query("mark letters as published"))
}
