//! Sends due messages over the WhatsApp Cloud API and records the result of each call.
//!
//! Start with [`pipeline`]: it knows the order of the stages ([`prepare`], [`claim`], [`call`], [`record`]), which pass
//! the values of [`stages`] on and share the [`context`]. [`consume`] feeds it with ids from RabbitMQ. Beside it run
//! [`holds`] (maintenance of holds), [`reconcile`] (calls without a known outcome) and [`reconnect`] (while WhatsApp
//! cannot be reached). Any number of senders may run at once: the claim gives one of them the right to a call.

mod call;
mod claim;
mod consume;
mod context;
mod foreign_answers;
mod holds;
mod metrics;
mod pipeline;
mod prepare;
mod probe;
mod rate_limit;
mod reachability;
mod reconcile;
mod reconnect;
mod record;
mod retry;
mod settings;
mod stages;
pub mod steps;
mod telemetry;
mod unrecorded;
mod upkeep;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ::settings::{Resolve, Watched};
use broker::consumer::Consumer;
use broker::publisher::{Options, Publisher};
use broker::topology::{Depths, Queue};
use domain::after_call::RetryPolicy;
use service::health::Readiness;
use service::http::Serving;
use service::metrics::Metrics;
use service::{Failure, Problems, Stop};
use store::Store;
use tokio::sync::watch;
use tokio::task::JoinSet;
use whatsapp::client::{Client, DEFAULT_TIMEOUT};

use crate::context::Sender;
use crate::foreign_answers::ForeignAnswers;
use crate::metrics::SenderMetrics;
use crate::probe::Probes;
use crate::rate_limit::RateLimits;
use crate::reachability::Reachability;
use crate::unrecorded::Unrecorded;

pub use crate::settings::{HELP, Settings};

/// Several batches claim and record at the same time.
const CONNECTIONS: u32 = 8;

/// A running sender; it ends when its stop does.
pub struct Running {
    serving: Serving,
    tasks: JoinSet<()>,
    publisher: Publisher,
}

impl Running {
    /// Where health and metrics are served.
    pub fn address(&self) -> SocketAddr {
        self.serving.address()
    }

    /// Waits until the stop came and the calls in hand are recorded.
    pub async fn finished(mut self) -> Result<(), Failure> {
        while let Some(ended) = self.tasks.join_next().await {
            ended.map_err(anyhow::Error::from)?;
        }
        self.publisher.stop().await;
        Ok(self.serving.finished().await?)
    }
}

/// Starts the sender. Servers that are away, and a schema that is not there yet, are waited for.
pub async fn start(settings: Settings, stop: Stop) -> Result<Running, Failure> {
    let metrics = Metrics::new("sender", env!("CARGO_PKG_VERSION")).map_err(anyhow::Error::from)?;
    let address = settings.amqp_address.clone();
    let sender = Arc::new(assemble(&settings, &metrics, &stop)?);
    let readiness = Readiness::new();
    readiness.expect(upkeep::POSTGRES);
    let publisher = Publisher::start(address.clone(), Options::named("bellhop sender"));
    let consumer = Consumer::new(address, Queue::Messages, consume::PREFETCH, publisher.clone());
    let serving = service::http::serve_health(settings.address, &readiness, &metrics, &stop)?;
    let mut tasks = JoinSet::new();
    tasks.spawn(upkeep::watch_files(
        Arc::clone(&sender),
        readiness.clone(),
        stop.clone(),
    ));
    tasks.spawn(upkeep::watch_postgres(
        Arc::clone(&sender),
        readiness.clone(),
        stop.clone(),
    ));
    for (status, condition) in [
        (publisher.status(), upkeep::BROKER),
        (consumer.status(), upkeep::QUEUE),
    ] {
        tasks.spawn(upkeep::watch_broker(
            status,
            condition,
            readiness.clone(),
            stop.clone(),
        ));
    }
    tasks.spawn(reconnect::run(
        Arc::clone(&sender),
        readiness.clone(),
        stop.clone(),
    ));
    tasks.spawn(upkeep::tell_health(Arc::clone(&sender), readiness, stop.clone()));
    tasks.spawn(upkeep::look_for_keys(Arc::clone(&sender), stop.clone()));
    tasks.spawn(work(sender, consumer, publisher.depths(), stop));
    Ok(Running {
        serving,
        tasks,
        publisher,
    })
}

/// Everything that needs Postgres, from when there is a schema that this program knows.
async fn work(sender: Arc<Sender>, consumer: Consumer, depths: watch::Receiver<Option<Depths>>, stop: Stop) {
    tokio::select! {
        () = stop.stopped() => return,
        known = sender.store.schema_known() => if let Err(error) = known {
            return stop.stop_for(Problems::one("DATABASE_URL", error));
        }
    }
    let called_last = Stop::manual();
    let calling = async {
        consume::run(Arc::clone(&sender), consumer, stop.clone()).await;
        called_last.stop();
    };
    tokio::join!(
        calling,
        record::run(Arc::clone(&sender), called_last.clone()),
        reconcile::run(Arc::clone(&sender), depths, stop.clone()),
        holds::run(Arc::clone(&sender), stop.clone()),
    );
}

fn assemble(settings: &Settings, metrics: &Metrics, stop: &Stop) -> Result<Sender, Failure> {
    let environment = settings.environment.clone();
    let files = Watched::start(
        &settings.config,
        Box::new(move |name| environment.get(name).map(str::to_owned)),
        Some(Arc::clone(&settings.ring)),
        Resolve::AccessTokens,
    )
    .map_err(|error| Problems::one("BELLHOP_CONFIG", service::chain(&error)))?;
    let whatsapp = whatsapp(settings)?;
    Ok(Sender {
        store: Store::new(&settings.database_url, CONNECTIONS, "sender"),
        ring: Arc::clone(&settings.ring),
        files: Arc::new(files),
        whatsapp,
        rate_limits: RateLimits::new(settings.per_second),
        probes: Probes::default(),
        reachability: Reachability::default(),
        foreign_answers: ForeignAnswers::default(),
        unrecorded: Unrecorded::default(),
        retry_policy: RetryPolicy::default(),
        probe_after: settings.probe_after,
        silence_policy: settings.silence_policy,
        metrics: SenderMetrics::new(metrics).map_err(anyhow::Error::from)?,
        held_by_old_files: AtomicBool::new(false),
        stop: stop.clone(),
    })
}

fn whatsapp(settings: &Settings) -> Result<Client, Problems> {
    let (url, outbound) = (&settings.whatsapp_url, &settings.outbound);
    if let Some(proxy) = outbound.proxy_for(url) {
        log::info!(proxy:% = proxy; "WhatsApp is called through a proxy");
    }
    Client::through(outbound, url, &settings.whatsapp_version, DEFAULT_TIMEOUT)
        .map_err(|error| Problems::one("WHATSAPP_API_URL", service::chain(&error)))
}
