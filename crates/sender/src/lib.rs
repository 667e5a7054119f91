//! Sends due messages over the WhatsApp Cloud API and records the result of each call.
//!
//! Start with [`pipeline`]: it knows the order of the stages ([`prepare`], [`routes`], [`claim`], [`call`], [`record`]),
//! which pass the values of [`stages`] on and share the [`context`]. [`consume`] feeds it with ids from RabbitMQ. Beside
//! it run [`presence`] (this sender's share of each number's rate), [`holds`] (maintenance of holds), [`reconcile`] (calls
//! without a known outcome) and [`reconnect`] (while WhatsApp cannot be reached). Any number of senders may run at once:
//! the claim gives one of them the right to a call.

mod call;
mod claim;
mod consume;
mod context;
mod endpoints;
mod foreign_answers;
mod guest_rate;
mod holds;
mod in_hand;
mod isolate;
mod metrics;
mod pipeline;
mod prepare;
mod presence;
mod probe;
mod rate_limit;
mod reachability;
mod reconcile;
mod reconnect;
mod record;
mod retry;
mod routes;
mod settings;
mod stages;
pub mod steps;
mod telemetry;
mod unrecorded;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ::settings::{Needs, Resolve, Watched};
use broker::Status;
use broker::consumer::Consumer;
use broker::publisher::{Options, Publisher};
use broker::topology::{Depths, Queue};
use domain::after_call::RetryPolicy;
use service::daemon::{Daemon, MissingKey, Running};
use service::metrics::Metrics;
use service::{About, Failure, Problems, Stop};
use store::reseal::{self, SealedColumn};
use store::{Connection, Store, StoreError, raised_alerts};
use tokio::sync::watch;
use traces::Spans;
use whatsapp::client::{Client, DEFAULT_TIMEOUT};

use crate::context::Sender;
use crate::endpoints::Endpoints;
use crate::foreign_answers::ForeignAnswers;
use crate::guest_rate::GuestRates;
use crate::metrics::SenderMetrics;
use crate::probe::Probes;
use crate::rate_limit::RateLimits;
use crate::reachability::Reachability;
use crate::unrecorded::Unrecorded;

pub use crate::settings::Settings;

pub const ABOUT: About = About {
    name: "sender",
    version: env!("CARGO_PKG_VERSION"),
    about: "Sends due messages over the WhatsApp Cloud API.",
    help: settings::HELP,
};

/// Preparing, claiming and recording run side by side, each in several transactions.
const CONNECTIONS: u32 = 8;

/// Starts the sender. Servers that are away, and a schema that is not there yet, are waited for.
pub async fn start(settings: Settings, stop: Stop) -> Result<Running, Failure> {
    let mut daemon = Daemon::new(&ABOUT, stop)?;
    let spans = Spans::start(settings.traces.as_ref(), &ABOUT, &daemon.metrics)?;
    let sender = Arc::new(assemble(&settings, &daemon.metrics, &daemon.stop, spans.clone())?);
    let publisher = Publisher::start(settings.amqp_address.clone(), Options::named("bellhop sender"));
    let consumer = Consumer::new(
        settings.amqp_address,
        Queue::Messages,
        consume::PREFETCH,
        publisher.clone(),
    );
    // The publisher's connection notices within 2 s that the server is gone or silent.
    daemon.follow("rabbitmq", publisher.status(), Status::check);
    daemon.follow("queue", consumer.status(), Status::check);
    add_parts(&mut daemon, &sender);
    add_loops(&mut daemon, sender, consumer, publisher.depths());
    daemon.serve_health(settings.address, async move {
        publisher.stop().await;
        spans.stop().await;
    })
}

