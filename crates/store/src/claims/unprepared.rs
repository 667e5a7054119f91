//! Messages that a sender was handed and could not prepare: their resort's file or their booking cannot be read.
//!
//! They stay queued, and the relay publishes their ids with growing pauses. Each sender checks every second which of them it
//! can read now, and has their ids published at once. The process stores nothing: a sender that was restarted with a token,
//! or that has a file which another sender lacks, finds them too.

use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use diesel::{PgConnection, RunQueryDsl};
use domain::ids::MessageId;
use uuid::Uuid;

use crypto::key_ring::KeyRing;

use super::read_drafts;
use crate::error::{Fault, StoreError};
use crate::prepared::sql;
use crate::rows::{Rows, Value};

/// What a sender could not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lacks {
    ResortFile,
    Booking,
}

impl Lacks {
    fn as_str(self) -> &'static str {
        match self {
            Self::ResortFile => "resort_file",
            Self::Booking => "booking",
        }
    }
}

/// Remembers messages that could not be prepared.
pub fn note_unprepared(
    connection: &mut PgConnection,
    messages: &[(MessageId, Lacks)],
) -> Result<(), StoreError> {
    if messages.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO unprepared (message_id, resort, lacks) \
         SELECT m.id, split_part(m.booking_key, '/', 1), n.lacks FROM {rows} \
         JOIN messages m ON m.id = n.id WHERE m.state = 'queued' ORDER BY m.id \
         ON CONFLICT (message_id) DO UPDATE SET lacks = excluded.lacks";
    Rows::new(sql, messages)
        .column::<SqlUuid, _>("id", |(id, _)| id.0)
        .column::<Text, _>("lacks", |(_, lacks)| lacks.as_str())
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("note messages that could not be prepared"))
}

/// Hands out messages that waited for the files of these resorts, so many at most. Returns how many.
pub fn retry_of_resorts(
    connection: &mut PgConnection,
    resorts: &[&str],
    most: i64,
) -> Result<usize, StoreError> {
    let rows: Vec<Value<SqlUuid, Uuid>> = sql(
        "SELECT u.message_id FROM unprepared u JOIN messages m ON m.id = u.message_id \
         WHERE u.resort = ANY($1) AND u.lacks = 'resort_file' \
         ORDER BY m.id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED",
    )
    .bind::<Array<Text>, _>(resorts)
    .bind::<BigInt, _>(most)
    .load(connection)
    .map_err(StoreError::query("find messages whose resort's file can be read"))?;
    hand_out(connection, rows.into_iter().map(|row| row.0).collect())
}

/// Hands out messages whose bookings can be read again, among so many that it tries. Returns how many.
pub fn retry_of_mended_bookings(
    connection: &mut PgConnection,
    ring: &KeyRing,
    tried: i64,
) -> Result<usize, StoreError> {
    // In no order, so that some that stay damaged do not keep it from the others.
    let rows: Vec<Value<SqlUuid, Uuid>> =
        sql("SELECT message_id FROM unprepared WHERE message_id = ANY(ARRAY( \
           SELECT message_id FROM unprepared WHERE lacks = 'booking' ORDER BY random() LIMIT $1)) \
         ORDER BY message_id FOR UPDATE SKIP LOCKED")
        .bind::<BigInt, _>(tried)
        .load(connection)
        .map_err(StoreError::query(
            "find messages whose bookings could not be read",
        ))?;
    if rows.is_empty() {
        return Ok(0);
    }
    let ids: Vec<MessageId> = rows.into_iter().map(|row| MessageId(row.0)).collect();
    let damaged = match read_drafts(connection, ring, &ids) {
        Ok(drafts) => drafts.damaged,
        // A key that is missing in this process: another one may have it.
        Err(error) if error.fault() == Fault::Ours => return Ok(0),
        Err(error) => return Err(error),
    };
    let is_damaged = |id: &MessageId| damaged.iter().any(|(one, _)| one == id);
    let mended = ids.into_iter().filter(|id| !is_damaged(id));
    hand_out(connection, mended.map(|id| id.0).collect())
}

fn hand_out(connection: &mut PgConnection, ids: Vec<Uuid>) -> Result<usize, StoreError> {
    if ids.is_empty() {
        return Ok(0);
    }
    sql("DELETE FROM unprepared WHERE message_id = ANY($1)")
        .bind::<Array<SqlUuid>, _>(&ids)
        .execute(connection)
        .map_err(StoreError::query("forget what messages waited for"))?;
    sql(
        "UPDATE messages SET publish_at = greatest(due_at, clock_timestamp()), publishes = 0 \
         WHERE id = ANY(ARRAY(SELECT id FROM messages WHERE id = ANY($1) AND state = 'queued' \
                              ORDER BY id FOR NO KEY UPDATE))",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .execute(connection)
    .map_err(StoreError::query("hand out messages that can be prepared"))
}
