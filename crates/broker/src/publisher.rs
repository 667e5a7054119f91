//! Publishing, with RabbitMQ's word for every single message that it lies on disk.
//!
//! A [`Publisher`] is a handle; one task owns the connection and its channel. A channel shared by several threads could
//! credit one message with another's confirmation.

mod in_flight;
mod owner;

use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Address;
use crate::letter::Letter;
use crate::status::Status;
use crate::topology::{Depths, Queue};

/// Jobs that wait for a place in flight; more are turned away at once.
const WAITING_JOBS: usize = 2_000;

/// A message to be published.
#[derive(Debug)]
pub struct Outgoing {
    /// Where it shall lie.
    pub queue: Queue,
    /// Its id in AMQP; beyond 255 bytes it is replaced by a UUID made of it.
    pub message_id: String,
    /// What it is, for people who look into a queue: an event's type, for example.
    pub kind: String,
    /// What to say in headers about its death, for the dead queues.
    pub letter: Option<Letter>,
    /// The body, sealed where it is personal.
    pub body: Vec<u8>,
}

/// Why a message is not known to lie in its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// It was not sent: no connection, blocked, or too much is waiting already.
    #[error("RabbitMQ is not available")]
    Unavailable,
    /// RabbitMQ said no: a queue is full or broken.
    #[error("RabbitMQ refused the message")]
    Refused,
    /// Some message of those in flight reached no queue, so the topology is broken.
    #[error("RabbitMQ has no queue for the message")]
    Unroutable,
    /// No answer: it may have arrived or not. Consumers recognise a copy by its id.
    #[error("RabbitMQ did not confirm the message in time")]
    Unconfirmed,
}

/// How a publisher behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// The connection's name in RabbitMQ's management.
    pub name: String,
    /// How long [`Publisher::publish`] waits.
    pub confirm_timeout: Duration,
    /// How many messages may wait for their confirmation at once.
    pub in_flight: usize,
}

impl Options {
    /// 5 s, 1,000 in flight.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            confirm_timeout: Duration::from_secs(5),
            in_flight: 1_000,
        }
    }
}

/// A handle, cheap to clone, for any number of threads.
#[derive(Debug, Clone)]
pub struct Publisher {
    jobs: mpsc::Sender<Job>,
    status: watch::Receiver<Status>,
    depths: watch::Receiver<Option<Depths>>,
    confirm_timeout: Duration,
    stop: CancellationToken,
    task: TaskTracker,
}

/// A message and whom to tell. When `done` is dropped unanswered, nobody knows what became of it.
#[derive(Debug)]
struct Job {
    message: Outgoing,
    done: oneshot::Sender<Result<(), PublishError>>,
}

impl Publisher {
    /// Starts the task that owns the connection; it connects, and connects again, by itself. To be called inside a
    /// tokio runtime.
    pub fn start(address: Address, options: Options) -> Self {
        let (jobs, queue) = mpsc::channel(WAITING_JOBS);
        let (status_out, status) = watch::channel(Status::starting());
        let (depths_out, depths) = watch::channel(None);
        let publisher = Self {
            jobs,
            status,
            depths,
            confirm_timeout: options.confirm_timeout,
            stop: CancellationToken::new(),
            task: TaskTracker::new(),
        };
        let owner = owner::Owner {
            address,
            options,
            jobs: queue,
            status: status_out,
            depths: depths_out,
            stop: publisher.stop.clone(),
        };
        publisher.task.spawn(owner.run());
        publisher.task.close();
        publisher
    }

    /// Publishes and waits for the confirmation. Many may do so at once; that is what makes it fast.
    pub async fn publish(&self, message: Outgoing) -> Result<(), PublishError> {
        if matches!(*self.status.borrow(), Status::Blocked | Status::Disconnected(_)) {
            return Err(PublishError::Unavailable);
        }
        let (done, confirmed) = oneshot::channel();
        self.jobs
            .try_send(Job { message, done })
            .map_err(|_| PublishError::Unavailable)?;
        match tokio::time::timeout(self.confirm_timeout, confirmed).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(PublishError::Unconfirmed),
        }
    }

    /// What is known of the connection, and a way to await a change.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// How full the queues are, looked up about twice a second; `None` while that is not known.
    pub fn depths(&self) -> watch::Receiver<Option<Depths>> {
        self.depths.clone()
    }

    /// Takes no more, waits for what is in flight, closes the connection. Some seconds at most.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.task.wait().await;
    }
}
