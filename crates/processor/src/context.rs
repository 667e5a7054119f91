//! What every loop of the processor uses.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use broker::publisher::Publisher;
use crypto::key_ring::KeyRing;
use domain::after_call::RetryPolicy;
use domain::backoff::Backoff;
use domain::message_record::Judging;
use service::daemon::MissingKey;
use service::health::Readiness;
use service::metrics::Metrics;
use service::{Failure, Problems, lock};
use settings::{Resolve, Watched};
use store::planning::{DueIds, Planned, Planner};
use store::{Fault, Store, StoreError};
use tokio::sync::Notify;
use traces::Spans;

use crate::alerts::Alerts;
use crate::due_ids::IdPublisher;
use crate::metrics::ProcessorMetrics;

use crate::settings::Settings;
use crate::source_reports::SourceReports;

/// Two for events, one each for timers, the relay, retention, fetches, webhooks out, and the files that were repaired. Figures and readiness have
/// connections of their own.
const CONNECTIONS: u32 = 8;

pub(crate) struct Context {
    pub(crate) store: Store,
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) files: Arc<Watched>,
    pub(crate) readiness: Readiness,
    pub(crate) metrics: ProcessorMetrics,
    pub(crate) spans: Spans,
    /// How reported failures are judged.
    pub(crate) judging: Judging,
    pub(crate) missing_keys: MissingKeys,
    pub(crate) alerts: Alerts,
    pub(crate) source_reports: SourceReports,
    /// Publishes what our transactions make due; `None` leaves that to the relay.
    pub(crate) ids: Option<IdPublisher>,
    /// Notified when a transaction has made messages due whose ids the relay publishes.
    pub(crate) relay_due: Arc<Notify>,
    /// Notified when there is something to ask a platform for.
    pub(crate) fetches_due: Arc<Notify>,
}

/// The condition of readiness that the loops set when a query fails.
pub(crate) const POSTGRES: &str = "postgres";

/// Values under keys that the key ring does not have, by table: counted once, when the process starts, because a ring never
/// changes while a process runs.
#[derive(Default)]
pub(crate) struct MissingKeys(Mutex<BTreeMap<&'static str, i64>>);

impl MissingKeys {
    pub(crate) fn set(&self, missing: &[MissingKey]) {
        let mut values = BTreeMap::new();
        for one in missing {
            *values.entry(one.table).or_default() += one.values;
        }
        *lock(&self.0) = values;
    }

    pub(crate) fn get(&self) -> BTreeMap<&'static str, i64> {
        lock(&self.0).clone()
    }
}

impl Context {
    pub(crate) fn new(settings: &Settings, metrics: &Metrics, readiness: Readiness) -> Result<Self, Failure> {
        let files = Watched::start(
            &settings.config,
            settings.environment.look_up(),
            Some(Arc::clone(&settings.ring)),
            Resolve::CallSecrets,
        )
        .map_err(|error| Problems::one("BELLHOP_CONFIG", service::chain(&error)))?;
        readiness.expect(POSTGRES);
        let store = Store::new(&settings.database_url, CONNECTIONS, "processor");
        let pool = store.clone();
        metrics.pool(move || pool.connections_in_use())?;
        Ok(Self {
            store,
            ring: Arc::clone(&settings.ring),
            files: Arc::new(files),
            readiness,
            metrics: ProcessorMetrics::new(metrics)?,
            spans: Spans::default(),
            judging: Judging {
                policy: RetryPolicy::default(),
                pause: settings.probe_after,
            },
            missing_keys: MissingKeys::default(),
            alerts: Alerts::default(),
            source_reports: SourceReports::default(),
            ids: None,
            relay_due: Arc::default(),
            fetches_due: Arc::default(),
        })
    }

    /// Plans with the resorts' files as they are now.
    pub(crate) fn planner(&self) -> Planner {
        Planner {
            ring: Arc::clone(&self.ring),
            resorts: self.files.current().readable_resorts(),
            due: DueIds::Relay,
        }
    }

    /// As [`planner`](Self::planner), for a transaction over at most so many bookings whose caller publishes what it makes due.
    pub(crate) fn planner_for(&self, most: usize) -> Planner {
        // A booking seldom has more than one message that is due; should it, the bound is exceeded a little.
        let due = self
            .ids
            .as_ref()
            .map_or(DueIds::Relay, |ids| ids.for_transaction(most));
        Planner {
            due,
            ..self.planner()
        }
    }

    pub(crate) fn id_publisher(&self, publisher: Publisher) -> IdPublisher {
        IdPublisher::new(self.store.clone(), publisher, self.metrics.clone())
    }

    /// Publishes what a committed transaction has made due, or wakes the relay where that is to do it.
    pub(crate) fn publish_due(&self, by: DueIds, planned: &mut Planned) {
        match (by, &self.ids) {
            (DueIds::Caller, Some(ids)) => ids.publish_soon(std::mem::take(&mut planned.due)),
            _ if planned.moved.is_empty() => {}
            _ => self.relay_due.notify_one(),
        }
    }

    /// Waits until everything that was made due is published.
    pub(crate) async fn finish_publishing(&self) {
        if let Some(ids) = &self.ids {
            ids.finish().await;
        }
    }

    /// Logs that a step in Postgres failed, and returns how long to wait. Only an outage makes the process not ready:
    /// contention with another transaction says nothing of Postgres.
    pub(crate) fn postgres_failed(&self, step: &str, error: &StoreError, failures: u32) -> Duration {
        let pause = Backoff::RECONNECT.pause(failures, rand::random());
        log::warn!(step = step, failures = failures, error = service::chain(error), event = "postgres_failed";
            "database step failed; retrying");
        if error.fault() == Fault::Outage {
            self.readiness.set(POSTGRES, Err(error.to_string()));
        }
        pause
    }

    pub(crate) fn count_event(&self, event_type: &str, outcome: &str) {
        self.metrics
            .events
            .with_label_values(&[event_type, outcome])
            .inc();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use store::DatabaseUrl;

    use super::*;

    fn context() -> Context {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/demo");
        let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let ring = KeyRing::parse(&format!("a:{key},lookup:{key}")).unwrap();
        let nowhere = DatabaseUrl::parse("postgres://nowhere.invalid/none").unwrap();
        Context {
            store: Store::new(&nowhere, 1, "processor"),
            ring: Arc::new(ring),
            files: Arc::new(Watched::start(&folder, Box::new(|_| None), None, Resolve::Nothing).unwrap()),
            readiness: Readiness::new(),
            judging: Judging {
                policy: RetryPolicy::default(),
                pause: Duration::from_secs(60),
            },
            missing_keys: MissingKeys::default(),
            alerts: Alerts::default(),
            source_reports: SourceReports::default(),
            ids: None,
            relay_due: Arc::default(),
            fetches_due: Arc::default(),
            metrics: ProcessorMetrics::new(&Metrics::new("processor", "0").unwrap()).unwrap(),
            spans: Spans::default(),
        }
    }

    #[test]
    fn only_an_outage_makes_the_processor_not_ready() {
        let context = context();
        context.readiness.set(POSTGRES, Ok(()));

        context.postgres_failed("wake bookings", &StoreError::Overtaken, 1);
        assert!(context.readiness.is_ready(), "another transaction was in the way");
        context.postgres_failed("wake bookings", &StoreError::Panicked, 1);
        assert!(context.readiness.is_ready(), "the data are at fault");

        context.postgres_failed("wake bookings", &StoreError::Interrupted, 1);
        assert!(!context.readiness.is_ready());
    }
}
