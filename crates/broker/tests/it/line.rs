//! A line to RabbitMQ that can be cut, or die without a word.

use broker::Address;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    Open,
    /// Every conversation is broken off.
    Cut,
    /// The conversations of before stay, and nothing comes through any more; new ones are well.
    Dead,
}

/// Stands between a program and RabbitMQ.
pub(crate) struct Proxy {
    pub(crate) address: Address,
    line: watch::Sender<Line>,
}

impl Proxy {
    pub(crate) async fn start(url: &str) -> Self {
        let (front, rest) = url.split_once('@').unwrap();
        let (server, vhost) = rest.split_once('/').unwrap();
        let server = server.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (line, lines) = watch::channel(Line::Open);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(converse(client, server.clone(), lines.clone()));
            }
        });
        Self {
            address: Address::parse(&format!("{front}@127.0.0.1:{port}/{vhost}")).unwrap(),
            line,
        }
    }

    pub(crate) fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

/// Lasts until the line changes; one that dies, until it changes once more.
async fn converse(mut client: TcpStream, server: String, mut line: watch::Receiver<Line>) {
    if *line.borrow_and_update() == Line::Cut {
        return;
    }
    let mut upstream = TcpStream::connect(server).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut upstream) => {}
        _ = line.changed() => if *line.borrow_and_update() == Line::Dead {
            let _ = line.changed().await;
        }
    }
}
