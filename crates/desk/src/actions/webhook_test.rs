//! A webhook that only tries whether a resort's own tool is reached, sent by `processor` as every other.

use std::time::{Duration, Instant};

use chrono::Utc;
use domain::ids::ResortId;
use domain::webhook_out::WebhookEvent;
use store::webhooks_out::{self, Webhook};
use store::{Store, StoreError};
use uuid::Uuid;

const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Longer than a call may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tested {
    /// The tool answered with success.
    Arrived(Uuid),
    /// Why the tool did not take it.
    Failed(String),
    /// No processor has sent it in time.
    NotSent,
}

pub(crate) async fn test(store: &Store, resort: ResortId) -> Result<Tested, StoreError> {
    let webhook = Webhook {
        id: Uuid::now_v7(),
        resort,
        event: WebhookEvent::Ping,
        booking: None,
        phone_hash: None,
        details: serde_json::Map::new(),
        occurred_at: Utc::now(),
    };
    let id = webhook.id;
    store
        .run(move |connection| webhooks_out::insert(connection, &webhook))
        .await?;
    let deadline = Instant::now() + PATIENCE;
    let tested = loop {
        tokio::time::sleep(LOOK_EVERY).await;
        match store
            .run(move |connection| webhooks_out::standing(connection, id))
            .await?
        {
            None => return Ok(Tested::Arrived(id)),
            Some(standing) => match standing.last_error {
                Some(error) => break Tested::Failed(error),
                None if Instant::now() > deadline => break Tested::NotSent,
                None => {}
            },
        }
    };
    store
        .run(move |connection| webhooks_out::drop_waiting(connection, id))
        .await?;
    Ok(tested)
}
