//! Who else looks at a letter, so that two people do not work on one. Views are forgotten after an hour.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::ids::{LetterId, StaffName};

use crate::error::StoreError;
use crate::prepared;

const REMEMBERED: Duration = Duration::from_hours(1);

/// A member who looked at a letter.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Viewer {
    #[diesel(sql_type = Text)]
    pub member: String,
    #[diesel(sql_type = Timestamptz)]
    pub seen_at: DateTime<Utc>,
}

/// Notes that a member looks at a letter, and forgets what is older than an hour.
pub fn see(connection: &mut PgConnection, letter: LetterId, member: &StaffName) -> Result<(), StoreError> {
    prepared::sql(
        "WITH old AS (DELETE FROM letter_views v USING ( \
             SELECT letter, member FROM letter_views WHERE seen_at <= clock_timestamp() - $3 * interval '1 second' \
             AND (letter, member) <> ($1, $2) FOR UPDATE SKIP LOCKED) o \
         WHERE v.letter = o.letter AND v.member = o.member) \
         INSERT INTO letter_views (letter, member, seen_at) SELECT id, $2, clock_timestamp() FROM letters WHERE id = $1 \
         ON CONFLICT (letter, member) DO UPDATE SET seen_at = excluded.seen_at",
    )
    .bind::<BigInt, _>(letter.0)
    .bind::<Text, _>(member.as_str())
    .bind::<BigInt, _>(seconds())
    .execute(connection)
    .map(drop)
    .map_err(StoreError::query("note who looks at a letter"))
}

/// The other members who looked at a letter within the last hour, the latest first.
pub fn others_on(
    connection: &mut PgConnection,
    letter: LetterId,
    me: &StaffName,
) -> Result<Vec<Viewer>, StoreError> {
    prepared::sql(
        "SELECT member, seen_at FROM letter_views WHERE letter = $1 AND member <> $2 \
         AND seen_at > clock_timestamp() - $3 * interval '1 second' ORDER BY seen_at DESC, member",
    )
    .bind::<BigInt, _>(letter.0)
    .bind::<Text, _>(me.as_str())
    .bind::<BigInt, _>(seconds())
    .load(connection)
    .map_err(StoreError::query("find who looks at a letter"))
}

fn seconds() -> i64 {
    i64::try_from(REMEMBERED.as_secs()).unwrap_or(i64::MAX)
}
