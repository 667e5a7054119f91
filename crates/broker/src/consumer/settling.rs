//! From verdicts to acknowledgements: dead letters are published first.

use domain::dead_letter::DeadLetterReason;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::{Delivery, NotPublished, Receipt, Settled, Settlements, Verdict};
use crate::dead_letter::Cause;
use crate::publisher::{Outgoing, Publisher};
use crate::topology::Queue;

/// What RabbitMQ shall do with one delivery, whose dead letter, if any, is confirmed.
pub(super) enum Settlement {
    Done(Receipt),
    GiveBack(Receipt),
    DeadLettered(Receipt, DeadLetterReason),
}

impl Settlement {
    pub(super) fn receipt(&self) -> Receipt {
        match self {
            Self::Done(receipt) | Self::GiveBack(receipt) | Self::DeadLettered(receipt, _) => *receipt,
        }
    }

    pub(super) fn finishes(&self) -> bool {
        matches!(self, Self::Done(_) | Self::DeadLettered(..))
    }

    pub(super) fn count(self, settled: &mut Settled, was_sent: bool) {
        match self {
            _ if !was_sent => settled.lost += 1,
            Self::Done(_) => settled.done += 1,
            Self::GiveBack(_) => settled.given_back += 1,
            Self::DeadLettered(_, reason) => settled.dead_lettered.push(reason),
        }
    }
}

/// Publishes all dead letters at once and waits for their confirmations.
pub(super) async fn publish_dead_letters(
    verdicts: Vec<(Delivery, Verdict)>,
    queue: Queue,
    publisher: &Publisher,
) -> Settlements {
    let (mut plan, mut not_published) = (Vec::with_capacity(verdicts.len()), Vec::new());
    let mut publishing = FuturesUnordered::new();
    for (delivery, verdict) in verdicts {
        match verdict {
            Verdict::Done => plan.push(Settlement::Done(delivery.receipt)),
            Verdict::GiveBack => plan.push(Settlement::GiveBack(delivery.receipt)),
            Verdict::DeadLetter(cause) => publishing.push(publish(delivery, cause, queue, publisher)),
        }
    }
    while let Some(published) = publishing.next().await {
        match published {
            Ok(settlement) => plan.push(settlement),
            Err(one) => not_published.push(one),
        }
    }
    Settlements { plan, not_published }
}

async fn publish(
    delivery: Delivery,
    cause: Cause,
    queue: Queue,
    publisher: &Publisher,
) -> Result<Settlement, NotPublished> {
    let message = Outgoing {
        queue: queue.dead(),
        message_id: delivery.message_id.clone(),
        kind: delivery.kind.clone(),
        cause: Some(cause.clone()),
        trace: None,
        body: delivery.body.clone(),
    };
    match publisher.publish(message).await {
        Ok(()) => Ok(Settlement::DeadLettered(delivery.receipt, cause.reason)),
        Err(error) => Err(NotPublished {
            delivery,
            cause,
            error,
        }),
    }
}
