//! Publishing, with RabbitMQ's confirmation for every single message that it is on disk.
//!
//! A [`Publisher`] is a handle; one task owns the connection and its channel. A channel shared by several threads could
//! credit one message with another's confirmation.

mod in_flight;
mod owner;
mod session;

use std::time::Duration;

use domain::trace::TraceContext;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Address;
use crate::dead_letter::Cause;
use crate::status::Status;
use crate::topology::{Depths, Queue};

/// Jobs that wait for a place in flight; further ones fail at once.
const WAITING_JOBS: usize = 2_000;

#[derive(Debug, Clone)]
pub struct Outgoing {
    pub queue: Queue,
    /// Its id in AMQP; beyond 255 bytes it is replaced by a UUID made of it.
    pub message_id: String,
    /// AMQP's `type`, for people who look into a queue: an event's type, or a message's kind.
    pub kind: String,
    /// Headers for the dead queues.
    pub cause: Option<Cause>,
    /// The header `traceparent`, for people who look into a queue: ours is in the body.
    pub trace: Option<TraceContext>,
    /// Sealed where it is personal.
    pub body: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// It was not sent: no connection, blocked, or too many messages wait already.
    #[error("RabbitMQ is not available")]
    Unavailable,
    /// A queue is full or broken.
    #[error("RabbitMQ refused the message")]
    Refused,
    /// This message or another one in flight reached no queue, so the topology is broken.
    #[error("RabbitMQ has no queue for the message")]
    Unroutable,
    /// It may have arrived or not. Consumers recognise a copy by its id.
    #[error("RabbitMQ did not confirm the message in time")]
    Unconfirmed,
}

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

/// A message, and where its outcome goes. `done` dropped unanswered means that the outcome is unknown.
#[derive(Debug)]
struct Job {
    message: Outgoing,
    done: oneshot::Sender<Result<(), PublishError>>,
}

/// The task's ends of a publisher's channels.
struct TaskEnds {
    options: Options,
    jobs: mpsc::Receiver<Job>,
    status: watch::Sender<Status>,
    depths: watch::Sender<Option<Depths>>,
    stop: CancellationToken,
}

/// Why a connection was left.
enum Ending {
    Stopped,
    Lost(String),
}

impl Publisher {
    /// Starts the task that owns the connection and reconnects by itself.
    ///
    /// # Panics
    /// Outside a tokio runtime.
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
        let ends = TaskEnds {
            options,
            jobs: queue,
            status: status_out,
            depths: depths_out,
            stop: publisher.stop.clone(),
        };
        publisher.task.spawn(owner::run(address, ends));
        publisher.task.close();
        publisher
    }

    /// Publishes and waits for the confirmation. Many calls at once are fast; one after another they are slow.
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

    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// How full the queues are, about once a second; `None` while that is not known.
    pub fn depths(&self) -> watch::Receiver<Option<Depths>> {
        self.depths.clone()
    }

    /// Accepts no more, waits for what is in flight, closes the connection. Some seconds at most.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.task.wait().await;
    }
}

impl Job {
    fn refuse(self) {
        // The receiver is gone where the caller has timed out.
        let _ = self.done.send(Err(PublishError::Unavailable));
    }
}

impl TaskEnds {
    fn disconnected(&self, reason: &str) {
        self.depths.send_replace(None);
        Status::Disconnected(reason.into()).publish(&self.status);
    }
}

impl Drop for TaskEnds {
    /// Also after a panic of the task: the last status would be wrong.
    fn drop(&mut self) {
        self.disconnected("its task has ended");
    }
}
