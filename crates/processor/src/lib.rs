//! Merges events, plans, wakes bookings, relays due ids.
//!
//! [`start`] runs loops that share nothing but the database: events ([`consume`] takes them, [`applying`] gets them
//! into Postgres, [`batch`] says in which order, [`handlers`] what each means), timers ([`wake_ups`]), due messages
//! ([`relay`]), and what was held long enough ([`retention`]). Any number of processors may run at once.

mod applying;
mod arrivals;
mod batch;
mod consume;
mod decode;
mod handlers;
mod metrics;
mod notices;
mod outage;
mod parked;
mod reading;
mod rehearsal;
mod relay;
mod retention;
mod settings;
mod shared;
mod suspects;
mod wake_ups;
mod without_resort;
mod work;
mod writers;

use std::sync::Arc;
use std::time::Duration;

use ::settings::{Resolve, Watched};
use broker::Status;
use broker::consumer::Consumer;
use broker::publisher::{Options, Publisher};
use broker::topology::Queue;
use domain::after_call::RetryPolicy;
use domain::message_record::Judging;
use service::daemon::{Daemon, MissingKey, Running};
use service::health::Readiness;
use service::metrics::Metrics;
use service::{About, Failure, Problems, Stop};
use store::reseal::{self, SealedColumn};
use store::{Store, StoreError};
use tokio::sync::Notify;

use crate::arrivals::Arrivals;
use crate::consume::Consuming;
use crate::metrics::ProcessorMetrics;
use crate::outage::Outage;
use crate::parked::Parked;
use crate::reading::Reading;
use crate::shared::{POSTGRES, Shared};
use crate::wake_ups::WakeUps;

pub use crate::settings::Settings;

pub const ABOUT: About = About {
    name: "processor",
    version: env!("CARGO_PKG_VERSION"),
    about: "Merges events into bookings, wakes them, hands due messages to the senders.",
    help: settings::HELP,
};

/// One for the batch, one for timers, one for the relay, one for what is old, one for looking around.
const CONNECTIONS: u32 = 5;

/// Starts the processor. Servers that are away, and a schema that is not there yet, are waited for.
pub async fn start(settings: Settings, stop: Stop) -> Result<Running, Failure> {
    let mut daemon = Daemon::new(&ABOUT, stop)?;
    let shared = Arc::new(share(&settings, &daemon.metrics, &daemon.readiness)?);
    let publisher = Publisher::start(settings.amqp_address.clone(), Options::named("bellhop processor"));
    let prefetch = u16::try_from(2 * consume::BATCH).unwrap_or(u16::MAX);
    let consumer = Consumer::new(settings.amqp_address, Queue::Events, prefetch, publisher.clone());
    let serving = daemon.serve_health(settings.address)?;
    // The publisher's connection notices within 2 s that the server is gone or silent.
    daemon.follow("rabbitmq", publisher.status(), Status::check);
    daemon.follow("queue", consumer.status(), Status::check);
    add_parts(&mut daemon, &shared);
    add_loops(&mut daemon, &shared, consumer, &publisher);
    Ok(daemon.running(serving, async move { publisher.stop().await }))
}

fn share(settings: &Settings, metrics: &Metrics, readiness: &Readiness) -> Result<Shared, Failure> {
    let files = Watched::start(
        &settings.config,
        settings.environment.look_up(),
        Some(Arc::clone(&settings.ring)),
        Resolve::Nothing,
    )
    .map_err(|error| Problems::one("BELLHOP_CONFIG", service::chain(&error)))?;
    Ok(Shared {
        store: Store::new(&settings.database_url, CONNECTIONS, "processor"),
        ring: Arc::clone(&settings.ring),
        settings: Arc::new(files),
        readiness: readiness.clone(),
        counters: ProcessorMetrics::new(metrics)?,
        judging: Judging {
            policy: RetryPolicy::default(),
            pause: settings.probe_after,
        },
    })
}

fn add_parts(daemon: &mut Daemon, shared: &Arc<Shared>) {
    let files = Arc::clone(&shared.settings);
    daemon.refresh_files(move || {
        files.refresh().tell();
        files.current().check("resorts/")
    });
    let store = shared.store.clone();
    daemon.check(POSTGRES, move || {
        let store = store.clone();
        async move { store.check().await }
    });
    let searching = Arc::clone(shared);
    daemon.search_missing_keys(move || missing_keys(Arc::clone(&searching)));
    let shared = Arc::clone(shared);
    daemon.health_line(move |ready| {
        log::info!(
            ready,
            event = "health",
            "events.parked" = shared.counters.parked.get(),
            "wake_ups" = shared.counters.wake_up_lateness.get_sample_count(),
            "bookings.without_resort" = shared.counters.without_resort.get(),
            resorts = shared.settings.current().resorts().count();
            "health"
        );
    });
}

/// Values of bookings and events that this process cannot open.
async fn missing_keys(shared: Arc<Shared>) -> Result<Vec<MissingKey>, StoreError> {
    let places = [SealedColumn::Bookings, SealedColumn::Events];
    let found = reseal::count_without_key(&shared.store, &shared.ring, &places).await?;
    let missing = found.into_iter().map(|(place, key, values)| MissingKey {
        table: place.table(),
        key,
        values,
    });
    let gauges = &shared.counters.without_key;
    Ok(missing
        .inspect(|one| gauges.with_label_values(&[one.table]).add(one.values))
        .collect())
}

/// Every loop is a task of its own, so that none waits while another one works. None begins before there is a schema.
fn add_loops(daemon: &mut Daemon, shared: &Arc<Shared>, consumer: Consumer, publisher: &Publisher) {
    let (arrivals, due) = (Arrivals::default(), Arc::new(Notify::new()));
    let (stop, store) = (daemon.stop.clone(), shared.store.clone());
    let consuming = Consuming {
        shared: Arc::clone(shared),
        consumer,
        parked: Parked::default(),
        reading: Reading::default(),
        outage: Outage::default(),
        arrivals: arrivals.clone(),
        due: Arc::clone(&due),
        stop: stop.clone(),
    };
    let waking = WakeUps {
        shared: Arc::clone(shared),
        arrivals: arrivals.clone(),
        due: Arc::clone(&due),
        stop: stop.clone(),
    };
    let relay = relay::run(Arc::clone(shared), publisher.clone(), due, stop.clone());
    daemon.work_after(async move {
        let known = store.schema_known().await;
        known.map_err(|error| Problems::one("DATABASE_URL", error))
    });
    daemon.spawn_work("events", consuming.run());
    daemon.spawn_work("timers", waking.run());
    daemon.spawn_work("relay", relay);
    daemon.spawn_work("retention", retention::run(Arc::clone(shared), stop.clone()));
    daemon.spawn_work("without resort", without_resort::run(Arc::clone(shared), stop));
    let depths = publisher.depths();
    daemon.every("arrivals", Duration::from_secs(1), move || {
        arrivals.looked(depths.borrow().as_ref().map(|depths| depths.events));
        std::future::ready(())
    });
}
