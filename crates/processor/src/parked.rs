//! Deliveries that stay in hand until their time has come, so that nothing else waits for them.

use std::time::Duration;

use broker::consumer::Delivery;
use broker::dead_letter::Cause;
use tokio::time::Instant;

use crate::batch::Opened;

/// How many are gone on with at once; each may take a moment.
const AT_ONCE: usize = 10;

/// What is to be done with a delivery when its time has come.
pub(crate) enum Next {
    /// Apply it once more; Postgres has refused it so often.
    Apply { opened: Opened, refusals: u32 },
    /// Publish its letter once more.
    Bury(Cause),
    /// Let another process have it.
    GiveBack,
}

struct Waiting {
    delivery: Delivery,
    next: Next,
    due_at: Instant,
}

/// Deliveries that wait, in no order.
#[derive(Default)]
pub(crate) struct Parked(Vec<Waiting>);

impl Parked {
    /// Keeps a delivery for a while.
    pub(crate) fn put(&mut self, delivery: Delivery, next: Next, pause: Duration) {
        self.0.push(Waiting {
            delivery,
            next,
            due_at: Instant::now() + pause,
        });
    }

    /// Waits until a delivery's time has come; for ever where none waits.
    pub(crate) async fn due(&self) {
        match self.0.iter().map(|one| one.due_at).min() {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// Hands out some whose time has come, those first that wait longest: new deliveries shall have their turn too.
    pub(crate) fn take_due(&mut self) -> Vec<(Delivery, Next)> {
        let now = Instant::now();
        self.0
            .extract_if(.., |one| one.due_at <= now)
            .take(AT_ONCE)
            .map(|one| (one.delivery, one.next))
            .collect()
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether an event's letter waits.
    pub(crate) fn has_letter(&self, message_id: &str) -> bool {
        let its_own = |one: &Waiting| one.delivery.message_id == message_id;
        self.0
            .iter()
            .any(|one| its_own(one) && matches!(one.next, Next::Bury(_)))
    }
}
