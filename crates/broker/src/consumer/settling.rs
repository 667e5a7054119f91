//! From verdicts to what RabbitMQ is told: letters first.

use domain::dead_letter::DeadLetterReason;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::{Delivery, Receipt, Settled, Verdict};
use crate::letter::Letter;
use crate::publisher::{Outgoing, PublishError, Publisher};
use crate::topology::Queue;

/// What is to be told of one delivery, its letter being safe.
pub(super) enum Settlement {
    Done(Receipt),
    GiveBack(Receipt),
    Buried(Receipt, DeadLetterReason),
    Unburied(Receipt, PublishError),
}

impl Settlement {
    pub(super) fn receipt(&self) -> Receipt {
        match self {
            Self::Done(receipt)
            | Self::GiveBack(receipt)
            | Self::Buried(receipt, _)
            | Self::Unburied(receipt, _) => *receipt,
        }
    }

    pub(super) fn finishes(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Buried(..))
    }

    pub(super) fn count(self, settled: &mut Settled, told: bool) {
        match self {
            _ if !told => settled.lost += 1,
            Self::Done(_) => settled.done += 1,
            Self::GiveBack(_) => settled.given_back += 1,
            Self::Buried(_, reason) => settled.buried.push(reason),
            Self::Unburied(_, error) => settled.unburied.push(error),
        }
    }
}

/// Publishes the letters, all at once, and says what RabbitMQ is to be told of each delivery.
pub(super) async fn bury(
    verdicts: Vec<(Delivery, Verdict)>,
    queue: Queue,
    publisher: &Publisher,
) -> Vec<Settlement> {
    let mut plan = Vec::with_capacity(verdicts.len());
    let mut letters = FuturesUnordered::new();
    for (delivery, verdict) in verdicts {
        match verdict {
            Verdict::Done => plan.push(Settlement::Done(delivery.receipt)),
            Verdict::GiveBack => plan.push(Settlement::GiveBack(delivery.receipt)),
            Verdict::Bury(letter) => letters.push(publish(delivery, letter, queue, publisher)),
        }
    }
    while let Some(settlement) = letters.next().await {
        plan.push(settlement);
    }
    plan
}

async fn publish(delivery: Delivery, letter: Letter, queue: Queue, publisher: &Publisher) -> Settlement {
    let (receipt, reason) = (delivery.receipt, letter.reason);
    let message = Outgoing {
        queue: queue.dead(),
        message_id: delivery.message_id,
        kind: delivery.kind,
        letter: Some(letter),
        body: delivery.body,
    };
    match publisher.publish(message).await {
        Ok(()) => Settlement::Buried(receipt, reason),
        Err(error) => Settlement::Unburied(receipt, error),
    }
}
