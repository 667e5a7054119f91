//! A line between a program and what it talks to, which can be slowed down, cut, made to swallow everything, and lost with
//! all that is said on it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use socket2::{SockFilter, SockRef};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const LISTEN_AGAIN_AFTER: Duration = Duration::from_millis(20);
const PIECE: usize = 16 * 1024;
/// A filter of the kernel's that lets no byte of any packet in (`BPF_RET`).
const KEEP_NOTHING: SockFilter = SockFilter::new(0x06, 0, 0, 0);

/// How a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Everything passes.
    Open,
    /// Each piece of a conversation comes so much later.
    Slow(Duration),
    /// Connections are broken off, and new ones are refused.
    Cut,
    /// Conversations stay, new ones begin, and nothing comes through. Afterwards those that lost something are broken off.
    Mute,
}

/// How a line is now.
#[derive(Debug, Clone, Copy)]
struct State {
    line: Line,
    /// How often its conversations were let die.
    deaths: usize,
}

/// A TCP proxy on the loopback. It ends, and its conversations with it, when this value is dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: watch::Sender<State>,
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
        let (state, states) = watch::channel(State {
            line: Line::Open,
            deaths: 0,
        });
        let accepting = tokio::spawn(accept(listener, port, Arc::new(Targets::new(targets)), states));
        Ok(Self {
            port,
            state,
            accepting,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Makes the line so, at once and for all conversations.
    pub fn set(&self, line: Line) {
        self.state.send_modify(|state| state.line = line);
    }

    /// Half-open: what is said now is dead for ever, as after a fail-over. Nothing comes through, no packet is
    /// acknowledged, nothing is closed. New conversations are as the line is.
    pub fn let_die(&self) {
        self.state.send_modify(|state| state.deaths += 1);
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

async fn accept(listener: TcpListener, port: u16, targets: Arc<Targets>, mut states: watch::Receiver<State>) {
    let mut listener = Some(listener);
    loop {
        let now = states.borrow_and_update().line;
        if now == Line::Cut {
            // The listener is closed: connections are refused, not merely broken off.
            listener = None;
            if states.changed().await.is_err() {
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
                tokio::spawn(converse(client, Arc::clone(&targets), states.clone()));
            },
            changed = states.changed() => if changed.is_err() { return },
        }
    }
}

async fn converse(mut client: TcpStream, targets: Arc<Targets>, mut states: watch::Receiver<State>) {
    let _ = client.set_nodelay(true);
    let is_mute = |states: &mut watch::Receiver<State>| states.borrow_and_update().line == Line::Mute;
    if is_mute(&mut states) {
        while is_mute(&mut states) && states.changed().await.is_ok() {}
        break_off(&client);
        return;
    }
    let Some(mut server) = targets.connect().await else {
        break_off(&client);
        return;
    };
    let _ = server.set_nodelay(true);
    let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
    let mut talking = states.clone();
    let deaths = talking.borrow().deaths;
    tokio::select! {
        () = carry(from_client, to_server, states.clone()) => return,
        () = carry(from_server, to_client, states) => return,
        died = talking.wait_for(|state| state.deaths > deaths) => if died.is_err() { return },
    }
    for stream in [&client, &server] {
        deafen(stream);
    }
    while talking.changed().await.is_ok() {}
}

/// From now on every packet is dropped on its arrival, as if the peer were gone.
fn deafen(stream: &TcpStream) {
    let _ = SockRef::from(stream).attach_filter(&[KEEP_NOTHING]);
}

/// Lets a connection end with a reset, without waiting for what is under way.
fn break_off(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

/// Carries one direction until it ends or is broken off.
async fn carry(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut states: watch::Receiver<State>) {
    let (mut buffer, mut has_lost) = (vec![0; PIECE], false);
    loop {
        let now = states.borrow_and_update().line;
        if now == Line::Cut || (has_lost && now != Line::Mute) {
            break_off(from.as_ref());
            break_off(to.as_ref());
            return;
        }
        let read = tokio::select! {
            read = from.read(&mut buffer), if !has_lost => read,
            _ = states.changed() => continue,
        };
        // The line may have changed while nothing was said. A good-bye is swallowed too.
        let now = states.borrow().line;
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
mod tests;
