//! Opening and closing connections, each step within a time-out.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use domain::backoff::Backoff;
use lapin::tcp::RustlsConnector;
use lapin::uri::{AMQPAuthority, AMQPUri};
use lapin::{AsyncTcpStream, Connection, ConnectionProperties};
use outbound::NoAuthorities;

use crate::Address;

/// How long one exchange with RabbitMQ may take while a connection is opened or closed.
const STEP_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a connection could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing answers there, or it refuses us.
    #[error("cannot connect to RabbitMQ at {address}")]
    Refused {
        /// Where.
        address: Address,
        /// What RabbitMQ or the system said.
        #[source]
        cause: lapin::Error,
    },
    /// The connection would be encrypted, and no certificate authority is trusted.
    #[error("cannot connect to RabbitMQ at {address}")]
    NoAuthorities {
        /// Where.
        address: Address,
        /// What is missing.
        #[source]
        cause: NoAuthorities,
    },
    /// It did not answer within 5 s.
    #[error("RabbitMQ at {0} did not answer in time")]
    TimedOut(Address),
}

/// A connection that recovers nothing by itself: its owner builds a new one, and so knows what was lost.
pub(crate) async fn open(address: &Address, name: &str) -> Result<Connection, ConnectError> {
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let tls = tls(address).map_err(|cause| ConnectError::NoAuthorities {
        address: address.clone(),
        cause,
    })?;
    let opening = async {
        match tls {
            None => Connection::connect_uri(address.to_uri(), properties).await,
            Some(tls) => encrypted(address.to_uri(), tls, properties).await,
        }
    };
    match tokio::time::timeout(STEP_TIMEOUT, opening).await {
        Ok(opened) => opened.map_err(|cause| ConnectError::Refused {
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

/// The library by itself would trust the authorities that it was built with.
async fn encrypted(
    uri: AMQPUri,
    tls: RustlsConnector,
    properties: ConnectionProperties,
) -> lapin::Result<Connection> {
    let connect = async move |uri: AMQPUri, runtime| {
        let AMQPAuthority { host, port, .. } = &uri.authority;
        let places: Vec<_> = tokio::net::lookup_host((host.as_str(), *port)).await?.collect();
        let stream = AsyncTcpStream::connect(&runtime, places.as_slice()).await?;
        Ok(stream.into_rustls(&tls, host).await?)
    };
    Connection::connector(uri, lapin::runtime::default_runtime()?, connect, properties).await
}

/// Says good-bye, but not for long: a blocked connection would never answer.
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

/// The pause before the next attempt, drawn at random.
pub(crate) fn pause(failures: u32) -> Duration {
    Backoff::RECONNECT.pause(failures, rand::random())
}

/// Awaits an answer, or `None` when it takes too long.
pub(crate) async fn in_time<F: Future>(step: F) -> Option<F::Output> {
    tokio::time::timeout(STEP_TIMEOUT, step).await.ok()
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
