//! Consuming in batches, and settling what was consumed.
//!
//! A [`Consumer`] belongs to one task, which takes batches, works and settles, in any order. Its connection is its own:
//! where RabbitMQ blocks publishers, consuming goes on.

mod session;
mod settling;

use std::sync::Arc;

use domain::dead_letter::DeadLetterReason;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::Address;
use crate::connection::{self, chain};
use crate::letter::Letter;
use crate::publisher::{PublishError, Publisher};
use crate::status::Status;
use crate::topology::Queue;
use session::{OpenError, Session, Taken};
use settling::Settlement;

/// A message taken from a queue; it stays there until it is settled.
#[derive(Debug)]
pub struct Delivery {
    /// The body as published.
    pub body: Vec<u8>,
    /// Its id in AMQP.
    pub message_id: String,
    /// What its publisher called it.
    pub kind: String,
    /// How often it was delivered before this time.
    pub delivery_count: u32,
    /// Whether it may have been delivered before.
    pub redelivered: bool,
    receipt: Receipt,
}

/// With which connection a delivery came, and its number there: no other connection can settle it.
#[derive(Debug, Clone, Copy)]
struct Receipt {
    generation: u64,
    tag: u64,
}

/// What shall become of a delivery.
#[derive(Debug)]
pub enum Verdict {
    /// It is finished: its effects are committed.
    Done,
    /// Somebody shall have it again, soon; whoever says this pauses first.
    GiveBack,
    /// A person shall look at it: its letter is published, then it is finished.
    Bury(Letter),
}

/// Verdicts that can be carried out: every letter is confirmed, or its delivery stays unsettled.
pub struct Safe {
    plan: Vec<Settlement>,
    unburied: Vec<Unburied>,
}

/// A delivery whose letter could not be published. It is not settled: whoever has it asks for the same once more, later.
#[derive(Debug)]
pub struct Unburied {
    /// Still in hand.
    pub delivery: Delivery,
    /// What it was to be buried with.
    pub letter: Letter,
    /// What happened to the letter.
    pub error: PublishError,
}

/// What became of deliveries that were settled.
#[derive(Debug, Default)]
pub struct Settled {
    /// Taken out of the queue.
    pub done: usize,
    /// Given back as asked.
    pub given_back: usize,
    /// Published as letters and taken out of the queue, with their reasons.
    pub buried: Vec<DeadLetterReason>,
    /// Not settled, because their letters could not be published.
    pub unburied: Vec<Unburied>,
    /// Their connection was gone: they will be delivered again.
    pub lost: usize,
}

/// Takes deliveries from one queue, and connects again, by itself, whenever that ends.
#[derive(Debug)]
pub struct Consumer {
    address: Address,
    queue: Queue,
    prefetch: u16,
    publisher: Publisher,
    state: State,
    generation: u64,
    failures: u32,
    status: watch::Sender<Status>,
}

#[derive(Debug)]
enum State {
    Pausing { until: Instant },
    Opening(JoinHandle<Result<Session, OpenError>>),
    Open(Box<Session>),
}

impl Consumer {
    /// A consumer that connects when it is first asked for a batch. `prefetch` bounds how many deliveries it holds, two
    /// batches for instance; letters go out through `publisher`.
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

    /// What is known of the connection, and a way to await a change.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Waits for a delivery, then takes with it what is already here, `max` in all, without waiting for more.
    ///
    /// May be dropped at any time, as in `select!`: no delivery is lost by it. While RabbitMQ is away it waits.
    pub async fn next_batch(&mut self, max: usize) -> Vec<Delivery> {
        loop {
            match &mut self.state {
                State::Pausing { until } => {
                    tokio::time::sleep_until(*until).await;
                    self.begin_opening();
                }
                State::Opening(opening) => match opening.await {
                    Ok(Ok(session)) => self.opened(session),
                    Ok(Err(error)) => self.lost(&chain(&error)),
                    Err(_) => self.lost("connecting was aborted"),
                },
                State::Open(session) => match session.take(max.max(1)).await {
                    Ok(Taken::Batch(batch)) => {
                        self.failures = 0;
                        return batch;
                    }
                    Ok(Taken::Status(status)) => self.tell(status),
                    Err(reason) => self.lost(&reason),
                },
            }
        }
    }

