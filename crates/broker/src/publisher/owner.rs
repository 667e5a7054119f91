//! The task that owns a publisher's connection: it connects, lets a [`Session`] work, and reconnects when that ends.

use std::future::Future;

use domain::error_chain::chain;
use lapin::options::ConfirmSelectOptions;

use super::session::Session;
use super::{Ending, TaskEnds};
use crate::Address;
use crate::connection::{self, ConnectError, Owned, in_time};
use crate::status::Status;
use crate::topology::{self, TopologyError};

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

struct Opened {
    connection: Owned,
    session: Session,
    /// Where the connection leads.
    node: String,
}

pub(super) async fn run(address: Address, mut ends: TaskEnds) {
    let mut failures = 0;
    while !ends.stop.is_cancelled() {
        let name = ends.options.name.clone();
        let reason = match refusing_until(&mut ends, open(&address, &name)).await {
            None => break,
            Some(Ok(Opened {
                connection,
                session,
                node,
            })) => {
                log::info!(event = "publishing", node, address = address.to_string();
                    "publishing to RabbitMQ");
                failures = 0;
                match serve(&mut ends, connection, session, &node).await {
                    Ending::Stopped => break,
                    Ending::Lost(reason) => reason,
                }
            }
            Some(Err(error)) => chain(&error),
        };
        failures += 1;
        // Only `debug`: each attempt fails alike, and the program logs every change of the status.
        log::debug!(address = address.to_string(), failures = failures, error = reason; "cannot publish to RabbitMQ");
        ends.disconnected(&reason);
        let pause = tokio::time::sleep(connection::pause(failures));
        if refusing_until(&mut ends, pause).await.is_none() {
            break;
        }
    }
}

/// Refuses all jobs until `awaited` ends; `None` when it is time to stop.
async fn refusing_until<F: Future>(ends: &mut TaskEnds, awaited: F) -> Option<F::Output> {
    tokio::pin!(awaited);
    loop {
        tokio::select! {
            output = &mut awaited => return Some(output),
            () = ends.stop.cancelled() => return None,
            job = ends.jobs.recv() => job?.refuse(),
        }
    }
}

async fn open(address: &Address, name: &str) -> Result<Opened, OpenError> {
    let (connection, node) = connection::open_to_node(address, name).await?;
    topology::verify_on(&connection).await?;
    let channels = async {
        let publishing = connection.create_channel().await?;
        publishing.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok((publishing, connection.create_channel().await?))
    };
    let (publishing, probing) = in_time(channels)
        .await
        .ok_or(OpenError::TimedOut)?
        .map_err(OpenError::Channel)?;
    let session = Session::new(&connection, publishing, probing);
    Ok(Opened {
        connection,
        session,
        node,
    })
}

async fn serve(ends: &mut TaskEnds, connection: Owned, mut session: Session, node: &str) -> Ending {
    Status::Connected.publish(&ends.status);
    let ending = match session.run(ends).await {
        Ending::Lost(reason) => Ending::Lost(connection::lost(node, &reason)),
        Ending::Stopped => Ending::Stopped,
    };
    if let Ending::Lost(reason) = &ending {
        // First the status, then the callers that dropping the session leaves unanswered: they must not retry at once.
        ends.disconnected(reason);
        drop(session);
        // Closes it in the background: a lost one may never confirm that.
        drop(connection);
    } else {
        // The channels go with the connection: closing each of them too would cross its closing.
        connection::close(&connection).await;
        drop(session);
    }
    ending
}
