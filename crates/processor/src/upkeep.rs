//! What goes on beside the work: files are read again, the schema and the broker are watched, health is told.

use std::sync::Arc;
use std::time::Duration;

use broker::Status;
use broker::publisher::Publisher;
use service::health::Readiness;
use service::{Stop, periodic};
use tokio::sync::watch;

use crate::arrivals::Arrivals;
use crate::shared::{POSTGRES, Shared};

const FILES: &str = "settings";
/// The publisher's connection: it notices within 2 s that the server is gone or silent.
pub(crate) const BROKER: &str = "rabbitmq";
/// The consumer's connection.
pub(crate) const QUEUE: &str = "queue";

/// Watches the files until the stop.
pub(crate) async fn watch_files(shared: Arc<Shared>, stop: Stop) {
    periodic::run(&stop, Duration::from_secs(2), || async {
        let files = Arc::clone(&shared.settings);
        if let Ok(changes) = tokio::task::spawn_blocking(move || files.refresh()).await {
            changes.tell();
        }
        shared
            .readiness
            .set(FILES, shared.settings.current().holds("resorts/"));
    })
    .await;
}

/// Watches Postgres and its schema until the stop.
pub(crate) async fn watch_postgres(shared: Arc<Shared>, stop: Stop) {
    periodic::run(&stop, Duration::from_secs(1), || async {
        shared.readiness.set(POSTGRES, shared.store.holds().await);
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
pub(crate) async fn tell_health(shared: Arc<Shared>, stop: Stop) {
    periodic::run(&stop, Duration::from_secs(60), || async {
        log::info!(
            ready = shared.readiness.is_ready(),
            "events.parked" = shared.counters.parked.get(),
            "wake_ups" = shared.counters.wake_up_lateness.get_sample_count(),
            "bookings.without_resort" = shared.counters.without_resort.get(),
            resorts = shared.settings.current().resorts().count();
            "health"
        );
    })
    .await;
}

/// Looks each second how many events wait.
pub(crate) async fn watch_arrivals(arrivals: Arrivals, publisher: Publisher, stop: Stop) {
    let depths = publisher.depths();
    periodic::run(&stop, Duration::from_secs(1), || {
        let ready = depths.borrow().as_ref().map(|depths| depths.events);
        arrivals.looked(ready);
        std::future::ready(())
    })
    .await;
}