    /// The first half of [`settle`](Self::settle): publishes the letters that are asked for, and waits for their
    /// confirmations.
    pub async fn publish_letters(&self, verdicts: Vec<(Delivery, Verdict)>) -> Safe {
        settling::bury(verdicts, self.queue, &self.publisher).await
    }

    /// Settles deliveries, in any order and from any batch. Letters are confirmed before their originals go.
    pub async fn settle(&mut self, verdicts: Vec<(Delivery, Verdict)>) -> Settled {
        let safe = self.publish_letters(verdicts).await;
        self.carry_out(safe).await
    }

    /// The second half of [`settle`](Self::settle).
    pub async fn carry_out(&mut self, Safe { plan, unburied }: Safe) -> Settled {
        let mut settled = Settled {
            unburied,
            ..Settled::default()
        };
        let result = match &mut self.state {
            State::Open(session) => session.settle(plan, &mut settled).await,
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

    /// Whether a delivery can still be settled, as far as is known. One whose connection is gone comes again: work that has
    /// not begun on it would be done twice.
    pub fn owns(&self, delivery: &Delivery) -> bool {
        matches!(self.state, State::Open(_)) && delivery.receipt.generation == self.generation
    }

    /// Settles all alike with [`Verdict::Done`].
    pub async fn settle_all_done(&mut self, deliveries: Vec<Delivery>) -> Settled {
        let done = deliveries.into_iter().map(|delivery| (delivery, Verdict::Done));
        self.settle(done.collect()).await
    }

    /// Gives back what is not settled and closes the connection; some seconds at most.
    pub async fn stop(mut self) {
        self.rest("stopped").await;
    }

    /// As [`stop`](Self::stop), until it is asked for the next batch. `why` is told as its status.
    pub async fn rest(&mut self, why: &str) {
        self.disconnect(Status::Disconnected(why.into())).await;
    }

    /// As [`rest`](Self::rest), for a reason that does not make the process unready.
    pub async fn pause(&mut self, why: &str) {
        self.disconnect(Status::Paused(why.into())).await;
    }

    async fn disconnect(&mut self, status: Status) {
        match &mut self.state {
            State::Open(session) => session.close().await,
            State::Opening(opening) => opening.abort(),
            State::Pausing { .. } => {}
        }
        self.status.send_replace(status);
        let until = Instant::now();
        self.state = State::Pausing { until };
    }

    fn begin_opening(&mut self) {
        self.generation += 1;
        let opening = Session::open(self.address.clone(), self.queue, self.prefetch, self.generation);
        self.state = State::Opening(tokio::spawn(opening));
    }

    fn opened(&mut self, session: Session) {
        log::info!(queue = self.queue.name(), address = self.address.to_string(); "consuming from RabbitMQ");
        self.status.send_replace(Status::Connected);
        self.state = State::Open(Box::new(session));
    }

    fn tell(&self, status: Status) {
        self.status.send_if_modified(|known| {
            let changed = *known != status;
            *known = status;
            changed
        });
    }

    fn lost(&mut self, reason: &str) {
        self.failures += 1;
        // Each attempt fails alike: a change of the status is logged where it is followed.
        log::debug!(queue = self.queue.name(), address = self.address.to_string(), failures = self.failures, error = reason;
            "cannot consume from RabbitMQ");
        self.status.send_replace(Status::Disconnected(Arc::from(reason)));
        let until = Instant::now() + connection::pause(self.failures);
        // The connection goes with its session, and RabbitMQ gives back what was not settled.
        self.state = State::Pausing { until };
    }
}
