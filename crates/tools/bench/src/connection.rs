//! One HTTP connection: a request after the other, the least that a client can do.

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Opened when it is first needed, and again where the server has closed it.
#[derive(Debug)]
pub(crate) struct Connection {
    to: SocketAddr,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    pub(crate) fn new(to: SocketAddr) -> Self {
        Self { to, open: None }
    }

    /// Sends a request, reads the whole answer and returns its status.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<StatusCode> {
        let mut open = match self.open.take().filter(|open| !open.is_closed()) {
            Some(open) => open,
            None => connect(self.to).await?,
        };
        open.ready().await?;
        let answer = open.send_request(request).await?;
        let status = answer.status();
        answer.into_body().collect().await?;
        self.open = Some(open);
        Ok(status)
    }
}

async fn connect(to: SocketAddr) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let (open, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(open)
}
