//! What goes on beside the requests: files are read again, idle addresses forgotten, health is told.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;
use service::Stop;
use service::health::Readiness;
use settings::{Changes, Watched};
use tokio::time::MissedTickBehavior;

use crate::metrics::Metrics;
use crate::state::Ingest;

const REFRESH_EVERY: Duration = Duration::from_secs(2);
const REFRESHES_PER_HEALTH_LINE: u64 = 30;
const FILES: &str = "settings";

/// Runs until the stop.
pub(crate) async fn run(ingest: Data<Ingest>, readiness: Readiness, stop: Stop) {
    let mut ticks = tokio::time::interval(REFRESH_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut reloads = stop.reloads();
    let mut rounds: u64 = 0;
    loop {
        tokio::select! {
            () = stop.stopped() => return,
            _ = ticks.tick() => rounds = rounds.wrapping_add(1),
            Ok(()) = reloads.changed() => {}
        }
        refresh(&ingest, &readiness).await;
        ingest.rates.forget_idle();
        ingest.log.tell_left_out();
        if rounds.is_multiple_of(REFRESHES_PER_HEALTH_LINE) {
            tell_health(&ingest, &readiness);
        }
    }
}

async fn refresh(ingest: &Ingest, readiness: &Readiness) {
    let files = Arc::clone(&ingest.files);
    match tokio::task::spawn_blocking(move || files.refresh()).await {
        Ok(changes) => {
            tell_changes(&changes, &ingest.metrics);
            note_files(&ingest.files, readiness, &ingest.metrics);
        }
        Err(error) => log::error!(error = service::chain(&error); "could not read the files again"),
    }
}

/// Notes at start and after every reading which files are broken.
pub(crate) fn note_files(files: &Watched, readiness: &Readiness, metrics: &Metrics) {
    let current = files.current();
    let broken: std::collections::BTreeSet<_> =
        current.problems().map(|problem| problem.file.as_str()).collect();
    metrics
        .broken_files
        .set(i64::try_from(broken.len()).unwrap_or(i64::MAX));
    readiness.set(FILES, current.check(""));
}

/// Tells what a reading of the files changed.
pub(crate) fn tell_changes(changes: &Changes, metrics: &Metrics) {
    metrics
        .refused_files
        .inc_by(u64::try_from(changes.refused.len()).unwrap_or(u64::MAX));
    changes.tell();
}

fn tell_health(ingest: &Ingest, readiness: &Readiness) {
    let current = ingest.files.current();
    log::info!(
        ready = readiness.is_ready(),
        "broker.ready" = ingest.metrics.broker_ready.get() == 1,
        "webhooks.answered" = ingest.metrics.answered(),
        "publishes.unconfirmed" = ingest.metrics.unconfirmed.get(),
        sources = current.sources().count(),
        resorts = current.resorts().count(),
        "files.broken" = ingest.metrics.broken_files.get();
        "health"
    );
}
