//! A booking platform's API, as `processor` asks it: a small HTTP server that answers as a test says and remembers what it was
//! asked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// A request that came in.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET /reservations/BK-1`.
    pub line: String,
    /// By their names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// How a request is answered.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    not_before: Option<Arc<Notify>>,
}

impl Reply {
    pub fn json(body: impl ToString) -> Self {
        Self::new(200, body)
    }

    pub fn status(status: u16) -> Self {
        Self::new(status, "")
    }

    pub fn new(status: u16, body: impl ToString) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.to_string(),
            not_before: None,
        }
    }

    #[must_use]
    pub fn with(mut self, header: &'static str, value: impl ToString) -> Self {
        self.headers.push((header, value.to_string()));
        self
    }

    /// Answers when this was notified.
    #[must_use]
    pub fn after(mut self, sign: &Arc<Notify>) -> Self {
        self.not_before = Some(Arc::clone(sign));
        self
    }
}

/// A platform that listens until it is dropped.
#[derive(Debug)]
pub struct Platform {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    _task: JoinSet<()>,
}

impl Platform {
    /// # Panics
    /// If no port is free.
    pub async fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap_or_else(|error| panic!("no port: {error}"));
        let address = listener
            .local_addr()
            .unwrap_or_else(|error| panic!("no address: {error}"));
        let (asked, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answer));
        let mut task = JoinSet::new();
        let seen = Arc::clone(&asked);
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                connections.spawn(async move {
                    // A client that has gone wants no answer.
                    let _ = serve(stream, |asked| {
                        let reply = answer(&asked);
                        service::lock(&seen).push(asked);
                        reply
                    })
                    .await;
                });
            }
        });
        Self {
            address,
            asked,
            _task: task,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything it was asked, in its order.
    pub fn asked(&self) -> Vec<Asked> {
        service::lock(&self.asked).clone()
    }

    /// The first lines of the requests.
    pub fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }
}

async fn serve(mut stream: TcpStream, answer: impl FnOnce(Asked) -> Reply) -> std::io::Result<()> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4_096]);
    let asked = loop {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
        if let Some(asked) = whole(&bytes) {
            break asked;
        }
    };
    let reply = answer(asked);
    if let Some(sign) = &reply.not_before {
        sign.notified().await;
    }
    let mut head = format!("HTTP/1.1 {} Status\r\n", reply.status);
    for (name, value) in &reply.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let _ = write!(
        head,
        "content-length: {}\r\nconnection: close\r\n\r\n",
        reply.body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(reply.body.as_bytes()).await?;
    stream.shutdown().await
}

/// The request, once all of it has come.
fn whole(bytes: &[u8]) -> Option<Asked> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers
        .get("content-length")
        .map_or(Ok(0), |text| text.parse())
        .ok()?;
    (body.len() >= length).then(|| Asked {
        line,
        headers,
        body: body.to_owned(),
    })
}
