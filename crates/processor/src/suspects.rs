//! Events that came again and again: they may be what brings their processors down.
//!
//! Each is applied alone, after its neighbours, and its try is noted in Postgres before anything is read of it. A try
//! that ends, however, is struck out; so only those count that ended with the process.

use std::future::Future;
use std::time::Duration;

use broker::consumer::{Delivery, Verdict};
use domain::dead_letter::DeadLetterReason;
use service::crash;
use store::StoreError;
use store::poison::{self, Try};

use crate::applying::{LONG, Patience};
use crate::consume::{Consuming, letter};
use crate::decode;

/// From this delivery on an event is applied alone.
pub(crate) const SUSPICIOUS_DELIVERIES: u32 = 2;
/// So many processes may end while they apply an event alone.
const CRASHES: u32 = 3;
/// How long a process tries to note that it outlived an event, also where it is asked to stop.
const LAST_NOTES: Duration = Duration::from_secs(5);

impl Consuming {
    /// Applies one event alone.
    pub(crate) async fn apply_alone(&mut self, delivery: Delivery) {
        let key = delivery.message_id.clone();
        let noted = key.clone();
        crash::point("processor.suspects.found");
        // Of this delivery: noted again after a commit without an answer, it counts once.
        let this = Try::new();
        let begin = move |c: &mut store::Connection| poison::begin(c, &noted, this);
        let stop = self.stop.clone();
        let patience = async {
            tokio::select! {
                () = stop.stopped() => {}
                () = tokio::time::sleep(LONG) => {}
            }
        };
        let noting = self.until_noted("note a suspicious event", begin, patience);
        let Some(crashes) = noting.await else {
            self.outage.is_long = true;
            return;
        };
        crash::point("processor.suspects.noted");
        if crashes >= CRASHES {
            log::error!("event.id" = key, attempts = crashes, alert = true;
                "event is a dead letter: processors ended while they applied it, and it alone");
            self.shared.count_event(&delivery.kind, "dead");
            let error = format!("{crashes} processes ended while they applied it alone");
            let letter = letter(DeadLetterReason::Crashed, &error, crashes);
            self.settle(vec![(delivery, Verdict::DeadLetter(letter))]).await;
        } else {
            log::warn!("event.id" = key, deliveries = delivery.delivery_count, crashes = crashes;
                "event came again and again; it is applied alone");
            match decode::decode(&self.shared.ring, &delivery.body) {
                Ok(opened) => self.apply(vec![(delivery, opened, 0)], Patience::Usual).await,
                Err(error) => self.settle_unreadable(vec![(delivery, error)]).await,
            }
        }
        crash::point("processor.suspects.settled");
        self.outlived(key).await;
    }

    /// This process lives: whatever became of the event is not a crash. One that is to be a letter stays noted until the
    /// letter is out, so that whoever gets it next knows.
    pub(crate) async fn outlived(&mut self, key: String) {
        if self.parked.has_letter(&key) {
            return;
        }
        self.outage.outlived.push(key);
        if self.goes_on() {
            self.strike_out().await;
        }
    }

    /// Strikes out what was outlived, as far as Postgres is there.
    pub(crate) async fn strike_out(&mut self) {
        while let Some(key) = self.outage.outlived.last().cloned() {
            let clear = move |c: &mut store::Connection| poison::clear(c, &key);
            let patience = tokio::time::sleep(LAST_NOTES);
            let noting = self.until_noted("clear a suspicious event", clear, patience);
            if noting.await.is_none() {
                self.outage.is_long = true;
                return;
            }
            self.outage.outlived.pop();
            crash::point("processor.suspects.cleared");
        }
    }

    /// Waits out outages; `None`: patience ended before.
    async fn until_noted<T: Send + 'static>(
        &mut self,
        step: &'static str,
        work: impl FnOnce(&mut store::Connection) -> Result<T, StoreError> + Clone + Send + 'static,
        patience: impl Future<Output = ()>,
    ) -> Option<T> {
        tokio::pin!(patience);
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
                () = &mut patience => return None,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}
