//! Poison events: events that end the process that applies them.
//!
//! From the third delivery on, an event is applied alone, after the other events of its batch. A marker is stored before
//! the attempt and deleted when the attempt has returned, whether it succeeded or not. So markers that remain are crashes,
//! and after [`CRASHES`] of them the event becomes a dead letter without another attempt.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use broker::consumer::Delivery;
use broker::dead_letter::Cause;
use service::{Stop, crash};
use store::poison::{self, Try};
use store::{Connection, StoreError};

use super::apply::LONG_OUTAGE;
use super::dead_letters;
use crate::context::Context;

/// From this count of earlier deliveries on, an event is applied alone.
const SUSPICIOUS_DELIVERIES: u32 = 2;
/// So many processes may end while they apply an event alone.
const CRASHES: u32 = 3;
/// How long a process tries to delete the markers of finished attempts, also where it is asked to stop.
const LAST_MARKERS: Duration = Duration::from_secs(5);

/// What to do with an event that may be poisonous.
pub(super) enum Begun {
    /// Its marker is stored: attempt it alone, then call [`Poison::finish`].
    Attempt,
    /// It ended too many processes. Call [`Poison::finish`] when the dead letter is published.
    Poisonous(Cause),
}

/// Postgres was away for too long, or until the process had to stop: no marker was stored or deleted.
pub(super) struct PostgresAway;

/// Stores and deletes the markers.
pub(super) struct Poison {
    context: Arc<Context>,
    stop: Stop,
    /// Keys of finished attempts whose markers are still stored.
    finished: Vec<String>,
}

impl Poison {
    pub(super) fn new(context: Arc<Context>, stop: Stop) -> Self {
        Self {
            context,
            stop,
            finished: Vec::new(),
        }
    }

    pub(super) fn is_suspicious(delivery: &Delivery) -> bool {
        delivery.delivery_count >= SUSPICIOUS_DELIVERIES
    }

    /// Stores the marker of an attempt before anything of the event is read.
    pub(super) async fn begin(&self, delivery: &Delivery) -> Result<Begun, PostgresAway> {
        let key = delivery.message_id.clone();
        crash::point("processor.poison.found");
        // One attempt of this delivery: stored again after a commit without an answer, it counts once.
        let attempt = Try::new();
        let begin = move |c: &mut Connection| poison::begin(c, &key, attempt);
        let patience = async {
            tokio::select! {
                () = self.stop.stopped() => {}
                () = tokio::time::sleep(LONG_OUTAGE) => {}
            }
        };
        let step = "store the marker of a suspicious event";
        let crashes = retry(&self.context, step, begin, patience).await?;
        crash::point("processor.poison.noted");
        if crashes >= CRASHES {
            let letter = dead_letters::of_poison(delivery, crashes);
            return Ok(Begun::Poisonous(letter));
        }
        log_alone(delivery, crashes);
        Ok(Begun::Attempt)
    }

    /// The attempt has returned: its marker is deleted by the next [`clear`](Self::clear).
    pub(super) fn finish(&mut self, key: String) {
        self.finished.push(key);
    }

    pub(super) async fn clear(&mut self) -> Result<(), PostgresAway> {
        while let Some(key) = self.finished.last().cloned() {
            let clear = move |c: &mut Connection| poison::clear(c, &key);
            let step = "delete the marker of a suspicious event";
            retry(&self.context, step, clear, tokio::time::sleep(LAST_MARKERS)).await?;
            self.finished.pop();
            crash::point("processor.poison.cleared");
        }
        Ok(())
    }
}

/// Lost connections redeliver events too: without a crash, the first delivery that is applied alone is no warning.
fn log_alone(delivery: &Delivery, crashes: u32) {
    let deliveries = delivery.delivery_count;
    if crashes == 0 && deliveries <= SUSPICIOUS_DELIVERIES {
        log::info!("event.id" = delivery.message_id, deliveries, crashes, event = "event_applied_alone";
            "event was delivered again; it is applied alone");
    } else {
        log::warn!("event.id" = delivery.message_id, deliveries, crashes, event = "event_applied_alone";
            "event came again and again; it is applied alone");
    }
}

/// Retries until it succeeds or `patience` ends.
async fn retry<T: Send + 'static>(
    context: &Context,
    step: &'static str,
    work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Clone + Send + 'static,
    patience: impl Future<Output = ()>,
) -> Result<T, PostgresAway> {
    tokio::pin!(patience);
    let mut failures = 0;
    loop {
        let pause = match context.store.run(work.clone()).await {
            Ok(done) => return Ok(done),
            Err(error) => {
                failures += 1;
                context.postgres_failed(step, &error, failures)
            }
        };
        tokio::select! {
            () = &mut patience => return Err(PostgresAway),
            () = tokio::time::sleep(pause) => {}
        }
    }
}
