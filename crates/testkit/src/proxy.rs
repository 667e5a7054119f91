//! A line between a program and what it talks to, which can be slowed down, cut, and made to swallow everything.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const LISTEN_AGAIN_AFTER: Duration = Duration::from_millis(20);
const PIECE: usize = 16 * 1024;

/// How a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Everything passes.
    Open,
    /// Each piece of a conversation comes so much later.
    Slow(Duration),
    /// Conversations are broken off, and nobody takes new ones.
    Cut,
    /// Half-open: conversations stay, new ones begin, and nothing comes through. Afterwards those that lost something
    /// are broken off.
    Mute,
}

/// A TCP proxy on the loopback. It ends, and its conversations with it, when this value is dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    line: watch::Sender<Line>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Begins to listen on a port, for these targets in turn. One that does not take a conversation is passed over.
    ///
    /// # Errors
    /// Where the port is taken.
    pub async fn start(port: u16, targets: Vec<SocketAddr>) -> io::Result<Self> {
        let listener = listen(port).await?;
        let port = listener.local_addr()?.port();
        let (line, lines) = watch::channel(Line::Open);
        let accepting = tokio::spawn(accept(listener, port, Arc::new(Targets::new(targets)), lines));
        Ok(Self {
            port,
            line,
            accepting,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Makes the line so, at once and for all conversations.
    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.set(Line::Cut);
        self.accepting.abort();
    }
}

struct Targets {
    addresses: Vec<SocketAddr>,
    next: AtomicUsize,
}

impl Targets {
    fn new(addresses: Vec<SocketAddr>) -> Self {
        Self {
            addresses,
            next: AtomicUsize::new(0),
        }
    }

    async fn connect(&self) -> Option<TcpStream> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.addresses.len();
        let in_turn = self
            .addresses
            .iter()
            .cycle()
            .skip(first % count.max(1))
            .take(count);
        for address in in_turn {
            if let Ok(stream) = TcpStream::connect(address).await {
                return Some(stream);
            }
        }
        None
    }
}

async fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

async fn accept(listener: TcpListener, port: u16, targets: Arc<Targets>, mut line: watch::Receiver<Line>) {
    let mut listener = Some(listener);
    loop {
        let now = *line.borrow_and_update();
        if now == Line::Cut {
            // Nobody listens: connections are refused, not merely broken off.
            listener = None;
            if line.changed().await.is_err() {
                return;
            }
            continue;
        }
        let Some(open) = &listener else {
            listener = listen(port).await.ok();
            if listener.is_none() {
                tokio::time::sleep(LISTEN_AGAIN_AFTER).await;
            }
            continue;
        };
        tokio::select! {
            accepted = open.accept() => if let Ok((client, _)) = accepted {
                tokio::spawn(converse(client, Arc::clone(&targets), line.clone()));
            },
            changed = line.changed() => if changed.is_err() { return },
        }
    }
}

async fn converse(mut client: TcpStream, targets: Arc<Targets>, mut line: watch::Receiver<Line>) {
    let _ = client.set_nodelay(true);
    if *line.borrow_and_update() == Line::Mute {
        while *line.borrow_and_update() == Line::Mute && line.changed().await.is_ok() {}
        break_off(&client);
        return;
    }
    let Some(mut server) = targets.connect().await else {
        break_off(&client);
        return;
    };
    let _ = server.set_nodelay(true);
    let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
    tokio::select! {
        () = carry(from_client, to_server, line.clone()) => {}
        () = carry(from_server, to_client, line) => {}
    }
}

