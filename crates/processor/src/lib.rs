//! Merges events, plans, wakes bookings, relays due ids.
//!
//! [`start`] runs loops that share nothing but the database: [`events`] from the queue, [`timers`], the [`relay`] of due
//! messages, [`fetches`] from platforms, [`webhooks_out`], [`retention`], and [`without_resort`]. Any number of processors may run at once.

mod addresses;
mod alerts;
mod claimed_calls;
mod context;
mod due_ids;
mod effects;
mod events;
mod fetches;
mod figures;
mod handlers;
mod http_clients;
mod loops;
mod metrics;
mod moments;
mod notices;
mod places;
mod relay;
mod report_months;
mod retention;
mod retry_after;
mod settings;
mod source_reports;
pub mod steps;
mod telemetry;
mod timers;
mod watermark;
mod webhooks_out;
mod without_resort;

use std::sync::Arc;
use std::time::Duration;

use broker::Status;
use broker::consumer::Consumer;
use broker::publisher::{Options, Publisher};
use broker::topology::Queue;
use outbound::Outbound;
use service::daemon::{Daemon, MissingKey, Running};
use service::{About, Failure, Problems, Stop};
use store::reseal::{self, SealedColumn};
use store::{Connection, StoreError, raised_alerts};
use traces::Spans;

use crate::context::{Context, POSTGRES};
use crate::loops::Loops;

pub use crate::settings::Settings;

pub const ABOUT: About = About {
    name: "processor",
    version: env!("CARGO_PKG_VERSION"),
    about: "Merges events into bookings, wakes them, hands due messages to the senders.",
    help: settings::HELP,
};

/// Starts the processor. Servers that are away, and a schema that is not there yet, are waited for.
pub async fn start(settings: Settings, stop: Stop) -> Result<Running, Failure> {
    let mut daemon = Daemon::new(&ABOUT, stop)?;
    let mut context = Context::new(&settings, &daemon.metrics, daemon.readiness.clone())?;
    let spans = Spans::start(settings.traces.as_ref(), &ABOUT, &daemon.metrics)?;
    context.spans = spans.clone();
    let publisher = Publisher::start(settings.amqp_address.clone(), Options::named("bellhop processor"));
    context.ids = Some(context.id_publisher(publisher.clone()));
    let context = Arc::new(context);
    let prefetch = u16::try_from(2 * events::TAKEN).unwrap_or(u16::MAX);
    let consumer = Consumer::new(settings.amqp_address, Queue::Events, prefetch, publisher.clone());
    // The publisher's connection notices within 2 s that the server is gone or silent.
    daemon.follow("rabbitmq", publisher.status(), Status::check);
    daemon.follow("queue", consumer.status(), Status::check);
    add_parts(&mut daemon, &context);
    add_loops(&mut daemon, &context, (consumer, settings.outbound), &publisher);
    daemon.serve_health(settings.address, async move {
        publisher.stop().await;
        spans.stop().await;
    })
}

fn add_parts(daemon: &mut Daemon, context: &Arc<Context>) {
    let files = Arc::clone(&context.files);
    daemon.refresh_files(move || {
        files.refresh().tell();
        files.current().usable(::settings::Needs::Resorts)
    });
    let store = context.store.clone();
    daemon.check(POSTGRES, move || {
        let store = store.clone();
        async move { store.check().await }
    });
    let searching = Arc::clone(context);
    daemon.search_missing_keys(move || missing_keys(Arc::clone(&searching)));
    let context = Arc::clone(context);
    daemon.health_line(move |ready| {
        log::info!(
            ready,
            event = "health",
            "events.delayed" = context.metrics.delayed.get(),
            "timers" = context.metrics.timer_lateness.get_sample_count(),
            resorts = context.files.current().resorts().count();
            "health"
        );
    });
}

/// Values of bookings and events that this process cannot open.
async fn missing_keys(context: Arc<Context>) -> Result<Vec<MissingKey>, StoreError> {
    let places = [SealedColumn::Bookings, SealedColumn::Events];
    let found = reseal::count_without_key(&context.store, &context.ring, &places).await?;
    let missing = found.into_iter().map(|(place, key, values)| MissingKey {
        table: place.table(),
        key,
        values,
    });
    let missing: Vec<MissingKey> = missing.collect();
    context.missing_keys.set(&missing);
    Ok(missing)
}

/// Every loop is a task of its own, so that none waits while another one works. None begins before there is a schema.
fn add_loops(
    daemon: &mut Daemon,
    context: &Arc<Context>,
    (consumer, outbound): (Consumer, Outbound),
    publisher: &Publisher,
) {
    let (stop, store) = (daemon.stop.clone(), context.store.clone());
    let loops = Loops::new(context, (consumer, outbound), publisher.clone(), &stop);
    daemon.work_after(async move {
        let known = store.schema_known().await;
        known.map_err(|error| Problems::one("DATABASE_URL", error))
    });
    daemon.spawn_work("events", loops.consume.run());
    daemon.spawn_work("timers", loops.timers.run());
    daemon.spawn_work("relay", loops.relay.run(stop.clone()));
    daemon.spawn_work("fetches", claimed_calls::run(loops.fetches));
    daemon.spawn_work("webhooks out", claimed_calls::run(loops.webhooks_out));
    daemon.spawn_work("retention", loops.retention.run());
    daemon.spawn_work("figures", loops.figures.run(stop.clone()));
    daemon.spawn_work("moments", moments::run(Arc::clone(context), stop.clone()));
    daemon.spawn_work("without resort", without_resort::run(Arc::clone(context), stop));
    let reports = Arc::clone(context);
    daemon.every("source reports", Duration::from_secs(1), move || {
        let context = Arc::clone(&reports);
        async move { context.source_reports.store(&context.store).await }
    });
    let store = context.store.clone();
    daemon.pass_on_alerts(ABOUT.name, move |raised| {
        let store = store.clone();
        async move {
            let work = move |connection: &mut Connection| raised_alerts::record(connection, &raised);
            store.run(work).await
        }
    });
    let (watermark, depths) = (loops.watermark, publisher.depths());
    daemon.every("watermark", Duration::from_secs(1), move || {
        watermark.checked(depths.borrow().as_ref().map(|depths| depths.events));
        std::future::ready(())
    });
}
