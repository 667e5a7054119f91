//! Alerts about sources and business numbers, each at most once an hour: a platform's change makes hundreds of the same.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use service::lock;

const EVERY: Duration = Duration::from_secs(3_600);

/// When each alert about each source or number was last raised by this process.
#[derive(Default)]
pub(crate) struct Alerts(Mutex<BTreeMap<(&'static str, String), Instant>>);

impl Alerts {
    /// Whether to raise this alert about a source or a number now.
    pub(crate) fn is_due(&self, alert: &'static str, about: &str, now: Instant) -> bool {
        let mut raised = lock(&self.0);
        let this = (alert, about.to_owned());
        let is_due = raised.get(&this).is_none_or(|last| now - *last >= EVERY);
        if is_due {
            raised.insert(this, now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_about_a_source_is_raised_once_an_hour() {
        let (alerts, now) = (Alerts::default(), Instant::now());

        assert!(alerts.is_due("event_unmappable", "lodgify", now));
        assert!(!alerts.is_due("event_unmappable", "lodgify", now + EVERY / 2));
        assert!(alerts.is_due("event_unmappable", "mews", now + EVERY / 2));
        assert!(alerts.is_due("fetch_failed", "lodgify", now + EVERY / 2));
        assert!(alerts.is_due("event_unmappable", "lodgify", now + EVERY));
    }
}
