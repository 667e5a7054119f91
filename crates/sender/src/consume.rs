//! Takes due ids from the queue and sends what they name, several batches at once.

use std::sync::Arc;

use broker::consumer::{Consumer, Delivery, Verdict};
use domain::backoff::Backoff;
use domain::ids::MessageId;
use service::{Stop, crash};
use store::StoreError;
use tokio::task::{JoinError, JoinSet};

use crate::log_lines;
use crate::send::Sender;

/// How many ids are worked on together.
const BATCH: u16 = 50;
/// How many batches at once: calls take their time, and a slow one must not hold up the others.
const BATCHES: u16 = 8;
/// What the queue hands out at most.
pub(crate) const PREFETCH: u16 = BATCH * BATCHES;

/// A batch that was worked on, and what is to become of its deliveries.
type Worked = Vec<(Delivery, Verdict)>;

/// Consumes until the stop, then finishes the calls in hand.
pub(crate) async fn run(sender: Arc<Sender>, mut consumer: Consumer, stop: Stop) {
    let mut working: JoinSet<Worked> = JoinSet::new();
    while !stop.is_stopped() {
        tokio::select! {
            biased;
            () = stop.stopped() => break,
            () = sender.reach.lost() => leave_to_others(&sender, &mut consumer, &mut working, &stop).await,
            Some(worked) = working.join_next() => settle(&mut consumer, worked).await,
            batch = consumer.next_batch(BATCH.into()), if working.len() < usize::from(BATCHES) => {
                working.spawn(work(Arc::clone(&sender), batch));
            }
        }
    }
    while let Some(worked) = working.join_next().await {
        settle(&mut consumer, worked).await;
    }
    consumer.stop().await;
}

/// Finishes what is in hand, and takes nothing until WhatsApp can be reached again. What was prefetched goes back to the
/// queue with the connection.
async fn leave_to_others(
    sender: &Sender,
    consumer: &mut Consumer,
    working: &mut JoinSet<Worked>,
    stop: &Stop,
) {
    while let Some(worked) = working.join_next().await {
        settle(consumer, worked).await;
    }
    if sender.reach.is_given() {
        return;
    }
    consumer
        .pause("nothing is taken while WhatsApp cannot be reached")
        .await;
    tokio::select! {
        () = stop.stopped() => {}
        () = sender.reach.given() => {}
    }
}

async fn settle(consumer: &mut Consumer, worked: Result<Worked, JoinError>) {
    match worked {
        Ok(worked) => {
            let settled = consumer.settle(worked).await;
            crash::point("sender.ids.acknowledged");
            if settled.lost > 0 {
                log::warn!(ids = settled.lost; "settled ids come again: their connection is gone");
            }
        }
        // Only if the task below panics outside of its own: its deliveries come again with the next connection.
        Err(error) => log::error!(error = service::chain(&error), alert = true; "a batch of ids was lost"),
    }
}

async fn work(sender: Arc<Sender>, batch: Vec<Delivery>) -> Worked {
    let ids = batch.iter().filter_map(id_of).collect();
    let (stop, reaching) = (sender.stop.clone(), Arc::clone(&sender));
    // A task of its own: whatever happens to it, the deliveries stay in hand.
    let sent = tokio::spawn(async move { sender.send(ids).await }).await;
    if matches!(sent, Ok(Err(_))) {
        tokio::time::sleep(Backoff::RECONNECT.pause(4, rand::random())).await;
    }
    let must_come_again = stop.is_stopped() || !reaching.reach.is_given();
    let verdict = verdict(sent, must_come_again);
    batch.into_iter().map(|delivery| (delivery, verdict())).collect()
}

/// What becomes of a batch's ids. They must come again where not all may have been called for.
fn verdict(sent: Result<Result<(), StoreError>, JoinError>, must_come_again: bool) -> fn() -> Verdict {
    match sent {
        // What was not claimed any more goes to another sender at once; what was called for is known there.
        Ok(Ok(())) if must_come_again => || Verdict::GiveBack,
        Ok(Ok(())) => || Verdict::Done,
        Ok(Err(error)) => {
            log_lines::given_back(&error);
            || Verdict::GiveBack
        }
        // Given back they would come again at once, and again; their rows hand them out again, ever more seldom.
        Err(error) => {
            log::error!(error = service::chain(&error), alert = true; "sending a batch panicked; its messages come again");
            || Verdict::Done
        }
    }
}

/// A body that is no id of ours is worth nothing: the rows know what is due.
fn id_of(delivery: &Delivery) -> Option<MessageId> {
    let id = std::str::from_utf8(&delivery.body)
        .ok()
        .and_then(|text| text.parse().ok());
    if id.is_none() {
        log::error!("delivery.id" = delivery.message_id; "dropped a queue entry that is not a message id");
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_ids_of_a_batch_that_panicked_do_not_stay_in_hand() {
        let panicked = tokio::spawn(async { panic!("a defect") }).await;

        let verdict = verdict(panicked, false);

        assert!(matches!(verdict(), Verdict::Done));
    }
}
