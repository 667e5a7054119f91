//! Checks a webhook, publishes it, answers.
//!
//! It knows no Postgres: RabbitMQ has confirmed in the queue `events` what it accepted before the caller gets the answer.
//! Start with `routes/webhook.rs`, which makes the checks in their order; [`mapped`] is the way of
//! payloads in a platform's own words, [`mapping::check`] says what an event must be, [`problem`] what an error response is.

mod access;
mod answer;
mod body;
mod content_type;
mod events;
mod mapped;
mod meta;
mod metrics;
mod problem;
mod request_log;
mod routes;
mod settings;
mod source_reports;
mod state;
mod unknown_properties;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ::settings::{Needs, Resolve, Watched};
use actix_web::web::Data;
use broker::Status;
use broker::publisher::{Options, Publisher};
use service::daemon::{Daemon, Running};
use service::{About, Failure, Problems, Stop, http};
use traces::Spans;

use crate::access::Rates;
use crate::events::Events;
use crate::meta::Meta;
use crate::metrics::IngestMetrics;
use crate::request_log::RequestLog;
use crate::state::Ingest;
use crate::unknown_properties::UnknownProperties;

pub use crate::settings::{Settings, WhatsApp};

pub const ABOUT: About = About {
    name: "ingest",
    version: env!("CARGO_PKG_VERSION"),
    about: "Checks webhooks and publishes them to RabbitMQ.",
    help: settings::HELP,
};

/// How often idle addresses are forgotten, and omitted log lines are counted.
const TIDY_EVERY: Duration = Duration::from_secs(2);
/// How often people are told what sources were answered.
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// Starts to listen. Until RabbitMQ is there, webhooks are answered with 503.
pub async fn start(settings: Settings, stop: Stop) -> Result<Running, Failure> {
    let mut daemon = Daemon::new(&ABOUT, stop)?;
    let options = Options {
        confirm_timeout: settings.confirm_timeout,
        ..Options::named("bellhop ingest")
    };
    let publisher = Publisher::start(settings.amqp_address.clone(), options);
    let spans = Spans::start(settings.traces.as_ref(), &ABOUT, &daemon.metrics)?;
    let ingest = Data::new(assemble(&settings, &daemon, publisher.clone(), spans.clone())?);
    add_parts(&mut daemon, &ingest, &publisher);
    let options = http::Options {
        address: settings.address,
        workers: std::thread::available_parallelism().map_or(1, usize::from),
        linger: settings.linger,
    };
    let routes = routes::configure(ingest.clone(), daemon.readiness.clone(), daemon.metrics.clone());
    daemon.serve(options, routes, async move {
        publisher.stop().await;
        ingest.log.finish();
        spans.stop().await;
    })
}

fn assemble(
    settings: &Settings,
    daemon: &Daemon,
    publisher: Publisher,
    spans: Spans,
) -> Result<Ingest, Failure> {
    let metrics = Arc::new(IngestMetrics::new(&daemon.metrics)?);
    let files = Watched::start(
        &settings.config,
        settings.environment.look_up(),
        Some(Arc::clone(&settings.ring)),
        Resolve::SourceSecrets,
    )
    .map_err(|error| Problems::one("BELLHOP_CONFIG", service::chain(&error)))?;
    metrics.count_refused_files(files.current().problems().count());
    Ok(Ingest {
        unknown_properties: UnknownProperties::default(),
        files: Arc::new(files),
        events: Events::new(publisher, Arc::clone(&settings.ring), Arc::clone(&metrics)),
        meta: meta(settings.whatsapp.as_ref())?,
        trusted_proxies: settings.trusted_proxies.clone(),
        rates: Rates::new(settings.whatsapp_rate),
        log: Arc::new(RequestLog::new(Arc::clone(&metrics), spans)),
        metrics,
    })
}

/// WhatsApp's own notifications, where an app secret is set.
fn meta(whatsapp: Option<&WhatsApp>) -> Result<Option<Meta>, Problems> {
    if whatsapp.is_none() {
        log::warn!(event = "no_app_secrets";
            "WHATSAPP_APP_SECRETS is not set: WhatsApp's reports, guests' replies and their stops are refused");
    }
    whatsapp.map(Meta::of).transpose()
}

fn add_parts(daemon: &mut Daemon, ingest: &Data<Ingest>, publisher: &Publisher) {
    let gauge = ingest.metrics.broker_ready.clone();
    daemon.follow("rabbitmq", publisher.status(), move |status: &Status| {
        gauge.set(i64::from(status.is_ready()));
        status.check()
    });
    let (files, metrics) = (Arc::clone(&ingest.files), Arc::clone(&ingest.metrics));
    daemon.refresh_files(move || refresh(&files, &metrics));
    let tidied = ingest.clone();
    daemon.every("rates and omitted lines", TIDY_EVERY, move || {
        tidied.rates.forget_idle();
        tidied.log.report_omitted();
        std::future::ready(())
    });
    let reported = ingest.clone();
    daemon.every("source reports", REPORT_EVERY, move || {
        let ingest = reported.clone();
        async move { ingest.events.publish_reports(&ingest.log.reports).await }
    });
    let alerting = ingest.clone();
    daemon.pass_on_alerts(ABOUT.name, move |raised| {
        let ingest = alerting.clone();
        async move { ingest.events.publish_alerts(&raised).await }
    });
    let ingest = ingest.clone();
    daemon.health_line(move |ready| {
        let current = ingest.files.current();
        log::info!(
            ready,
            event = "health",
            "broker.ready" = ingest.metrics.broker_ready.get() == 1,
            "webhooks.answered" = ingest.metrics.answered(),
            "publishes.unconfirmed" = ingest.metrics.unconfirmed.get(),
            sources = current.sources().count(),
            resorts = current.resorts().count(),
            "files.broken" = ingest.metrics.broken_files.get();
            "health"
        );
    });
}

fn refresh(files: &Watched, metrics: &IngestMetrics) -> Result<Option<String>, String> {
    let changes = files.refresh();
    metrics.count_refused_files(changes.refused.len());
    changes.tell();
    let current = files.current();
    let broken: BTreeSet<_> = current.problems().map(|problem| problem.file.as_str()).collect();
    metrics.set_broken_files(broken.len());
    current.usable(Needs::Sources)
}
