//! What becomes of a fetch after its attempt: it is removed, put off, or a dead letter.

use std::time::{Duration, Instant};

use broker::dead_letter::Cause;
use broker::envelope::{Envelope, FETCH, VERSION};
use broker::publisher::{Outgoing, PublishError};
use broker::topology::Queue;
use chrono::Utc;
use domain::dead_letter::DeadLetterReason;
use service::crash;
use store::fetches::{self, Charge, Claimed};
use store::{Connection, StoreError};

use super::Shared;
use super::failure::{Failure, Next};

/// For what is no fault of the platform's, and may take long.
const LATER: Duration = Duration::from_secs(30);
/// For what RabbitMQ did not confirm.
const UNPUBLISHED_PAUSE: Duration = Duration::from_secs(1);

/// What an attempt came to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Its event is confirmed.
    Published,
    /// Nothing follows from it.
    Ignored,
    Failed(Failure),
    /// This process cannot carry it out now.
    Later {
        why: String,
    },
    /// The process stops.
    Interrupted,
    Unpublished(PublishError),
    /// Another attempt would come to the same.
    DeadLetter(String),
}

impl Shared {
    pub(super) async fn settle(&self, claimed: &Claimed, outcome: Outcome) -> Result<(), StoreError> {
        let id = claimed.key.to_string();
        match outcome {
            Outcome::Published => self.remove(claimed, "published").await,
            Outcome::Ignored => self.remove(claimed, "ignored").await,
            Outcome::Interrupted => self.put_off(claimed, Duration::ZERO, Charge::Nothing).await,
            Outcome::Unpublished(error) => {
                log::warn!("event.id" = id, error = error.to_string(), event = "fetch_unpublished";
                    "what a platform told could not be published; asking again in 1 s");
                self.put_off(claimed, UNPUBLISHED_PAUSE, Charge::Nothing).await
            }
            Outcome::Later { why } => {
                log::warn!("event.id" = id, error = why, event = "fetch_waits"; "a platform is asked later");
                self.put_off(claimed, LATER, Charge::Nothing).await
            }
            Outcome::Failed(failure) => self.failed(claimed, failure).await,
            Outcome::DeadLetter(why) => self.give_up(claimed, &why).await,
        }
    }

    async fn failed(&self, claimed: &Claimed, failure: Failure) -> Result<(), StoreError> {
        let (id, source) = (claimed.key.to_string(), claimed.key.source.clone());
        if let Failure::Unauthorized(why) = &failure
            && self.is_alert_due("fetch_unauthorized", claimed)
        {
            log::error!(source = source.as_str(), error = why, alert = "fetch_unauthorized";
                "a platform does not accept the credentials in [fetch] of its source; its webhooks wait for a day at most");
        }
        let next = failure.next(
            claimed.failures,
            claimed.refusals,
            claimed.is_over,
            rand::random(),
        );
        let Next::Retry { after, charge } = next else {
            return self.give_up(claimed, failure.why()).await;
        };
        log::warn!("event.id" = id, tries = claimed.failures + 1, error = failure.why(), pause_s = after.as_secs(),
            event = "fetch_retried"; "a platform did not tell of a booking; asking again later");
        self.count(claimed, "retried");
        if let Some(pause) = failure.rest() {
            let rest = move |connection: &mut Connection| fetches::rest(connection, &source, pause);
            self.context.store.run(rest).await?;
        }
        self.put_off(claimed, after, charge).await
    }

    /// Publishes the dead letter, then removes the fetch. A crash in between publishes it again, which the desk recognises.
    async fn give_up(&self, claimed: &Claimed, why: &str) -> Result<(), StoreError> {
        let id = claimed.key.to_string();
        // An erasure during the attempt leaves nothing to ask a person about.
        let Some(letter) = dead_letter(claimed, why) else {
            return self.remove(claimed, "ignored").await;
        };
        if let Err(error) = self.publisher.publish(letter).await {
            log::warn!("event.id" = id, error = error.to_string(), event = "dead_letter_unpublished";
                "the dead letter of a fetch could not be published; trying again in 1 s");
            return self.put_off(claimed, UNPUBLISHED_PAUSE, Charge::Nothing).await;
        }
        crash::point("processor.fetches.given_up");
        let (source, tries) = (claimed.key.source.as_str(), claimed.failures + 1);
        if self.is_alert_due("fetch_failed", claimed) {
            log::error!(source, "event.id" = id, tries, error = why, event = "fetch_failed", alert = "fetch_failed";
                "a webhook is a dead letter: its platform did not tell of the booking");
        } else {
            log::warn!(source, "event.id" = id, tries, error = why, event = "fetch_failed";
                "one more webhook of a source whose platform did not tell of the booking is a dead letter");
        }
        self.remove(claimed, "dead").await
    }

    async fn remove(&self, claimed: &Claimed, result: &str) -> Result<(), StoreError> {
        let done = claimed.without_body();
        let removing = move |connection: &mut Connection| fetches::remove(connection, &done);
        self.context.store.run(removing).await?;
        crash::point("processor.fetches.removed");
        self.count(claimed, result);
        log::info!("event.id" = claimed.key.to_string(), "request.id" = claimed.request_id, trace = claimed.trace.map(|trace| trace.trace_id().to_string()), result = result,
            event = "fetch_settled"; "fetch settled");
        Ok(())
    }

    async fn put_off(&self, claimed: &Claimed, by: Duration, charge: Charge) -> Result<(), StoreError> {
        let later = claimed.without_body();
        let work = move |connection: &mut Connection| fetches::put_off(connection, &later, by, charge);
        self.context.store.run(work).await
    }

    fn is_alert_due(&self, alert: &'static str, claimed: &Claimed) -> bool {
        self.context
            .alerts
            .is_due(alert, claimed.key.source.as_str(), Instant::now())
    }

    fn count(&self, claimed: &Claimed, result: &str) {
        let labels = [claimed.key.source.as_str(), result];
        self.context.metrics.fetches.with_label_values(&labels).inc();
    }
}

/// The webhook as it came from `ingest`.
fn dead_letter(claimed: &Claimed, why: &str) -> Option<Outgoing> {
    let envelope = Envelope {
        version: VERSION,
        source: claimed.key.source.clone(),
        event_id: claimed.key.id.clone(),
        event_type: FETCH.to_owned(),
        received_at: claimed.received_at,
        request_id: claimed.request_id.clone(),
        traceparent: claimed.trace,
        resort: claimed.booking.as_ref().map(|key| key.resort.clone()),
        booking: claimed.booking.as_ref().map(|key| key.booking.clone()),
        phone_hash: None,
        name_hashes: Vec::new(),
        faults: Vec::new(),
        sealed: claimed.sealed_body.clone()?,
    };
    Some(Outgoing {
        queue: Queue::DeadEvents,
        message_id: claimed.key.to_string(),
        kind: FETCH.to_owned(),
        cause: Some(Cause {
            reason: DeadLetterReason::FetchFailed,
            error: why.to_owned(),
            attempts: claimed.failures + 1,
            dead_lettered_at: Some(Utc::now()),
        }),
        trace: None,
        body: envelope.encode(),
    })
}
