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
mod upkeep;
mod wake_ups;
mod without_resort;
mod work;
mod writers;

use std::net::SocketAddr;
use std::sync::Arc;

use ::settings::{Resolve, Watched};
use broker::consumer::Consumer;
use broker::publisher::{Options, Publisher};
use broker::topology::Queue;
use domain::after_call::RetryPolicy;
use domain::message_record::Judging;
use service::health::Readiness;
use service::http::Serving;
use service::metrics::Metrics;
use service::{Failure, Problems, Stop};
use store::Store;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::arrivals::Arrivals;
use crate::consume::Consuming;
use crate::metrics::ProcessorMetrics;
use crate::outage::Outage;
use crate::parked::Parked;
use crate::reading::Reading;
use crate::shared::{POSTGRES, Shared};
use crate::wake_ups::WakeUps;

pub use crate::settings::{HELP, Settings};

/// One for the batch, one for timers, one for the relay, one for what is old, one for looking around.
const CONNECTIONS: u32 = 5;

/// A running processor; it ends when its stop does.
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

    /// Waits until the stop came and the work in hand is finished.
    pub async fn finished(mut self) -> Result<(), Failure> {
        while let Some(ended) = self.tasks.join_next().await {
            ended.map_err(anyhow::Error::from)?;
        }
        self.publisher.stop().await;
        Ok(self.serving.finished().await?)
    }
}

/// Starts the processor. Servers that are away, and a schema that is not there yet, are waited for.
pub async fn start(settings: Settings, stop: Stop) -> Result<Running, Failure> {
    let metrics = Metrics::new("processor", env!("CARGO_PKG_VERSION")).map_err(anyhow::Error::from)?;
    let shared = Arc::new(share(&settings, &metrics)?);
    let address = settings.amqp_address.clone();
    let publisher = Publisher::start(address.clone(), Options::named("bellhop processor"));
    let serving = service::http::serve_health(settings.address, &shared.readiness, &metrics, &stop)?;
    let (arrivals, due) = (Arrivals::default(), Arc::new(Notify::new()));
    let prefetch = u16::try_from(2 * consume::BATCH).unwrap_or(u16::MAX);
    let consuming = Consuming {
        shared: Arc::clone(&shared),
        consumer: Consumer::new(address, Queue::Events, prefetch, publisher.clone()),
        parked: Parked::default(),
        reading: Reading::default(),
        outage: Outage::default(),
        arrivals: arrivals.clone(),
        due: Arc::clone(&due),
        stop: stop.clone(),
    };
    let waking = WakeUps {
        shared: Arc::clone(&shared),
        arrivals: arrivals.clone(),
        due: Arc::clone(&due),
        stop: stop.clone(),
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(upkeep::watch_files(Arc::clone(&shared), stop.clone()));
    tasks.spawn(upkeep::watch_postgres(Arc::clone(&shared), stop.clone()));
    for (status, condition) in [
        (publisher.status(), upkeep::BROKER),
        (consuming.consumer.status(), upkeep::QUEUE),
    ] {
        tasks.spawn(upkeep::watch_broker(
            status,
            condition,
            shared.readiness.clone(),
            stop.clone(),
        ));
    }
    tasks.spawn(upkeep::watch_arrivals(arrivals, publisher.clone(), stop.clone()));
    tasks.spawn(upkeep::tell_health(Arc::clone(&shared), stop.clone()));
    tasks.spawn(upkeep::look_for_keys(Arc::clone(&shared), stop.clone()));
    let relaying = publisher.clone();
    tasks.spawn(async move {
        await_schema(&shared.store, &stop).await;
        tokio::join!(
            consuming.run(),
            waking.run(),
            relay::run(Arc::clone(&shared), relaying, due, stop.clone()),
            retention::run(Arc::clone(&shared), stop.clone()),
            without_resort::run(Arc::clone(&shared), stop.clone()),
        );
    });
    Ok(Running {
        serving,
        tasks,
        publisher,
    })
}

/// Nothing is taken from a queue before there is a schema to put it into.
async fn await_schema(store: &Store, stop: &Stop) {
    tokio::select! {
        () = stop.stopped() => {}
        known = store.schema_known() => if let Err(error) = known {
            stop.stop_for(Problems::one("DATABASE_URL", error));
        }
    }
}

fn share(settings: &Settings, metrics: &Metrics) -> Result<Shared, Failure> {
    let counters = ProcessorMetrics::new(metrics).map_err(anyhow::Error::from)?;
    let store = Store::new(&settings.database_url, CONNECTIONS, "processor");
    let environment = settings.environment.clone();
    let files = Watched::start(
        &settings.config,
        Box::new(move |name| environment.get(name).map(str::to_owned)),
        Some(Arc::clone(&settings.ring)),
        Resolve::Nothing,
    )
    .map_err(|error| Problems::one("BELLHOP_CONFIG", service::chain(&error)))?;
    let readiness = Readiness::new();
    readiness.expect(POSTGRES);
    Ok(Shared {
        store,
        ring: Arc::clone(&settings.ring),
        settings: Arc::new(files),
        readiness,
        counters,
        judging: Judging {
            policy: RetryPolicy::default(),
            pause: settings.probe_after,
        },
    })
}