fn assemble(settings: &Settings, metrics: &Metrics, stop: &Stop, spans: Spans) -> Result<Sender, Failure> {
    let files = Watched::start(
        &settings.config,
        settings.environment.look_up(),
        Some(Arc::clone(&settings.ring)),
        Resolve::AccessTokens,
    )
    .map_err(|error| Problems::one("BELLHOP_CONFIG", service::chain(&error)))?;
    let store = Store::new(&settings.database_url, CONNECTIONS, "sender");
    let pool = store.clone();
    metrics.pool(move || pool.connections_in_use())?;
    Ok(Sender {
        store,
        ring: Arc::clone(&settings.ring),
        files: Arc::new(files),
        whatsapp: whatsapp(settings)?,
        rate_limits: RateLimits::new(settings.per_second),
        guest_rates: GuestRates::default(),
        endpoints: Endpoints::default(),
        probes: Probes::default(),
        reachability: Reachability::default(),
        foreign_answers: ForeignAnswers::default(),
        unrecorded: Unrecorded::default(),
        retry_policy: RetryPolicy::default(),
        probe_after: settings.probe_after,
        silence_policy: settings.silence_policy,
        metrics: SenderMetrics::new(metrics)?,
        spans,
        held_by_old_files: AtomicBool::new(false),
        stop: stop.clone(),
    })
}

fn whatsapp(settings: &Settings) -> Result<Client, Problems> {
    let (url, outbound) = (&settings.whatsapp_url, &settings.outbound);
    if let Some(proxy) = outbound.proxy_for(url) {
        log::info!(proxy:% = proxy, event = "proxy_used"; "WhatsApp is called through a proxy");
    }
    Client::through(outbound, url, &settings.whatsapp_version, DEFAULT_TIMEOUT)
        .map_err(|error| Problems::one("WHATSAPP_API_URL", service::chain(&error)))
}

fn add_parts(daemon: &mut Daemon, sender: &Arc<Sender>) {
    let files = Arc::clone(&sender.files);
    daemon.refresh_files(move || {
        files.refresh().tell();
        files.current().usable(Needs::Resorts)
    });
    let store = sender.store.clone();
    daemon.check("postgres", move || {
        let store = store.clone();
        async move { store.check().await }
    });
    let searching = Arc::clone(sender);
    daemon.search_missing_keys(move || missing_keys(Arc::clone(&searching)));
    let sender = Arc::clone(sender);
    daemon.health_line(move |ready| {
        log::info!(
            ready,
            event = "health",
            "calls.in_flight" = sender.metrics.in_flight.get(),
            "calls.made" = sender.metrics.call_duration.get_sample_count(),
            "calls.lost" = sender.metrics.lost_calls.get(),
            resorts = sender.files.current().resorts().count();
            "health"
        );
    });
}

/// Values of bookings that this process cannot open.
async fn missing_keys(sender: Arc<Sender>) -> Result<Vec<MissingKey>, StoreError> {
    let found = reseal::count_without_key(&sender.store, &sender.ring, &[SealedColumn::Bookings]).await?;
    let missing = found.into_iter().map(|(place, key, values)| MissingKey {
        table: place.table(),
        key,
        values,
    });
    Ok(missing.collect())
}

/// Every loop is a task of its own, so that none waits while another one works. None that needs Postgres begins before
/// there is a schema.
fn add_loops(
    daemon: &mut Daemon,
    sender: Arc<Sender>,
    consumer: Consumer,
    depths: watch::Receiver<Option<Depths>>,
) {
    let (stop, store) = (daemon.stop.clone(), sender.store.clone());
    daemon.work_after(async move {
        let known = store.schema_known().await;
        known.map_err(|error| Problems::one("DATABASE_URL", error))
    });
    // Results are recorded until the last call has ended.
    let called_last = Stop::manual();
    let consuming = consume::run(Arc::clone(&sender), consumer, stop.clone());
    let no_more_calls = called_last.stop_on_drop();
    let recording = record::run(Arc::clone(&sender), called_last);
    daemon.spawn_work("messages", async move {
        let _no_more_calls = no_more_calls;
        consuming.await;
    });
    daemon.spawn_work("record", recording);
    daemon.spawn_work(
        "reconcile",
        reconcile::run(Arc::clone(&sender), depths, stop.clone()),
    );
    daemon.spawn_work("presence", presence::run(Arc::clone(&sender), stop.clone()));
    daemon.spawn_work("holds", holds::run(Arc::clone(&sender), stop.clone()));
    let store = sender.store.clone();
    daemon.pass_on_alerts(ABOUT.name, move |raised| {
        let store = store.clone();
        async move {
            let work = move |connection: &mut Connection| raised_alerts::record(connection, &raised);
            store.run(work).await
        }
    });
    let readiness = daemon.readiness.clone();
    daemon.spawn("reconnect", reconnect::run(sender, readiness, stop));
}
