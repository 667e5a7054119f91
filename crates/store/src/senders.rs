//! The senders that run, so that they can share what one business number may send.

use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel::{ExpressionMethods, PgConnection, QueryDsl, QueryableByName, RunQueryDsl, sql_query};
use uuid::Uuid;

use crate::error::StoreError;
use crate::schema::senders;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Says that this sender runs, and counts those that said so within the last 5 s, itself included.
pub fn beat(connection: &mut PgConnection, id: Uuid) -> Result<u32, StoreError> {
    sql_query(
        "INSERT INTO senders (id, seen_at) VALUES ($1, clock_timestamp()) \
         ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
    )
    .bind::<SqlUuid, _>(id)
    .execute(connection)
    .map_err(StoreError::query("say that a sender runs"))?;
    sql_query("DELETE FROM senders WHERE seen_at < clock_timestamp() - interval '1 minute'")
        .execute(connection)
        .map_err(StoreError::query("forget senders that are gone"))?;
    let alive: Count = sql_query(
        "SELECT count(*) AS count FROM senders WHERE seen_at > clock_timestamp() - interval '5 seconds'",
    )
    .get_result(connection)
    .map_err(StoreError::query("count the senders"))?;
    Ok(u32::try_from(alive.count).unwrap_or(u32::MAX).max(1))
}

/// Says that this sender ends: the others may send more at once.
pub fn leave(connection: &mut PgConnection, id: Uuid) -> Result<(), StoreError> {
    diesel::delete(senders::table.filter(senders::id.eq(id)))
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("say that a sender ends"))
}
