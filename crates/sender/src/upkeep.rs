//! What goes on beside the work: files are read again, Postgres and the broker are watched, health is told.

use std::sync::Arc;
use std::time::Duration;

use broker::Status;
use service::health::Readiness;
use service::{Stop, periodic};
use settings::Changes;
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
            tell(&changes);
        }
        let current = sender.settings.current();
        let broken: Vec<String> = current
            .problems()
            .filter(|p| p.file.starts_with("resorts/"))
            .map(ToString::to_string)
            .collect();
        readiness.set(
            FILES,
            if broken.is_empty() {
                Ok(())
            } else {
                Err(broken.join("; "))
            },
        );
    })
    .await;
}

/// Tells what a reading of the files changed.
fn tell(changes: &Changes) {
    for file in &changes.applied {
        log::info!(file; "file is in force");
    }
    for file in &changes.removed {
        log::warn!(file; "file is gone");
    }
    for warning in &changes.warnings {
        log::warn!(finding:% = warning; "file is unwise");
    }
    for refused in &changes.refused {
        log::error!(finding:% = refused; "file is refused; what was good before stays in force");
    }
}

/// Watches Postgres and its schema until the stop.
pub(crate) async fn watch_postgres(sender: Arc<Sender>, readiness: Readiness, stop: Stop) {
    periodic::run(&stop, Duration::from_secs(1), || async {
        let holds = match sender.store.run(store::migrations::missing).await {
            Ok(None) => Ok(()),
            Ok(Some(version)) => Err(format!("the schema lacks the step {version}; run `desk migrate`")),
            Err(error) => Err(error.to_string()),
        };
        readiness.set(POSTGRES, holds);
    })
    .await;
}

/// Follows a connection to RabbitMQ until the stop. `condition` is its name in `/readyz`.
pub(crate) async fn watch_broker(
    mut status: watch::Receiver<Status>,
    condition: &'static str,
    readiness: Readiness,
    stop: Stop,
) {
    loop {
        let now = status.borrow_and_update().clone();
        readiness.set(
            condition,
            if now.is_ready() {
                Ok(())
            } else {
                Err(now.to_string())
            },
        );
        tokio::select! {
            () = stop.stopped() => return,
            changed = status.changed() => if changed.is_err() { return },
        }
    }
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
