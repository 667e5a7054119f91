//! What every loop of the processor uses, and how it tells what happened.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crypto::key_ring::KeyRing;
use domain::backoff::Backoff;
use domain::hold::{Cause, NewHold};
use domain::message_record::Judging;
use service::health::Readiness;
use settings::Watched;
use store::holds::Laid;
use store::messages::Moved;
use store::planning::{Planned, Planner};
use store::results::Outcome;
use store::{Fault, Store, StoreError};
use whatsapp::error_codes;

use crate::metrics::ProcessorMetrics;

/// What every loop uses.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) settings: Arc<Watched>,
    pub(crate) readiness: Readiness,
    pub(crate) counters: ProcessorMetrics,
    pub(crate) judging: Judging,
}

/// The condition of readiness that the loops set when a query fails.
pub(crate) const POSTGRES: &str = "postgres";

impl Shared {
    /// Plans with the resorts' files as they are now.
    pub(crate) fn planner(&self) -> Planner {
        Planner {
            ring: Arc::clone(&self.ring),
            resorts: self.settings.current().readable_resorts(),
        }
    }

    /// Logs that a step in Postgres failed, and returns how long to wait. Only an outage makes the process not ready: that
    /// another transaction was in the way says nothing of Postgres.
    pub(crate) fn postgres_failed(&self, step: &str, error: &StoreError, failures: u32) -> Duration {
        let pause = Backoff::RECONNECT.pause(failures, rand::random());
        log::warn!(step = step, failures = failures, error = service::chain(error); "database step failed; retrying");
        if error.fault() == Fault::Outage {
            self.readiness.set(POSTGRES, Err(error.to_string()));
        }
        pause
    }

    /// Counts what became of an event.
    pub(crate) fn count_event(&self, event_type: &str, outcome: &str) {
        self.counters
            .events
            .with_label_values(&[event_type, outcome])
            .inc();
    }

    /// Counts and logs what planning changed. `cause` says what led to it: an event's type, `timer`.
    pub(crate) fn report_planned(&self, planned: &Planned, cause: &str) {
        for (booking, status) in &planned.statuses {
            self.counters.bookings.with_label_values(&[status.as_str()]).inc();
            log::info!("booking.id" = booking.to_string(), status = status.as_str(), cause = cause; "booking changed");
        }
        for moved in &planned.moved {
            self.report_moved(moved, cause);
        }
        let mut waiting = BTreeMap::new();
        for booking in &planned.without_resort {
            *waiting.entry(&booking.resort).or_insert(0_usize) += 1;
        }
        for (resort, bookings) in waiting {
            let file = format!("resorts/{resort}.toml");
            log::error!("resort.id" = resort.to_string(), bookings = bookings, file = file, alert = true;
                "bookings wait: their resort has no readable file; `desk config check` names the error");
        }
    }

    fn report_moved(&self, moved: &Moved, cause: &str) {
        self.counters
            .messages
            .with_label_values(&[moved.kind.as_str(), moved.state.as_str()])
            .inc();
        log::info!(
            "message.id" = moved.id.to_string(),
            "booking.id" = moved.booking.to_string(),
            kind = moved.kind.as_str(),
            state = moved.state.as_str(),
            reason = moved.reason.map_or("", domain::message::Reason::as_str),
            cause = cause;
            "message planned"
        );
    }

    /// Counts and logs how far messages came, and what that holds or lets go.
    pub(crate) fn report_reported(&self, outcome: &Outcome) {
        if outcome.unmatched > 0 {
            let unmatched = u64::try_from(outcome.unmatched).unwrap_or(u64::MAX);
            self.counters.unmatched_reports.inc_by(unmatched);
            log::warn!(reports = unmatched; "WhatsApp reported on messages that are not ours");
        }
        for recorded in &outcome.recorded {
            self.counters
                .messages
                .with_label_values(&[recorded.kind.as_str(), recorded.state.as_str()])
                .inc();
            log::info!(
                "message.id" = recorded.id.to_string(),
                "booking.id" = recorded.booking_key,
                kind = recorded.kind.as_str(),
                state = recorded.state.as_str(),
                reason = recorded.reason.as_deref().unwrap_or_default();
                "message reported"
            );
        }
        for (hold, laid) in &outcome.laid {
            self.report_laid(hold, *laid);
        }
        for key in &outcome.lifted {
            log::warn!(hold = key; "the hold is over: WhatsApp delivers again");
        }
        self.report_planned(&outcome.planned, "report");
    }

    /// One alert for each hold that is new, as `sender` has it for refusals in answers.
    fn report_laid(&self, hold: &NewHold, laid: Laid) {
        let (key, scope, code) = (hold.key(), hold.scope.as_str(), hold.cause.to_string());
        match laid {
            Laid::New => {
                self.counters.holds_begun.with_label_values(&[scope]).inc();
                let title = match hold.cause {
                    Cause::Code(code) => error_codes::title(code),
                    Cause::NotWhatsApp(_) => "",
                };
                let pause_s = hold.pause.as_secs();
                log::error!(hold = key, scope = scope, code = code, title = title, pause_s = pause_s, heard = hold.reported_in.as_str(), alert = true;
                    "sending is on hold: WhatsApp refuses this {scope}; fix the cause, then `desk resume`");
            }
            Laid::Again => {
                log::warn!(hold = key, scope = scope, code = code; "still refused; the hold lasts twice as long");
            }
            Laid::Known => log::debug!(hold = key, scope = scope, code = code; "refused while held"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use domain::after_call::RetryPolicy;
    use service::metrics::Metrics;
    use settings::Resolve;
    use store::DatabaseUrl;

    use super::*;

    fn shared() -> Shared {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/demo");
        let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let ring = KeyRing::parse(&format!("a:{key},lookup:{key}")).unwrap();
        let nowhere = DatabaseUrl::parse("postgres://nowhere.invalid/none").unwrap();
        Shared {
            store: Store::new(&nowhere, 1, "processor"),
            ring: Arc::new(ring),
            settings: Arc::new(Watched::start(&folder, Box::new(|_| None), None, Resolve::Nothing).unwrap()),
            readiness: Readiness::new(),
            judging: Judging {
                policy: RetryPolicy::default(),
                pause: Duration::from_secs(60),
            },
            counters: ProcessorMetrics::new(&Metrics::new("processor", "0").unwrap()).unwrap(),
        }
    }

    #[test]
    fn only_an_outage_makes_the_processor_not_ready() {
        let shared = shared();
        shared.readiness.set(POSTGRES, Ok(()));

        shared.postgres_failed("wake bookings", &StoreError::Overtaken, 1);
        assert!(shared.readiness.is_ready(), "another transaction was in the way");
        shared.postgres_failed("wake bookings", &StoreError::Panicked, 1);
        assert!(shared.readiness.is_ready(), "the data are at fault");

        shared.postgres_failed("wake bookings", &StoreError::Interrupted, 1);
        assert!(!shared.readiness.is_ready());
    }
}
