//! What goes on beside the work: files are read again, Postgres and the broker are watched, health is told.

use std::sync::Arc;
use std::time::Duration;

use broker::Status;
use service::health::Readiness;
use service::{Stop, periodic};
use tokio::sync::watch;

use crate::send::Sender;

pub(crate) const POSTGRES: &str = "postgres";
const FILES: &str = "settings";
/// The publisher's connection: it notices within 2 s that the server is gone or silent.
pub(crate) const BROKER: &str = "rabbitmq";
/// The consumer's connection.
pub(crate) const QUEUE: &str = "queue";

/// Watches the files until the stop.
pub(crate) async fn watch_files(sender: Arc<Sender>, readiness: Readiness, stop: Stop) {
    periodic::run(&stop, Duration::from_secs(2), || async {
        let files = Arc::clone(&sender.settings);
        if let Ok(changes) = tokio::task::spawn_blocking(move || files.refresh()).await {
            changes.tell();
        }
        readiness.set(FILES, sender.settings.current().holds("resorts/"));
    })
    .await;
}

/// Watches Postgres and its schema until the stop.
pub(crate) async fn watch_postgres(sender: Arc<Sender>, readiness: Readiness, stop: Stop) {
    periodic::run(&stop, Duration::from_secs(1), || async {
        readiness.set(POSTGRES, sender.store.holds().await);
    })
    .await;
}

/// Follows a connection to RabbitMQ until the stop. `condition` is its name in `/readyz`.
pub(crate) async fn watch_broker(
    status: watch::Receiver<Status>,
    condition: &'static str,
    readiness: Readiness,
    stop: Stop,
) {
    readiness.follow(condition, status, Status::holds, &stop).await;
}

/// One line a minute.
pub(crate) async fn tell_health(sender: Arc<Sender>, readiness: Readiness, stop: Stop) {
    periodic::run(&stop, Duration::from_secs(60), || async {
        log::info!(
            ready = readiness.is_ready(),
            "calls.in_flight" = sender.metrics.in_flight.get(),
            "calls.made" = sender.metrics.call_duration.get_sample_count(),
            "calls.unanswered" = sender.metrics.unanswered.get(),
            resorts = sender.settings.current().resorts().count();
            "health"
        );
    })
    .await;
}
