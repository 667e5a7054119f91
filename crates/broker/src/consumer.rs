//! Consuming in batches, and settling what was consumed.
//!
//! A [`Consumer`] belongs to one task, which takes batches, works and settles, in any order. Its connection is its own:
//! while RabbitMQ blocks publishers, consuming goes on.

mod settling;
mod subscription;

use domain::dead_letter::DeadLetterReason;
use domain::error_chain::chain;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::Address;
use crate::connection;
use crate::dead_letter::Cause;
use crate::publisher::{PublishError, Publisher};
use crate::status::Status;
use crate::topology::Queue;
use settling::Settlement;
use subscription::{OpenError, Subscription, Taken};

/// A message taken from a queue; RabbitMQ keeps it until it is settled.
#[derive(Debug)]
pub struct Delivery {
    pub body: Vec<u8>,
    /// Its id in AMQP.
    pub message_id: String,
    /// AMQP's `type`: an event's type, or a message's kind.
    pub kind: String,
    /// How often it was delivered before this time.
    pub delivery_count: u32,
    /// Whether it may have been delivered before.
    pub redelivered: bool,
    receipt: Receipt,
}

/// The connection that brought a delivery, and its number there: no other connection can settle it.
#[derive(Debug, Clone, Copy)]
struct Receipt {
    generation: u64,
    tag: u64,
}

/// How the holder of a delivery wants it settled.
#[derive(Debug)]
pub enum Verdict {
    /// It is finished: its effects are committed.
    Done,
    /// RabbitMQ requeues it at once; the caller pauses first.
    GiveBack,
    /// It is published to the dead queue, then taken out of this one.
    DeadLetter(Cause),
}

/// Verdicts that can be carried out: RabbitMQ has confirmed every dead letter that could be published.
pub struct Settlements {
    plan: Vec<Settlement>,
    not_published: Vec<NotPublished>,
}

/// A delivery whose dead letter could not be published. It is not settled: its holder asks for the same again later.
#[derive(Debug)]
pub struct NotPublished {
    pub delivery: Delivery,
    pub cause: Cause,
    pub error: PublishError,
}

/// How many deliveries were settled, and how.
#[derive(Debug, Default)]
pub struct Settled {
    pub done: usize,
    pub given_back: usize,
    pub dead_lettered: Vec<DeadLetterReason>,
    /// Still in hand.
    pub not_published: Vec<NotPublished>,
    /// Their connection was gone: they will be delivered again.
    pub lost: usize,
}

/// Takes deliveries from one queue, and reconnects by itself.
#[derive(Debug)]
pub struct Consumer {
    address: Address,
    queue: Queue,
    prefetch: u16,
    publisher: Publisher,
    state: State,
    /// Number of the connection, from 1.
    generation: u64,
    /// In a row.
    failures: u32,
    status: watch::Sender<Status>,
}

#[derive(Debug)]
enum State {
    Pausing { until: Instant },
    Opening(JoinHandle<Result<Subscription, OpenError>>),
    Open(Box<Subscription>),
}

impl Consumer {
    /// A consumer that connects when it is first asked for a batch. `prefetch` bounds how many deliveries it holds, two
    /// batches for instance; dead letters go out through `publisher`.
    pub fn new(address: Address, queue: Queue, prefetch: u16, publisher: Publisher) -> Self {
        Self {
            address,
            queue,
            prefetch: prefetch.max(1),
            publisher,
            state: State::Pausing {
                until: Instant::now(),
            },
            generation: 0,
            failures: 0,
            status: watch::Sender::new(Status::starting()),
        }
    }

    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Waits for a delivery, then adds those that have already arrived, `max` in all, without waiting for more.
    ///
    /// Cancel-safe, as in `select!`: no delivery is lost. While RabbitMQ is away it waits.
    pub async fn next_batch(&mut self, max: usize) -> Vec<Delivery> {
        loop {
            match &mut self.state {
                State::Pausing { until } => {
                    tokio::time::sleep_until(*until).await;
                    self.begin_opening();
                }
                State::Opening(opening) => match opening.await {
                    Ok(Ok(subscription)) => self.opened(subscription),
                    Ok(Err(error)) => self.lost(&chain(&error)),
                    Err(_) => self.lost("connecting was aborted"),
                },
                State::Open(subscription) => match subscription.take(max.max(1)).await {
                    Ok(Taken::Batch(batch)) => {
                        self.failures = 0;
                        return batch;
                    }
                    Ok(Taken::Status(status)) => status.publish(&self.status),
                    Err(reason) => self.lost(&reason),
                },
            }
        }
    }

