//! Open 24-hour windows: a guest who writes to a number may be answered with free text for a day (Meta, send messages).

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{Bytea, Text, Timestamptz};
use diesel::{PgConnection, RunQueryDsl, sql_query};
use domain::ids::NumberId;

use crate::error::StoreError;

/// Opens the window for a day from the guest's message on, unless a later message opened it longer.
pub fn open(
    connection: &mut PgConnection,
    number: &NumberId,
    phone_hash: &[u8; 32],
    written_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let open_until = written_at + TimeDelta::hours(24);
    sql_query(
        "INSERT INTO conversations (number, phone_hash, open_until) VALUES ($1, $2, $3) \
         ON CONFLICT (phone_hash, number) \
         DO UPDATE SET open_until = greatest(conversations.open_until, excluded.open_until)",
    )
    .bind::<Text, _>(number.as_str())
    .bind::<Bytea, _>(phone_hash.as_slice())
    .bind::<Timestamptz, _>(open_until)
    .execute(connection)
    .map(|_| ())
    .map_err(StoreError::query("open a conversation"))
}
