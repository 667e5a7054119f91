//! Takes due ids from the queue and sends what they name, several batches at once.

use std::sync::Arc;

use broker::consumer::{Consumer, Delivery, Verdict};
use domain::backoff::Backoff;
use domain::ids::MessageId;
use service::{Stop, crash};
use tokio::task::JoinSet;

use crate::send::Sender;

/// How many ids are worked on together.
pub(crate) const BATCH: usize = 50;
/// How many batches at once: calls take their time, and a slow one must not hold up the others.
const BATCHES: usize = 8;
/// What the queue hands out at most.
pub(crate) const PREFETCH: u16 = 400;

/// A batch that was worked on, and what is to become of its deliveries.
type Worked = Vec<(Delivery, Verdict)>;

/// Consumes until the stop, then finishes the calls in hand.
pub(crate) async fn run(sender: Arc<Sender>, mut consumer: Consumer, stop: Stop) {
    let mut working: JoinSet<Worked> = JoinSet::new();
    while !stop.is_stopped() {
        tokio::select! {
            () = stop.stopped() => break,
            Some(worked) = working.join_next() => settle(&mut consumer, worked).await,
            batch = consumer.next_batch(BATCH), if working.len() < BATCHES => {
                working.spawn(work(Arc::clone(&sender), batch));
            }
        }
    }
    while let Some(worked) = working.join_next().await {
        settle(&mut consumer, worked).await;
    }
    consumer.stop().await;
}

async fn settle(consumer: &mut Consumer, worked: Result<Worked, tokio::task::JoinError>) {
    match worked {
        Ok(worked) => {
            let settled = consumer.settle(worked).await;
            crash::point("sender.ids.acknowledged");
            if settled.lost > 0 {
                log::warn!(ids = settled.lost; "settled ids come again: their connection is gone");
            }
        }
        // Its deliveries are gone with it; their rows hand them out again.
        Err(error) => {
            log::error!(error = service::chain(&error); "a batch was lost; its messages come again")
        }
    }
}

async fn work(sender: Arc<Sender>, batch: Vec<Delivery>) -> Worked {
    let ids = batch.iter().filter_map(id_of).collect();
    let verdict = match sender.send(ids).await {
        // What was not claimed any more goes to another sender at once; what was called for is known there.
        Ok(()) if sender.stop.is_stopped() => || Verdict::GiveBack,
        Ok(()) => || Verdict::Done,
        Err(error) => {
            log::warn!(error = service::chain(&error); "Postgres is away; the ids are given back");
            tokio::time::sleep(Backoff::RECONNECT.pause(4, rand::random())).await;
            || Verdict::GiveBack
        }
    };
    batch.into_iter().map(|delivery| (delivery, verdict())).collect()
}

/// A body that is no id of ours is worth nothing: the rows know what is due.
fn id_of(delivery: &Delivery) -> Option<MessageId> {
    let id = std::str::from_utf8(&delivery.body)
        .ok()
        .and_then(|text| text.parse().ok());
    if id.is_none() {
        log::error!("delivery.id" = delivery.message_id; "dropped something from the queue that is no message's id");
    }
    id
}
