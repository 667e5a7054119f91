//! An HTTP server that can misbehave.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// What the server does once it has read a request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Writes these bytes and keeps the connection.
    Bytes(Vec<u8>),
    /// Writes these bytes and closes the connection.
    BytesAndClose(Vec<u8>),
    /// Never answers.
    Silence,
}

impl Reply {
    pub(crate) fn http(status: u16, headers: &str, body: &str) -> Self {
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        Self::Bytes([head.as_bytes(), body.as_bytes()].concat())
    }
}

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    pub(crate) requests: Vec<String>,
}

pub(crate) struct Server {
    pub(crate) url: Url,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    /// Gives every request the same reply.
    pub(crate) async fn start(reply: Reply) -> Self {
        Self::answering(move |_, _| reply.clone()).await
    }

    /// Answers by its own address and the request.
    pub(crate) async fn answering(reply: impl Fn(&Url, &str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url: Url = format!("http://{}", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (shared, reply, own) = (Arc::clone(&seen), Arc::new(reply), url.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                let (reply, own) = (Arc::clone(&reply), own.clone());
                let reply = move |request: &str| reply(&own, request);
                tokio::spawn(converse(stream, reply, Arc::clone(&shared)));
            }
        });
        Self { url, seen }
    }

    pub(crate) fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }
}

async fn converse(mut stream: TcpStream, reply: impl Fn(&str) -> Reply, seen: Arc<Mutex<Seen>>) {
    while let Some(request) = read_request(&mut stream).await {
        let reply = reply(&request);
        seen.lock().unwrap().requests.push(request);
        match reply {
            Reply::Bytes(bytes) => stream.write_all(&bytes).await.unwrap(),
            Reply::BytesAndClose(bytes) => return stream.write_all(&bytes).await.unwrap(),
            Reply::Silence => {}
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() >= content_length(head)
        {
            return Some(text);
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

fn content_length(head: &str) -> usize {
    let head = head.to_ascii_lowercase();
    let line = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:").map(str::to_owned));
    line.map_or(0, |value| value.trim().parse().unwrap())
}
