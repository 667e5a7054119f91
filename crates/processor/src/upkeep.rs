//! What goes on beside the work: files are read again, the schema and the broker are watched, health is told.

use std::sync::Arc;
use std::time::Duration;

use broker::Status;
use broker::publisher::Publisher;
use service::health::Readiness;
use service::{Stop, periodic};
use store::reseal::{self, Place};
use tokio::sync::watch;

use crate::arrivals::Arrivals;
use crate::shared::{POSTGRES, Shared};

/// After what went wrong.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(10);
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
            .set(FILES, shared.settings.current().check("resorts/"));
    })
    .await;
}

/// Watches Postgres and its schema until the stop.
pub(crate) async fn watch_postgres(shared: Arc<Shared>, stop: Stop) {
    periodic::run(&stop, Duration::from_secs(1), || async {
        shared.readiness.set(POSTGRES, shared.store.check().await);
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
pub(crate) async fn look_for_keys(shared: Arc<Shared>, stop: Stop) {
    let places = [Place::Bookings, Place::Events];
    loop {
        let looking = reseal::count_without_key(&shared.store, &shared.ring, &places);
        let looked = tokio::select! {
            () = stop.stopped() => return,
            looked = looking => looked,
        };
        match looked {
            Ok(found) => {
                return found
                    .into_iter()
                    .for_each(|found| tell_without_key(&shared, found));
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

fn tell_without_key(shared: &Shared, (place, key, values): (Place, String, i64)) {
    let table = place.table();
    shared
        .counters
        .without_key
        .with_label_values(&[table])
        .add(values);
    log::error!(table = table, key = key, values = values, alert = true;
        "values lie under a key that is not in the key ring, and cannot be read: put it back, then run `desk keys reseal`");
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
