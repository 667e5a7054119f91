//! Closes idle connections that actix does not: its header timeout covers only the first request of a connection, and it
//! drains an abandoned chunked body without a limit.

use std::any::Any;
use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::TRANSFER_ENCODING;
use actix_web::middleware::Next;
use actix_web::web::Data;
use tokio::time::MissedTickBehavior;

use crate::Stop;
use crate::lock;

/// How long a connection may be idle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For the head of a request.
    pub(super) head: Duration,
    /// Between an answer and the next request.
    pub(super) keep_alive: Duration,
}

/// All that are open; clones share them.
#[derive(Clone, Default)]
pub(super) struct Connections {
    open: Arc<Mutex<HashMap<u64, Arc<Connection>>>>,
    next_id: Arc<AtomicU64>,
}

struct Connection {
    /// A second handle, by which the connection can be ended from outside.
    socket: TcpStream,
    state: Mutex<State>,
}

struct State {
    in_hand: usize,
    since: Instant,
    was_chunked: bool,
}

/// The server keeps this with a connection and drops it with the connection.
struct Seat {
    id: u64,
    connection: Arc<Connection>,
    connections: Connections,
}

/// A request in hand.
struct InHand(Arc<Connection>);

impl Connections {
    pub(super) fn welcome(&self, connection: &dyn Any, data: &mut Extensions) {
        let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>() else {
            return;
        };
        // Without a second handle, for want of descriptors, the server's own timers have to do.
        let Ok(handle) = stream.as_fd().try_clone_to_owned() else {
            return;
        };
        let connection = Arc::new(Connection {
            socket: handle.into(),
            state: Mutex::new(State {
                in_hand: 0,
                since: Instant::now(),
                was_chunked: false,
            }),
        });
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(id, Arc::clone(&connection));
        data.insert(Seat {
            id,
            connection,
            connections: self.clone(),
        });
    }

    /// Closes connections that are idle for too long; never ends.
    pub(super) async fn watch(self, patience: Patience) {
        let mut ticks = tokio::time::interval(patience.head / 10);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            for connection in self.lock().values() {
                if connection.is_too_long_for(patience) {
                    // An error means that it is closed already.
                    let _ = connection.socket.shutdown(Shutdown::Both);
                }
            }
        }
    }

    /// Closes every connection without a request in hand.
    pub(super) fn cut_off_idle(&self) {
        for connection in self.lock().values() {
            if connection.lock().in_hand == 0 {
                let _ = connection.socket.shutdown(Shutdown::Both);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        lock(&self.open)
    }
}

impl Connection {
    fn is_too_long_for(&self, patience: Patience) -> bool {
        let state = self.lock();
        let longest = if state.was_chunked {
            patience.head
        } else {
            patience.keep_alive + patience.head
        };
        state.in_hand == 0 && state.since.elapsed() > longest
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl InHand {
    fn begin(connection: Arc<Connection>, is_chunked: bool) -> Self {
        let mut state = connection.lock();
        state.in_hand += 1;
        state.was_chunked = is_chunked;
        drop(state);
        Self(connection)
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.in_hand -= 1;
        state.since = Instant::now();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.connections.lock().remove(&self.id);
    }
}

/// Notes that a connection's request is in hand, and when it no longer is. While the process stops each is the last one of
/// its connection.
pub(super) async fn note_request(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let seat = request.request().conn_data::<Seat>();
    let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let _in_hand = seat.map(|seat| InHand::begin(Arc::clone(&seat.connection), is_chunked));
    let stop = request.app_data::<Data<Stop>>().cloned();
    let mut response = next.call(request).await?;
    if stop.is_some_and(|stop| stop.is_stopped()) {
        response
            .response_mut()
            .head_mut()
            .set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}