/// Lets a connection end with a reset: nobody waits for what was under way.
fn break_off(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

/// Carries one direction until it ends or is broken off.
async fn carry(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut line: watch::Receiver<Line>) {
    let (mut buffer, mut has_lost) = (vec![0; PIECE], false);
    loop {
        let now = *line.borrow_and_update();
        if now == Line::Cut || (has_lost && now != Line::Mute) {
            break_off(from.as_ref());
            break_off(to.as_ref());
            return;
        }
        let read = tokio::select! {
            read = from.read(&mut buffer), if !has_lost => read,
            _ = line.changed() => continue,
        };
        // The line may have changed while nothing was said. A good-bye is swallowed too.
        let now = *line.borrow();
        match now {
            Line::Mute => has_lost = true,
            Line::Cut => {}
            Line::Slow(_) | Line::Open => {
                if let Line::Slow(delay) = now {
                    tokio::time::sleep(delay).await;
                }
                let piece = read
                    .ok()
                    .and_then(|length| buffer.get(..length))
                    .unwrap_or_default();
                if piece.is_empty() || to.write_all(piece).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// A server that says everything twice, and a line to it.
    async fn line_to_an_echo() -> Proxy {
        let listener = listen(0).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (mut from, mut to) = stream.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut from, &mut to).await });
            }
        });
        Proxy::start(0, vec![address]).await.unwrap()
    }

    /// What comes back, within a fifth of a second; an error where the conversation was broken off.
    async fn say(stream: &mut TcpStream, word: &[u8; 4]) -> Option<io::Result<[u8; 4]>> {
        let mut heard = [0; 4];
        let talking = async {
            stream.write_all(word).await?;
            stream.read_exact(&mut heard).await?;
            Ok(heard)
        };
        tokio::time::timeout(Duration::from_millis(200), talking)
            .await
            .ok()
    }

    #[tokio::test]
    async fn what_is_said_comes_through_and_later_where_the_line_is_slow() {
        let proxy = line_to_an_echo().await;
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();

        assert_eq!(say(&mut stream, b"once").await.unwrap().unwrap(), *b"once");
        proxy.set(Line::Slow(Duration::from_millis(40)));
        let begun = Instant::now();
        assert_eq!(say(&mut stream, b"slow").await.unwrap().unwrap(), *b"slow");

        assert!(begun.elapsed() >= Duration::from_millis(80), "both ways");
    }

    #[tokio::test]
    async fn a_line_that_is_cut_breaks_off_and_refuses_until_it_is_restored() {
        let proxy = line_to_an_echo().await;
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        say(&mut stream, b"once").await.unwrap().unwrap();

        proxy.set(Line::Cut);

        let mut rest = Vec::new();
        assert!(stream.read_to_end(&mut rest).await.is_err(), "reset");
        let again = TcpStream::connect(proxy.address()).await;
        assert_eq!(again.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        proxy.set(Line::Open);
        let connected = async {
            loop {
                if let Ok(stream) = TcpStream::connect(proxy.address()).await {
                    return stream;
                }
                tokio::task::yield_now().await;
            }
        };
        assert_eq!(
            say(&mut connected.await, b"back").await.unwrap().unwrap(),
            *b"back"
        );
    }

    #[tokio::test]
    async fn a_mute_line_swallows_and_then_breaks_off_what_has_lost_something() {
        let proxy = line_to_an_echo().await;
        let mut talks = TcpStream::connect(proxy.address()).await.unwrap();
        let mut waits = TcpStream::connect(proxy.address()).await.unwrap();
        for stream in [&mut talks, &mut waits] {
            say(stream, b"once").await.unwrap().unwrap();
        }

        proxy.set(Line::Mute);

        assert!(say(&mut talks, b"lost").await.is_none());
        let mut begins = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(say(&mut begins, b"lost").await.is_none());
        proxy.set(Line::Open);
        assert!(say(&mut talks, b"gone").await.unwrap().is_err());
        assert!(say(&mut begins, b"gone").await.unwrap().is_err());
        assert_eq!(say(&mut waits, b"well").await.unwrap().unwrap(), *b"well");
    }

    #[tokio::test]
    async fn a_target_that_is_away_is_passed_over() {
        let echo = line_to_an_echo().await;
        let away = listen(0).await.unwrap().local_addr().unwrap();
        let proxy = Proxy::start(0, vec![away, echo.address()]).await.unwrap();

        for _ in 0..2 {
            let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
            assert_eq!(say(&mut stream, b"hear").await.unwrap().unwrap(), *b"hear");
        }
    }
}