    /// The first half of [`settle`](Self::settle): publishes the dead letters, and waits for their confirmations.
    pub async fn publish_dead_letters(&self, verdicts: Vec<(Delivery, Verdict)>) -> Settlements {
        settling::publish_dead_letters(verdicts, self.queue, &self.publisher).await
    }

    /// Settles deliveries, in any order and from any batch. Dead letters are confirmed before their originals are
    /// acknowledged.
    pub async fn settle(&mut self, verdicts: Vec<(Delivery, Verdict)>) -> Settled {
        let settlements = self.publish_dead_letters(verdicts).await;
        self.carry_out(settlements).await
    }

    /// The second half of [`settle`](Self::settle): acknowledges and gives back.
    pub async fn carry_out(&mut self, Settlements { plan, not_published }: Settlements) -> Settled {
        let mut settled = Settled {
            not_published,
            ..Settled::default()
        };
        let result = match &mut self.state {
            State::Open(subscription) => subscription.settle(plan, &mut settled).await,
            _ => {
                settled.lost += plan.len();
                Ok(())
            }
        };
        if let Err(reason) = result {
            self.lost(&reason);
        }
        settled
    }

    /// Whether a delivery can still be settled, as far as is known. One whose connection is gone is redelivered: work that
    /// has not begun on it would be done twice.
    pub fn owns(&self, delivery: &Delivery) -> bool {
        matches!(self.state, State::Open(_)) && delivery.receipt.generation == self.generation
    }

    pub async fn settle_all_done(&mut self, deliveries: Vec<Delivery>) -> Settled {
        let done = deliveries.into_iter().map(|delivery| (delivery, Verdict::Done));
        self.settle(done.collect()).await
    }

    /// Gives back what is not settled and closes the connection; some seconds at most.
    pub async fn stop(mut self) {
        self.disconnect("stopped").await;
    }

    /// As [`stop`](Self::stop), until the next batch is asked for; the process is not ready meanwhile. `why` is its status.
    pub async fn disconnect(&mut self, why: &str) {
        self.close(Status::Disconnected(why.into())).await;
    }

    /// As [`disconnect`](Self::disconnect), for a reason that leaves the process ready.
    pub async fn pause(&mut self, why: &str) {
        self.close(Status::Paused(why.into())).await;
    }

    async fn close(&mut self, status: Status) {
        match &mut self.state {
            State::Open(subscription) => subscription.close().await,
            State::Opening(opening) => opening.abort(),
            State::Pausing { .. } => {}
        }
        self.status.send_replace(status);
        let until = Instant::now();
        self.state = State::Pausing { until };
    }

    fn begin_opening(&mut self) {
        self.generation += 1;
        let opening = Subscription::open(self.address.clone(), self.queue, self.prefetch, self.generation);
        self.state = State::Opening(tokio::spawn(opening));
    }

    fn opened(&mut self, subscription: Subscription) {
        log::info!(event = "consuming", queue = self.queue.name(), node = subscription.node(),
            address = self.address.to_string(); "consuming from RabbitMQ");
        self.status.send_replace(Status::Connected);
        self.state = State::Open(Box::new(subscription));
    }

    fn lost(&mut self, reason: &str) {
        self.failures += 1;
        let reason = match &self.state {
            State::Open(subscription) => connection::lost(subscription.node(), reason),
            State::Opening(_) | State::Pausing { .. } => reason.to_owned(),
        };
        // Only `debug`: each attempt fails alike, and the program logs every change of the status.
        log::debug!(queue = self.queue.name(), address = self.address.to_string(), failures = self.failures, error = reason;
            "cannot consume from RabbitMQ");
        self.status.send_replace(Status::Disconnected(reason.into()));
        let until = Instant::now() + connection::pause(self.failures);
        // Dropping the subscription closes its connection, and RabbitMQ requeues what was not settled.
        self.state = State::Pausing { until };
    }
}
