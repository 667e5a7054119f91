//! Delayed deliveries: they stay in the process until their time has come, so that no other event waits for them.

use std::time::Duration;

use broker::consumer::Delivery;
use broker::dead_letter::Cause;
use tokio::time::Instant;

use super::event::Opened;

/// How many are continued with at once: new deliveries take turns with delayed ones.
const AT_ONCE: usize = 10;

/// What to do with a delivery when its time has come.
pub(super) enum Next {
    /// Apply it again; Postgres has refused it so often.
    Apply { opened: Opened, refusals: u32 },
    /// Publish its dead letter again.
    DeadLetter(Cause),
    /// Give it back to the queue, for another process.
    GiveBack,
}

struct Waiting {
    delivery: Delivery,
    next: Next,
    due_at: Instant,
}

/// The deliveries, in the order in which they were put.
#[derive(Default)]
pub(super) struct Delayed(Vec<Waiting>);

impl Delayed {
    pub(super) fn put(&mut self, delivery: Delivery, next: Next, pause: Duration) {
        self.0.push(Waiting {
            delivery,
            next,
            due_at: Instant::now() + pause,
        });
    }

    /// Waits until a delivery is due; never returns while there is none.
    pub(super) async fn due(&self) {
        match self.0.iter().map(|one| one.due_at).min() {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// Removes and returns some that are due, those first that were put first.
    pub(super) fn take_due(&mut self) -> Vec<(Delivery, Next)> {
        let now = Instant::now();
        self.0
            .extract_if(.., |one| one.due_at <= now)
            .take(AT_ONCE)
            .map(|one| (one.delivery, one.next))
            .collect()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn has_dead_letter(&self, message_id: &str) -> bool {
        self.0
            .iter()
            .any(|one| one.delivery.message_id == message_id && matches!(one.next, Next::DeadLetter(_)))
    }
}
