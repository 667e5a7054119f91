//! What is still to be sent, for a person who asks why a tool was not told.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::ids::ResortId;
use domain::webhook_out::WebhookState;
use uuid::Uuid;

use crate::error::StoreError;
use crate::prepared;

/// A webhook that waits. Nothing in it is personal.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Listed {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub resort: String,
    /// A `WebhookEvent`, as text: another version may know more.
    #[diesel(sql_type = Text)]
    pub event: String,
    /// Calls begun.
    #[diesel(sql_type = Integer)]
    pub attempts: i32,
    #[diesel(sql_type = Integer)]
    pub failures: i32,
    #[diesel(sql_type = Timestamptz)]
    pub made_at: DateTime<Utc>,
    /// When it is called for next; during a call, when another process takes over.
    #[diesel(sql_type = Timestamptz)]
    pub due_at: DateTime<Utc>,
    /// Why the last attempt failed.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_error: Option<String>,
}

impl Listed {
    pub fn state(&self) -> WebhookState {
        match self.failures {
            0 => WebhookState::New,
            _ => WebhookState::Retrying,
        }
    }
}

/// Those of one resort, or of all; in one state, or in any; the one that has waited longest first.
pub fn list(
    connection: &mut PgConnection,
    resort: Option<&ResortId>,
    state: Option<WebhookState>,
    most: i64,
) -> Result<Vec<Listed>, StoreError> {
    prepared::sql(
        "SELECT id, resort, event, attempts, failures, made_at, due_at, last_error FROM webhooks_out \
         WHERE ($1 IS NULL OR resort = $1) AND ($2 IS NULL OR ($2 = 'new') = (failures = 0)) \
         ORDER BY made_at, id LIMIT $3",
    )
    .bind::<Nullable<Text>, _>(resort.map(ResortId::as_str))
    .bind::<Nullable<Text>, _>(state.map(WebhookState::as_str))
    .bind::<BigInt, _>(most)
    .load(connection)
    .map_err(StoreError::query("list webhooks to send"))
}
