//! Deliveries in hand: each is settled when its message has been claimed, ended or put off. Until then RabbitMQ gives it
//! to another sender at once, should this one be killed.

use std::collections::HashMap;

use broker::consumer::{Delivery, Verdict};
use domain::ids::MessageId;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::UnboundedSender;

/// By the ids of their messages.
pub(crate) type Deliveries = HashMap<MessageId, InHand>;

/// A delivery that is acknowledged when this is dropped.
pub(crate) struct InHand {
    delivery: Option<Delivery>,
    settled: UnboundedSender<(Delivery, Verdict)>,
    /// The right to stay unacknowledged while the message waits.
    pub(crate) kept: Option<OwnedSemaphorePermit>,
}

impl InHand {
    pub(crate) fn new(delivery: Delivery, settled: UnboundedSender<(Delivery, Verdict)>) -> Self {
        Self {
            delivery: Some(delivery),
            settled,
            kept: None,
        }
    }

    /// Leaves the message to another sender.
    pub(crate) fn give_back(mut self) {
        self.settle(Verdict::GiveBack);
    }

    fn settle(&mut self, verdict: Verdict) {
        if let Some(delivery) = self.delivery.take() {
            // It fails only when the consumer has ended: RabbitMQ gives the delivery to another one then.
            let _ = self.settled.send((delivery, verdict));
        }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.settle(Verdict::Done);
    }
}
