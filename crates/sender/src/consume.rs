//! Takes the ids of due messages from the queue `messages` and feeds the pipeline with them, several batches at once.

use std::sync::Arc;

use broker::consumer::{Consumer, Delivery, Verdict};
use domain::backoff::Backoff;
use domain::ids::MessageId;
use service::{Stop, crash};
use store::StoreError;
use tokio::task::{JoinError, JoinSet};

use crate::context::Sender;
use crate::isolate::isolated;
use crate::pipeline::{self, Admitted};
use crate::routes::Routes;
use crate::telemetry;

/// How many ids are taken and settled together.
const BATCH: u16 = 100;
/// How many batches are prepared at once.
const BATCHES: u16 = 3;
/// How many unacknowledged ids RabbitMQ hands out.
pub(crate) const PREFETCH: u16 = 2 * BATCH * BATCHES;

/// The deliveries of a finished batch, and how each is settled.
type Finished = Vec<(Delivery, Verdict)>;

/// Consumes until the stop, then finishes the calls in hand.
pub(crate) async fn run(sender: Arc<Sender>, consumer: Consumer, stop: Stop) {
    let (routes, stages) = pipeline::start(&sender);
    tokio::join!(take(sender, Arc::new(routes), consumer, stop), stages);
}

async fn take(sender: Arc<Sender>, routes: Arc<Routes>, mut consumer: Consumer, stop: Stop) {
    let mut working: JoinSet<Finished> = JoinSet::new();
    while !stop.is_stopped() {
        tokio::select! {
            biased;
            () = stop.stopped() => break,
            () = sender.reachability.until_unreachable() => leave_to_others(&sender, &mut consumer, &mut working, &stop).await,
            Some(finished) = working.join_next() => settle(&mut consumer, finished).await,
            batch = consumer.next_batch(BATCH.into()), if working.len() < usize::from(BATCHES) => {
                working.spawn(work(Arc::clone(&sender), Arc::clone(&routes), batch));
            }
        }
    }
    while let Some(finished) = working.join_next().await {
        settle(&mut consumer, finished).await;
    }
    consumer.stop().await;
}

/// Finishes the running batches, then takes nothing until WhatsApp can be reached again. Closing the connection returns
/// prefetched ids to the queue.
async fn leave_to_others(
    sender: &Sender,
    consumer: &mut Consumer,
    working: &mut JoinSet<Finished>,
    stop: &Stop,
) {
    while let Some(finished) = working.join_next().await {
        settle(consumer, finished).await;
    }
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

async fn settle(consumer: &mut Consumer, finished: Result<Finished, JoinError>) {
    match finished {
        Ok(finished) => {
            let settled = consumer.settle(finished).await;
            crash::point("sender.ids.acknowledged");
            if settled.lost > 0 {
                log::warn!(ids = settled.lost, event = "acks_lost"; "acks lost with the connection; deliveries will repeat");
            }
        }
        // `work` itself panicked: RabbitMQ redelivers its ids when the connection ends.
        Err(error) => {
            log::error!(error = service::chain(&error), alert = "batch_lost"; "a batch of ids was lost")
        }
    }
}

async fn work(sender: Arc<Sender>, routes: Arc<Routes>, batch: Vec<Delivery>) -> Finished {
    let ids = batch.iter().filter_map(id_of).collect();
    let admitted = isolated("batch", pipeline::admit(&sender, &routes, ids)).await;
    if let Some(Err(error)) = &admitted {
        telemetry::sending_failed(error);
        tokio::time::sleep(Backoff::RECONNECT.pause(4, rand::random())).await;
    }
    let settled = Settled::after(admitted);
    let settle = |delivery| (delivery, settled.verdict());
    batch.into_iter().map(settle).collect()
}

/// How all ids of a batch are settled.
#[derive(Debug, PartialEq)]
enum Settled {
    Acknowledged,
    Returned,
}

impl Settled {
    /// `None`: preparing panicked. Returned, the ids would be redelivered at once and panic again; the relay publishes them
    /// again, ever more seldom.
    fn after(admitted: Option<Result<Admitted, StoreError>>) -> Self {
        match admitted {
            Some(Ok(Admitted::Not) | Err(_)) => Self::Returned,
            Some(Ok(Admitted::All)) | None => Self::Acknowledged,
        }
    }

    fn verdict(&self) -> Verdict {
        match self {
            Self::Acknowledged => Verdict::Done,
            Self::Returned => Verdict::GiveBack,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_of_a_batch_return_to_the_queue_unless_all_were_handled_or_it_panicked() {
        assert_eq!(Settled::after(Some(Ok(Admitted::All))), Settled::Acknowledged);
        assert_eq!(Settled::after(Some(Ok(Admitted::Not))), Settled::Returned);
        assert_eq!(
            Settled::after(Some(Err(StoreError::Overtaken))),
            Settled::Returned
        );
        assert_eq!(Settled::after(None), Settled::Acknowledged);
    }
}
