//! From verdicts to what RabbitMQ is told: letters first.

use domain::dead_letter::DeadLetterReason;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::{Delivery, Receipt, Safe, Settled, Unburied, Verdict};
use crate::letter::Letter;
use crate::publisher::{Outgoing, Publisher};
use crate::topology::Queue;

/// What is to be told of one delivery, its letter being safe.
pub(super) enum Settlement {
    Done(Receipt),
    GiveBack(Receipt),
    Buried(Receipt, DeadLetterReason),
}

impl Settlement {
    pub(super) fn receipt(&self) -> Receipt {
        match self {
            Self::Done(receipt) | Self::GiveBack(receipt) | Self::Buried(receipt, _) => *receipt,
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
        }
    }
}

/// Publishes the letters, all at once, and says what RabbitMQ is to be told of each delivery.
pub(super) async fn bury(verdicts: Vec<(Delivery, Verdict)>, queue: Queue, publisher: &Publisher) -> Safe {
    let (mut plan, mut unburied) = (Vec::with_capacity(verdicts.len()), Vec::new());
    let mut letters = FuturesUnordered::new();
    for (delivery, verdict) in verdicts {
        match verdict {
            Verdict::Done => plan.push(Settlement::Done(delivery.receipt)),
            Verdict::GiveBack => plan.push(Settlement::GiveBack(delivery.receipt)),
            Verdict::Bury(letter) => letters.push(publish(delivery, letter, queue, publisher)),
        }
    }
    while let Some(published) = letters.next().await {
        match published {
            Ok(buried) => plan.push(buried),
            Err(one) => unburied.push(one),
        }
    }
    Safe { plan, unburied }
}

async fn publish(
    delivery: Delivery,
    letter: Letter,
    queue: Queue,
    publisher: &Publisher,
) -> Result<Settlement, Unburied> {
    let message = Outgoing {
        queue: queue.dead(),
        message_id: delivery.message_id.clone(),
        kind: delivery.kind.clone(),
        letter: Some(letter.clone()),
        body: delivery.body.clone(),
    };
    match publisher.publish(message).await {
        Ok(()) => Ok(Settlement::Buried(delivery.receipt, letter.reason)),
        Err(error) => Err(Unburied {
            delivery,
            letter,
            error,
        }),
    }
}
