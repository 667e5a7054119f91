//! Events that came again and again: they may be what brings their processors down.
//!
//! Each is applied alone, after its neighbours, and its try is noted in Postgres before anything is read of it. A try
//! that ends, however, is struck out; so only those count that ended with the process.

use std::time::Duration;

use broker::consumer::{Delivery, Verdict};
use domain::dead_letter::DeadLetterReason;
use service::crash;
use store::{StoreError, suspects};

use crate::consume::{Consuming, letter};
use crate::decode;

/// From this delivery on an event is applied alone.
pub(crate) const SUSPICIOUS_DELIVERIES: u32 = 2;
/// So many processes may end while they apply an event alone.
const CRASHES: u32 = 3;

impl Consuming {
    /// Applies one event alone.
    pub(crate) async fn apply_alone(&mut self, delivery: Delivery) {
        let key = delivery.message_id.clone();
        let noted = key.clone();
        crash::point("processor.suspects.found");
        let begin = move |c: &mut store::Connection| suspects::begin(c, &noted);
        let Some(crashes) = self.until_noted("note a suspicious event", begin).await else {
            self.settle(vec![(delivery, Verdict::GiveBack)]).await;
            return;
        };
        crash::point("processor.suspects.noted");
        if crashes >= CRASHES {
            log::error!("event.id" = key, attempts = crashes, alert = true;
                "event is a dead letter: processors ended while they applied it, and it alone");
            self.shared.count_event(&delivery.kind, "dead");
            let error = format!("{crashes} processes ended while they applied it alone");
            let letter = letter(DeadLetterReason::Crashed, &error, crashes);
            self.settle(vec![(delivery, Verdict::Bury(letter))]).await;
        } else {
            log::warn!("event.id" = key, deliveries = delivery.delivery_count, crashes = crashes;
                "event came again and again; it is applied alone");
            match decode::decode(&self.shared.ring, &delivery.body) {
                Ok(opened) => self.apply(vec![(delivery, opened, 0)]).await,
                Err(error) => self.settle_unreadable(vec![(delivery, error)]).await,
            }
        }
        // This process lives: whatever became of the event is not a crash.
        crash::point("processor.suspects.settled");
        let clear = move |c: &mut store::Connection| suspects::clear(c, &key);
        self.until_noted("clear a suspicious event", clear).await;
        crash::point("processor.suspects.cleared");
    }

    /// Waits out outages; `None`: the process stops.
    async fn until_noted<T: Send + 'static>(
        &self,
        step: &'static str,
        work: impl FnOnce(&mut store::Connection) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Option<T> {
        let mut failures = 0;
        loop {
            let pause: Duration = match self.shared.store.run(work.clone()).await {
                Ok(done) => return Some(done),
                Err(error) => {
                    failures += 1;
                    self.shared.postgres_failed(step, &error, failures)
                }
            };
            tokio::select! {
                () = self.stop.stopped() => return None,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}
