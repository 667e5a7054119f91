//! Opening and closing connections, each step within a time-out.

use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use async_compat::Compat;
use domain::backoff::Backoff;
use domain::error_chain::chain;
use lapin::tcp::RustlsConnector;
use lapin::uri::{AMQPAuthority, AMQPUri};
use lapin::{AsyncTcpStream, Connection, ConnectionProperties};
use outbound::NoAuthorities;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::runtime::Handle;

use crate::Address;

/// For each exchange with RabbitMQ while a connection is opened or closed.
const STEP_TIMEOUT: Duration = Duration::from_secs(5);

/// For one of several nodes: another one may answer at once.
const TIMEOUT_OF_SEVERAL: Duration = Duration::from_secs(2);

/// Longer than the liveness probe needs to give a connection up.
#[cfg(target_os = "linux")]
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(7);

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("cannot connect to RabbitMQ at {address}")]
    Refused {
        address: Address,
        #[source]
        cause: lapin::Error,
    },
    /// The URL asks for TLS, and no certificate authority is trusted.
    #[error("cannot connect to RabbitMQ at {address}")]
    NoAuthorities {
        address: Address,
        #[source]
        cause: NoAuthorities,
    },
    /// After 5 s; after 2 s where another node was tried next.
    #[error("RabbitMQ at {0} did not answer in time")]
    TimedOut(Address),
}

/// A connection that is closed when its owner drops it, whatever else still holds a part of it.
///
/// lapin closes a connection when its last channel is dropped. A request that we no longer wait for keeps its channel until RabbitMQ
/// answers. If the request was `basic.consume`, the late answer starts a consumer without a reader: RabbitMQ gives it deliveries, and
/// they stay there until the process ends.
pub(crate) struct Owned(Arc<Connection>);

impl Deref for Owned {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if self.0.status().connected() {
            let connection = Arc::clone(&self.0);
            runtime.spawn(async move { close(&connection).await });
        }
    }
}

/// Opens a connection that recovers nothing by itself: its owner opens a new one, and so knows what was lost.
///
/// Of several nodes one is drawn, so that the connections spread over them; the others are tried after it. The error is that of the
/// last one.
pub(crate) async fn open(address: &Address, name: &str) -> Result<Owned, ConnectError> {
    let (connection, _) = open_to_node(address, name).await?;
    Ok(connection)
}

/// As [`open`]; returns also the node that the connection leads to.
pub(crate) async fn open_to_node(address: &Address, name: &str) -> Result<(Owned, String), ConnectError> {
    let mut nodes = address.nodes(rand::random_range(..usize::MAX));
    let last = nodes.pop();
    for node in &nodes {
        match open_at(node, name, TIMEOUT_OF_SEVERAL).await {
            Ok(connection) => return Ok((connection, node.node())),
            Err(error) => log::debug!(error = chain(&error); "a node of RabbitMQ cannot be used"),
        }
    }
    let last = last.as_ref().unwrap_or(address);
    let connection = open_at(last, name, STEP_TIMEOUT).await?;
    Ok((connection, last.node()))
}

async fn open_at(address: &Address, name: &str, time: Duration) -> Result<Owned, ConnectError> {
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let tls = tls(address).map_err(|cause| ConnectError::NoAuthorities {
        address: address.clone(),
        cause,
    })?;
    let opening = connect(address.to_uri(), tls, properties);
    match tokio::time::timeout(time, opening).await {
        Ok(opened) => opened
            .map(|connection| Owned(Arc::new(connection)))
            .map_err(|cause| ConnectError::Refused {
                address: address.clone(),
                cause,
            }),
        Err(_) => Err(ConnectError::TimedOut(address.clone())),
    }
}

fn tls(address: &Address) -> Result<Option<RustlsConnector>, NoAuthorities> {
    let Some(authorities) = address.authorities() else {
        return Ok(None);
    };
    Ok(Some(authorities.client_config()?.into()))
}

async fn connect(
    uri: AMQPUri,
    tls: Option<RustlsConnector>,
    properties: ConnectionProperties,
) -> lapin::Result<Connection> {
    // lapin's own TLS would trust the authorities that it was built with; it reads them even for a connection without TLS,
    // which takes 10 MB of memory each time.
    let connect = async move |uri: AMQPUri, runtime| {
        let AMQPAuthority { host, port, .. } = &uri.authority;
        let addresses: Vec<_> = tokio::net::lookup_host((host.as_str(), *port)).await?.collect();
        let stream: AsyncTcpStream<Compat<TcpStream>> =
            AsyncTcpStream::connect(&runtime, addresses.as_slice()).await?;
        if let AsyncTcpStream::Plain(socket) = &stream {
            give_up_silent(&SockRef::from(socket.get_ref()))?;
        }
        match &tls {
            Some(tls) => Ok(stream.into_rustls(tls, host).await?),
            None => Ok(stream),
        }
    };
    Connection::connector(uri, lapin::runtime::default_runtime()?, connect, properties).await
}

/// A host that vanished never answers that a connection is closed, and lapin would wait for it for ever: the kernel closes the
/// socket when nothing has been acknowledged for [`ACKNOWLEDGED_WITHIN`].
#[cfg(target_os = "linux")]
fn give_up_silent(socket: &SockRef<'_>) -> std::io::Result<()> {
    socket.set_tcp_user_timeout(Some(ACKNOWLEDGED_WITHIN))
}

/// Other systems have their own times for it.
#[cfg(not(target_os = "linux"))]
fn give_up_silent(_: &SockRef<'_>) -> std::io::Result<()> {
    Ok(())
}

/// Closes a connection, within 2 s: a blocked one never answers.
pub(crate) async fn close(connection: &Connection) {
    let closing = connection.close(200, "OK".into());
    match tokio::time::timeout(Duration::from_secs(2), closing).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            log::debug!(error = error.to_string(); "the connection was gone before it was closed")
        }
        Err(_) => log::debug!("RabbitMQ did not answer that the connection is closed"),
    }
}

/// Why the connection to this node was lost, for the status.
pub(crate) fn lost(node: &str, reason: &str) -> String {
    format!("node {node}: {reason}")
}

/// The random pause before the next attempt.
pub(crate) fn pause(failures: u32) -> Duration {
    Backoff::RECONNECT.pause(failures, rand::random())
}

/// `None` after 5 s.
pub(crate) async fn in_time<F: Future>(step: F) -> Option<F::Output> {
    tokio::time::timeout(STEP_TIMEOUT, step).await.ok()
}
