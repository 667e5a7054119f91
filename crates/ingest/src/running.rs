//! The process, from its start to its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::web::Data;
use anyhow::Context;
use service::health::Readiness;
use service::http::{Options, Serving};
use service::{Problems, Stop, chain};
use settings::{Resolve, Watched};
use tokio::task::JoinHandle;

use crate::access::Rates;
use crate::events::Events;
use crate::metrics::Metrics;
use crate::request_log::RequestLog;
use crate::routes::{self, Meta};
use crate::settings::Settings;
use crate::state::Ingest;
use crate::upkeep;

/// A running ingest; it ends when its stop does.
pub struct Running {
    serving: Serving,
    upkeep: JoinHandle<()>,
    ingest: Data<Ingest>,
}

impl Running {
    /// Where it listens; it has the real port where port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.serving.address()
    }

    /// Waits until the stop came, the requests in hand were answered and the connection to RabbitMQ is closed.
    pub async fn finished(self) -> io::Result<()> {
        self.serving.finished().await?;
        self.upkeep.await.map_err(io::Error::other)?;
        self.ingest.events.close().await;
        self.ingest.log.finish();
        Ok(())
    }
}

/// Starts to listen. RabbitMQ may come later; until then webhooks are answered with 503.
///
/// An error that is [`Problems`] means wrong settings.
pub async fn run(settings: Settings, stop: Stop) -> anyhow::Result<Running> {
    let registry = service::metrics::Metrics::new("ingest", env!("CARGO_PKG_VERSION"))?;
    let metrics = Arc::new(Metrics::new(&registry)?);
    let readiness = Readiness::new();
    let files = Arc::new(read_files(&settings)?);
    for _ in files.current().problems() {
        metrics.refused_files.inc();
    }
    upkeep::note_files(&files, &readiness, &metrics);
    let events = Events::connect(&settings, &readiness, &metrics, &stop);
    let ingest = Data::new(Ingest {
        files,
        events,
        meta: read_meta(&settings)?,
        trusted_proxies: settings.trusted_proxies,
        rates: Rates::new(settings.whatsapp_rate),
        log: Arc::new(RequestLog::new(Arc::clone(&metrics))),
        metrics,
    });
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let serving = service::http::serve(
        Options {
            address: settings.address,
            workers,
            linger: settings.linger,
        },
        &readiness,
        &stop,
        routes::configure(ingest.clone(), readiness.clone(), registry),
    )
    .context("cannot serve")?;
    let upkeep = tokio::spawn(upkeep::run(ingest.clone(), readiness, stop));
    Ok(Running {
        serving,
        upkeep,
        ingest,
    })
}

fn read_files(settings: &Settings) -> Result<Watched, Problems> {
    let environment = settings.environment.clone();
    let look_up = Box::new(move |name: &str| environment.get(name).map(str::to_owned));
    let key_ring = Some(Arc::clone(&settings.key_ring));
    Watched::start(&settings.config, look_up, key_ring, Resolve::SourceSecrets)
        .map_err(|error| Problems::one("BELLHOP_CONFIG", chain(&error)))
}

fn read_meta(settings: &Settings) -> Result<Option<Meta>, Problems> {
    let Some(whatsapp) = &settings.whatsapp else {
        return Ok(None);
    };
    if whatsapp.verify_token.is_none() {
        log::warn!("WHATSAPP_VERIFY_TOKEN is not set: no handshake of WhatsApp will succeed");
    }
    Meta::new(whatsapp)
        .map(Some)
        .map_err(|error| Problems::one("WHATSAPP_APP_SECRETS", chain(&error)))
}
