//! Bookings that were planned last by a process that could not read their resort's file. They are planned again each
//! minute, and as soon as a process can read the file.

use diesel::sql_types::{Array, BigInt, Text};
use diesel::{PgConnection, RunQueryDsl};

use crate::error::StoreError;
use crate::prepared;
use crate::rows::Value;

/// Wakes bookings that waited for the files of these resorts, so many at most. Returns how many.
pub fn wake_of_resorts(
    connection: &mut PgConnection,
    resorts: &[&str],
    most: i64,
) -> Result<usize, StoreError> {
    // In no order, which would have Postgres walk over all bookings by their keys. Nothing waits for a lock here.
    prepared::sql(
        "UPDATE bookings SET wake_at = clock_timestamp() WHERE key = ANY(ARRAY( \
           SELECT key FROM bookings WHERE without_resort AND resort = ANY($1) AND wake_at > clock_timestamp() \
           LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED))",
    )
    .bind::<Array<Text>, _>(resorts)
    .bind::<BigInt, _>(most)
    .execute(connection)
    .map_err(StoreError::query("wake bookings whose resort's file can be read"))
}

/// How many bookings wait for the file of their resort.
pub fn count_without_resort(connection: &mut PgConnection) -> Result<i64, StoreError> {
    prepared::sql("SELECT count(*) AS count FROM bookings WHERE without_resort")
        .get_result::<Value<BigInt, i64>>(connection)
        .map(|row| row.0)
        .map_err(StoreError::query("count bookings without a resort"))
}
