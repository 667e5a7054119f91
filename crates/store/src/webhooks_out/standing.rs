//! How it stands with one webhook, for a person who waits for it.

use diesel::sql_types::{Integer, Nullable, Text, Uuid as SqlUuid};
use diesel::{OptionalExtension, PgConnection, QueryDsl, QueryableByName, RunQueryDsl};
use uuid::Uuid;

use crate::error::StoreError;
use crate::prepared;
use crate::schema::webhooks_out;

/// How it stands with a webhook.
#[derive(Debug, QueryableByName)]
pub struct Standing {
    #[diesel(sql_type = Integer)]
    pub attempts: i32,
    /// Why the last attempt failed.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_error: Option<String>,
}

/// How it stands with a webhook; `None`: its receiver has it, or nobody wants it.
pub fn standing(connection: &mut PgConnection, id: Uuid) -> Result<Option<Standing>, StoreError> {
    prepared::sql("SELECT attempts, last_error FROM webhooks_out WHERE id = $1")
        .bind::<SqlUuid, _>(id)
        .get_result(connection)
        .optional()
        .map_err(StoreError::query("read how it stands with a webhook"))
}

/// Drops a webhook that is still to be sent.
pub fn drop_waiting(connection: &mut PgConnection, id: Uuid) -> Result<(), StoreError> {
    diesel::delete(webhooks_out::table.find(id))
        .execute(connection)
        .map(drop)
        .map_err(StoreError::query("drop a webhook"))
}
