//! What becomes of a webhook after its attempt: it is removed, put off, or a dead letter.

use std::time::{Duration, Instant};

use broker::dead_letter::Cause;
use broker::envelope::{Envelope, VERSION, WEBHOOK_OUT};
use broker::publisher::Outgoing;
use broker::topology::Queue;
use chrono::Utc;
use crypto::key_ring::KeyRing;
use domain::dead_letter::DeadLetterReason;
use domain::event::{EventKey, sealing_identity};
use domain::ids::{EventId, SourceId};
use domain::webhook_out::{WebhookEvent, pause_after};
use service::crash;
use store::webhooks_out::{self, Claimed, Webhook};
use store::{Connection, StoreError};

use super::Shared;
use super::call::Failure;

/// For what RabbitMQ did not confirm.
const UNPUBLISHED_PAUSE: Duration = Duration::from_secs(1);

/// What an attempt came to.
#[derive(Debug)]
pub(super) enum Outcome {
    Sent,
    /// The resort's file does not ask for it any more.
    Unsubscribed,
    /// It is about a guest who has no booking at the resort, or was erased.
    Nobody,
    Failed(Failure),
    /// The process stops.
    Interrupted,
}

impl Shared {
    pub(super) async fn settle(&self, claimed: &Claimed, outcome: Outcome) -> Result<(), StoreError> {
        match outcome {
            Outcome::Sent => self.remove(claimed, "sent").await,
            Outcome::Unsubscribed => self.remove(claimed, "unsubscribed").await,
            Outcome::Nobody => self.remove(claimed, "nobody").await,
            Outcome::Interrupted => self.put_off(claimed, Duration::ZERO, None).await,
            Outcome::Failed(failure) => self.failed(claimed, failure).await,
        }
    }

    async fn failed(&self, claimed: &Claimed, failure: Failure) -> Result<(), StoreError> {
        let tries = claimed.failures + 1;
        // A person waits for the first attempt of a ping, and has its error from the row.
        if claimed.webhook.event == WebhookEvent::Ping && claimed.failures > 0 {
            return self.remove(claimed, "dead").await;
        }
        let pause = pause_after(tries, failure.retry_after, rand::random());
        let is_final = failure.is_final && claimed.webhook.event != WebhookEvent::Ping;
        let Some(pause) = pause.filter(|_| !is_final) else {
            return self.give_up(claimed, &failure.why).await;
        };
        let (id, resort) = (claimed.webhook.id.to_string(), claimed.webhook.resort.as_str());
        log::warn!("webhook.id" = id, "resort.id" = resort, tries, error = failure.why, pause_s = pause.as_secs(),
            event = "webhook_out_retried"; "a resort's own tool did not take a webhook; sending it again later");
        self.count(claimed, "retried");
        self.put_off(claimed, pause, Some(failure.why)).await
    }

    /// Publishes the dead letter, then removes the webhook. A crash in between publishes it again, which the desk recognises.
    async fn give_up(&self, claimed: &Claimed, why: &str) -> Result<(), StoreError> {
        let (id, tries) = (claimed.webhook.id.to_string(), claimed.failures + 1);
        let resort = claimed.webhook.resort.as_str();
        let letter = dead_letter(&self.context.ring, &claimed.webhook, (why, tries));
        if let Err(error) = self.publisher.publish(letter).await {
            log::warn!("webhook.id" = id, error = error.to_string(), event = "dead_letter_unpublished";
                "the dead letter of a webhook could not be published; trying again in 1 s");
            return self.put_off(claimed, UNPUBLISHED_PAUSE, None).await;
        }
        crash::point("processor.webhooks_out.given_up");
        let alerts = &self.context.alerts;
        if alerts.is_due("webhook_out_failed", resort, Instant::now()) {
            log::error!("resort.id" = resort, "webhook.id" = id, tries, error = why, alert = "webhook_out_failed";
                "a webhook is a dead letter: the resort's own tool did not take it");
        } else {
            log::warn!("resort.id" = resort, "webhook.id" = id, tries, error = why, event = "webhook_out_failed";
                "one more webhook that a resort's own tool did not take is a dead letter");
        }
        self.remove(claimed, "dead").await
    }

    async fn remove(&self, claimed: &Claimed, result: &str) -> Result<(), StoreError> {
        let done = claimed.clone();
        let removing = move |connection: &mut Connection| webhooks_out::remove(connection, &done);
        self.context.store.run(removing).await?;
        crash::point("processor.webhooks_out.removed");
        self.count(claimed, result);
        let Webhook {
            id, resort, event, ..
        } = &claimed.webhook;
        log::info!("webhook.id" = id.to_string(), "resort.id" = resort.as_str(), what = event.as_str(),
            result = result, event = "webhook_out_settled"; "webhook out settled");
        Ok(())
    }

    async fn put_off(
        &self,
        claimed: &Claimed,
        by: Duration,
        failure: Option<String>,
    ) -> Result<(), StoreError> {
        let later = claimed.clone();
        let work = move |connection: &mut Connection| {
            webhooks_out::put_off(connection, &later, by, failure.as_deref())
        };
        self.context.store.run(work).await
    }

    fn count(&self, claimed: &Claimed, result: &str) {
        let labels = [claimed.webhook.event.as_str(), result];
        self.context
            .metrics
            .webhooks_out
            .results
            .with_label_values(&labels)
            .inc();
    }
}

/// The webhook as it would be sent again.
fn dead_letter(ring: &KeyRing, webhook: &Webhook, (why, attempts): (&str, u32)) -> Outgoing {
    let key = EventKey {
        source: SourceId::bellhop(),
        id: EventId::of_uuid(webhook.id),
    };
    let content = serde_json::json!(webhook).to_string();
    let envelope = Envelope {
        version: VERSION,
        source: key.source.clone(),
        event_id: key.id.clone(),
        event_type: WEBHOOK_OUT.to_owned(),
        received_at: webhook.occurred_at,
        request_id: String::new(),
        traceparent: None,
        resort: Some(webhook.resort.clone()),
        booking: webhook.booking.as_ref().map(|key| key.booking.clone()),
        phone_hash: webhook.phone_hash.clone(),
        name_hashes: Vec::new(),
        faults: Vec::new(),
        sealed: ring.seal(content.as_bytes(), &sealing_identity(&key)),
    };
    Outgoing {
        queue: Queue::DeadEvents,
        message_id: key.to_string(),
        kind: WEBHOOK_OUT.to_owned(),
        cause: Some(Cause {
            reason: DeadLetterReason::WebhookFailed,
            error: why.to_owned(),
            attempts,
            dead_lettered_at: Some(Utc::now()),
        }),
        trace: None,
        body: envelope.encode(),
    }
}
