//! How many messages wait: all, or those of some resorts.

use std::collections::{BTreeMap, BTreeSet};

use diesel::sql_types::{Array, BigInt, Nullable, Text};
use diesel::{ExpressionMethods, PgConnection, QueryDsl, QueryableByName, RunQueryDsl};
use domain::ids::ResortId;
use domain::message::MessageState;

use crate::error::StoreError;
use crate::messages::is_in;
use crate::prepared::sql;
use crate::schema::messages;

/// How many messages wait because their resort's file has nothing to send.
pub fn count_without_template(connection: &mut PgConnection) -> Result<i64, StoreError> {
    messages::table
        .filter(is_in(MessageState::Held))
        .filter(messages::held_by.is_null())
        .count()
        .get_result(connection)
        .map_err(StoreError::query("count messages without a template"))
}

/// How many messages of some resorts wait, by the key of their hold; without one: their resort's file has nothing to send.
pub fn count_of_resorts(
    connection: &mut PgConnection,
    resorts: &BTreeSet<ResortId>,
) -> Result<BTreeMap<Option<String>, i64>, StoreError> {
    let resorts: Vec<&str> = resorts.iter().map(ResortId::as_str).collect();
    let rows: Vec<Count> = sql("SELECT held_by, count(*) AS messages FROM messages \
         WHERE state = 'held' AND split_part(booking_key, '/', 1) = ANY($1) GROUP BY held_by")
    .bind::<Array<Text>, _>(resorts)
    .load(connection)
    .map_err(StoreError::query("count the held messages of some resorts"))?;
    Ok(rows.into_iter().map(|row| (row.held_by, row.messages)).collect())
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Nullable<Text>)]
    held_by: Option<String>,
    #[diesel(sql_type = BigInt)]
    messages: i64,
}
