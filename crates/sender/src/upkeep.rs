//! What goes on beside the work: files are read again, Postgres and the broker are watched, health is told.

use std::sync::Arc;
use std::time::Duration;

use broker::Status;
use service::health::Readiness;
use service::{Stop, periodic};
use store::reseal::{self, Place};
use tokio::sync::watch;

use crate::context::Sender;

pub(crate) const POSTGRES: &str = "postgres";
/// After what went wrong.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(10);
const FILES: &str = "settings";
/// The publisher's connection: it notices within 2 s that the server is gone or silent.
pub(crate) const BROKER: &str = "rabbitmq";
/// The consumer's connection.
pub(crate) const QUEUE: &str = "queue";

/// Watches the files until the stop.
pub(crate) async fn watch_files(sender: Arc<Sender>, readiness: Readiness, stop: Stop) {
    periodic::run(&stop, Duration::from_secs(2), || async {
        let files = Arc::clone(&sender.files);
        if let Ok(changes) = tokio::task::spawn_blocking(move || files.refresh()).await {
            changes.tell();
        }
        readiness.set(FILES, sender.files.current().check("resorts/"));
    })
    .await;
}

/// Watches Postgres and its schema until the stop.
pub(crate) async fn watch_postgres(sender: Arc<Sender>, readiness: Readiness, stop: Stop) {
    periodic::run(&stop, Duration::from_secs(1), || async {
        readiness.set(POSTGRES, sender.store.check().await);
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
    readiness.follow(condition, status, Status::check, &stop).await;
}

/// Looks once, since a ring never changes while a program runs, whether anything lies under a key that is not in it: a key
/// that was taken away too early is to be put back before anybody misses what lies under it.
pub(crate) async fn look_for_keys(sender: Arc<Sender>, stop: Stop) {
    let places = [Place::Bookings];
    loop {
        let looking = reseal::count_without_key(&sender.store, &sender.ring, &places);
        let looked = tokio::select! {
            () = stop.stopped() => return,
            looked = looking => looked,
        };
        match looked {
            Ok(found) => {
                return found
                    .into_iter()
                    .for_each(|found| tell_without_key(&sender, found));
            }
            Err(error) => {
                log::debug!(error = service::chain(&error); "cannot look which keys are needed; trying again")
            }
        }
        tokio::select! {
            () = stop.stopped() => return,
            () = tokio::time::sleep(LOOK_AGAIN_AFTER) => {}
        }
    }
}

fn tell_without_key(sender: &Sender, (place, key, values): (Place, String, i64)) {
    let table = place.table();
    sender.metrics.without_key.with_label_values(&[table]).add(values);
    log::error!(table = table, key = key, values = values, alert = true;
        "values lie under a key that is not in the key ring, and cannot be read: put it back, then run `desk keys reseal`");
}

/// One line a minute.
pub(crate) async fn tell_health(sender: Arc<Sender>, readiness: Readiness, stop: Stop) {
    periodic::run(&stop, Duration::from_secs(60), || async {
        log::info!(
            ready = readiness.is_ready(),
            "calls.in_flight" = sender.metrics.in_flight.get(),
            "calls.made" = sender.metrics.call_duration.get_sample_count(),
            "calls.lost" = sender.metrics.lost_calls.get(),
            resorts = sender.files.current().resorts().count();
            "health"
        );
    })
    .await;
}
