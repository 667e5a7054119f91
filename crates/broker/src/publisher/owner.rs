//! The task that owns a publisher's connection: connects, serves, and begins again when that ends.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use lapin::options::ConfirmSelectOptions;
use lapin::{Channel, Connection};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{Job, Options, PublishError};
use crate::Address;
use crate::connection::{self, ConnectError, chain, in_time};
use crate::status::Status;
use crate::topology::{self, Depths, TopologyError};

mod session;

pub(super) struct Owner {
    pub(super) address: Address,
    pub(super) options: Options,
    pub(super) jobs: mpsc::Receiver<Job>,
    pub(super) status: watch::Sender<Status>,
    pub(super) depths: watch::Sender<Option<Depths>>,
    pub(super) stop: CancellationToken,
}

/// A connection that is ready for work: its topology verified, its first channel confirming.
struct Opened {
    connection: Connection,
    publishing: Channel,
    looking: Channel,
    depths: Depths,
}

#[derive(Debug, thiserror::Error)]
enum OpenError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Topology(#[from] TopologyError),
    #[error("cannot open a channel to RabbitMQ")]
    Channel(#[source] lapin::Error),
    #[error("RabbitMQ does not answer")]
    TimedOut,
}

/// Why a session is over.
pub(super) enum Ending {
    Stopped,
    Lost(String),
}

impl Owner {
    pub(super) async fn run(mut self) {
        let mut failures = 0;
        while !self.stop.is_cancelled() {
            let opening = open(self.address.clone(), self.options.name.clone());
            let reason = match self.refusing_until(opening).await {
                None => break,
                Some(Ok(opened)) => {
                    failures = 0;
                    match self.serve(opened).await {
                        Ending::Stopped => break,
                        Ending::Lost(reason) => reason,
                    }
                }
                Some(Err(error)) => chain(&error),
            };
            failures += 1;
            // Each attempt fails alike: a change of the status is logged where it is followed.
            log::debug!(address = self.address.to_string(), failures = failures, error = reason;
                "cannot publish to RabbitMQ");
            self.disconnected(&reason);
            let pause = tokio::time::sleep(connection::pause(failures));
            if self.refusing_until(pause).await.is_none() {
                break;
            }
        }
    }

    /// Awaits something while nothing can be published; `None` when it is time to stop.
    async fn refusing_until<F: Future>(&mut self, awaited: F) -> Option<F::Output> {
        tokio::pin!(awaited);
        loop {
            tokio::select! {
                output = &mut awaited => return Some(output),
                () = self.stop.cancelled() => return None,
                job = self.jobs.recv() => refuse(job?),
            }
        }
    }

    async fn serve(&mut self, opened: Opened) -> Ending {
        log::info!(address = self.address.to_string(); "publishing to RabbitMQ");
        self.depths.send_replace(Some(opened.depths));
        self.tell(Status::Connected);
        let connection = opened.connection;
        let mut session = session::Session::new(&connection, opened.publishing, opened.looking);
        let ending = session.run(self).await;
        if let Ending::Lost(reason) = &ending {
            // Before the unanswered are told by dropping them, so that nobody tries again at once.
            self.disconnected(reason);
            drop(session);
            // Nobody waits for the good-bye: there may be nobody to answer it.
            tokio::spawn(async move { connection::close(&connection).await });
        } else {
            // The channels go with the connection: closing each of them too would cross its good-bye.
            connection::close(&connection).await;
            drop(session);
        }
        ending
    }

    fn disconnected(&self, reason: &str) {
        self.depths.send_replace(None);
        self.tell(Status::Disconnected(Arc::from(reason)));
    }

    fn tell(&self, status: Status) {
        self.status.send_if_modified(|known| {
            let changed = *known != status;
            *known = status;
            changed
        });
    }

    /// When a confirmation is so late that the connection is taken for dead.
    fn too_late(&self) -> Duration {
        (self.options.confirm_timeout * 2).max(Duration::from_secs(10))
    }
}

impl Drop for Owner {
    /// However the task ends, also by a panic: who asks shall not be told what was true once.
    fn drop(&mut self) {
        self.disconnected("its task has ended");
    }
}

fn refuse(job: Job) {
    // Nobody listens any more when the caller's patience has ended.
    let _ = job.done.send(Err(PublishError::Unavailable));
}

async fn open(address: Address, name: String) -> Result<Opened, OpenError> {
    let connection = connection::open(&address, &name).await?;
    let depths = topology::verify_on(&connection).await?;
    let channels = async {
        let publishing = connection.create_channel().await?;
        publishing.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok((publishing, connection.create_channel().await?))
    };
    let (publishing, looking) = in_time(channels)
        .await
        .ok_or(OpenError::TimedOut)?
        .map_err(OpenError::Channel)?;
    Ok(Opened {
        connection,
        publishing,
        looking,
        depths,
    })
}
