//! The sandbox as a running server.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpServer, web};
use service::Stop;
use service::health::Readiness;
use service::metrics::Metrics;
use tokio::task::JoinHandle;

use crate::connection::Connection;
use crate::emulator::Emulator;
use crate::outbox::{Outbox, Tally};
use crate::routes;
use crate::settings::Settings;

const KEEP_ALIVE: Duration = Duration::from_secs(75);
const DRAIN_SECONDS: u64 = 5;

/// Ends with its stop.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    server: JoinHandle<io::Result<()>>,
}

impl Sandbox {
    /// With the real port, also where port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base of its Graph API, for `WHATSAPP_API_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits for the stop, and until pending calls are answered.
    pub async fn finished(self) -> io::Result<()> {
        self.server.await.map_err(io::Error::other)?
    }
}

/// Starts serving on the current runtime, which must be multi-threaded.
pub fn start(settings: Settings, stop: &Stop) -> io::Result<Sandbox> {
    let listener = TcpListener::bind(settings.address).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("cannot listen on {}: {error}", settings.address),
        )
    })?;
    let address = listener.local_addr()?;
    let metrics = Metrics::new("sandbox", env!("CARGO_PKG_VERSION")).map_err(io::Error::other)?;
    let tally = Tally::new(&metrics).map_err(io::Error::other)?;
    let calls = metrics
        .counters(
            "sandbox_calls_total",
            "Calls of the messages endpoint.",
            &["result"],
        )
        .map_err(io::Error::other)?;
    let outbox = Outbox::start(settings.callback.clone(), tally, stop)?;
    let emulator = Arc::new(Emulator::new(settings, outbox, calls));
    let health = service::http::endpoints(Readiness::new(), metrics);
    let data = web::Data::new(routes::State {
        emulator,
        stop: stop.clone(),
    });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .configure(health.clone())
            .configure(routes::configure)
    })
    .keep_alive(KEEP_ALIVE)
    .on_connect(Connection::keep_handle)
    .shutdown_signal(stop.stopped_owned())
    .shutdown_timeout(DRAIN_SECONDS)
    .listen(listener)?
    .run();
    log::info!(event = "listening", address:% = address; "listening");
    Ok(Sandbox {
        address,
        server: tokio::spawn(server),
    })
}
