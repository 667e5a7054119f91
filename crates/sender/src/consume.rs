//! Takes the ids of due messages from the queue `messages` and feeds the pipeline with them, several batches at once.

use std::sync::Arc;

use broker::consumer::{Consumer, Delivery, Verdict};
use domain::backoff::Backoff;
use domain::ids::MessageId;
use service::{Stop, crash};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::context::Sender;
use crate::in_hand::{Deliveries, InHand};
use crate::isolate::isolated;
use crate::pipeline::{self, Admitted};
use crate::routes::{self, Routes};
use crate::telemetry;

/// How many ids are prepared together.
const BATCH: usize = 100;
/// How many batches are prepared at once.
const BATCHES: usize = 3;
/// How many unacknowledged ids RabbitMQ hands out: those that wait in the routes' queues must not use it up.
pub(crate) const PREFETCH: u16 = (routes::KEPT + 2 * BATCH * BATCHES) as u16;

type Settled = (Delivery, Verdict);

/// Consumes until the stop, then finishes the calls in hand.
pub(crate) async fn run(sender: Arc<Sender>, consumer: Consumer, stop: Stop) {
    let (routes, stages) = pipeline::start(&sender);
    tokio::join!(take(sender, Arc::new(routes), consumer, stop), stages);
}

async fn take(sender: Arc<Sender>, routes: Arc<Routes>, mut consumer: Consumer, stop: Stop) {
    let (settled, mut settling) = unbounded_channel();
    let mut working = JoinSet::new();
    // What a sender took before it may send would wait in it for a second or two, while others could send it at once.
    tokio::select! {
        () = stop.stopped() => {}
        () = sender.rate_limits.shared() => {}
    }
    while !stop.is_stopped() {
        tokio::select! {
            biased;
            () = stop.stopped() => break,
            () = sender.reachability.until_unreachable() => leave_to_others(&sender, &mut consumer, &mut working, &stop).await,
            Some(first) = settling.recv() => settle(&mut consumer, first, &mut settling).await,
            Some(_) = working.join_next() => {}
            batch = consumer.next_batch(BATCH), if working.len() < BATCHES => {
                let batch = in_hand(batch, &settled);
                working.spawn(admit(Arc::clone(&sender), Arc::clone(&routes), batch));
            }
        }
    }
    while working.join_next().await.is_some() {}
    // The queues are emptied and closed; what has been claimed is called for.
    drop((routes, settled));
    while let Some(first) = settling.recv().await {
        settle(&mut consumer, first, &mut settling).await;
    }
    consumer.stop().await;
}

/// Takes nothing until WhatsApp can be reached again. Closing the connection returns what is unacknowledged to the queue.
async fn leave_to_others(sender: &Sender, consumer: &mut Consumer, working: &mut JoinSet<()>, stop: &Stop) {
    while working.join_next().await.is_some() {}
    if sender.reachability.is_reachable() {
        return;
    }
    consumer
        .pause("nothing is taken while WhatsApp cannot be reached")
        .await;
    tokio::select! {
        () = stop.stopped() => {}
        () = sender.reachability.until_reachable() => {}
    }
}

async fn settle(consumer: &mut Consumer, first: Settled, more: &mut UnboundedReceiver<Settled>) {
    let mut batch = vec![first];
    while let Ok(settled) = more.try_recv() {
        batch.push(settled);
    }
    let settled = consumer.settle(batch).await;
    crash::point("sender.ids.acknowledged");
    if settled.lost > 0 {
        log::warn!(ids = settled.lost, event = "acknowledgements_lost";
            "acknowledgements lost with the connection; deliveries will repeat");
    }
}

fn in_hand(batch: Vec<Delivery>, settled: &UnboundedSender<Settled>) -> Deliveries {
    let with_id = |delivery: Delivery| {
        let id = id_of(&delivery);
        let in_hand = InHand::new(delivery, settled.clone());
        Some((id?, in_hand))
    };
    batch.into_iter().filter_map(with_id).collect()
}

/// Passes a batch to the pipeline. Where that panics, the ids are acknowledged: returned, they would be redelivered at
/// once and panic again; the relay publishes them again, ever more seldom.
async fn admit(sender: Arc<Sender>, routes: Arc<Routes>, mut batch: Deliveries) {
    match isolated(
        "batch",
        pipeline::admit(&sender, &routes, batch.keys().copied().collect(), &mut batch),
    )
    .await
    {
        None | Some(Ok(Admitted::All)) => {}
        Some(Ok(Admitted::Not)) => batch.into_values().for_each(InHand::give_back),
        Some(Err(error)) => {
            telemetry::sending_failed(&error);
            tokio::time::sleep(Backoff::RECONNECT.pause(4, rand::random())).await;
            batch.into_values().for_each(InHand::give_back);
        }
    }
}

/// A body that is not one of our ids is dropped: the rows in Postgres say what is due.
fn id_of(delivery: &Delivery) -> Option<MessageId> {
    let id = std::str::from_utf8(&delivery.body)
        .ok()
        .and_then(|text| text.parse().ok());
    if id.is_none() {
        log::error!("delivery.id" = delivery.message_id, event = "foreign_queue_entry"; "dropped a queue entry that is not a message id");
    }
    id
}
