//! Messages by kind and outcome; the moments of the resorts' own also by name, where these are few.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use domain::message::{MessageKind, MomentName};
use domain::resort::Resort;
use service::metrics::{IntCounterVec, MetricError, Metrics};

/// The most moments of a file that are counted by name: each name makes series of its own.
const MOST_NAMED: usize = 20;

#[derive(Clone)]
pub(crate) struct MessageCounters {
    messages: IntCounterVec,
    moments: IntCounterVec,
    named: Arc<RwLock<BTreeSet<MomentName>>>,
}

impl MessageCounters {
    pub(super) fn register(metrics: &Metrics) -> Result<Self, MetricError> {
        Ok(Self {
            messages: metrics.counters(
                "bellhop_messages_total",
                "Messages by kind and outcome.",
                &["kind", "outcome"],
            )?,
            moments: metrics.counters(
                "bellhop_moments_total",
                "Messages of the resorts' own moments by name and outcome, where a resort's file has at most 20.",
                &["moment", "outcome"],
            )?,
            named: Arc::default(),
        })
    }

    pub(super) fn start_at_zero(&self, outcomes: &[&str]) {
        for kind in MessageKind::labels() {
            for outcome in outcomes {
                self.messages.with_label_values(&[kind, outcome]);
            }
        }
    }

    /// Counts the moments of these resorts by name from now on.
    pub(crate) fn name_moments<'a>(&self, resorts: impl Iterator<Item = &'a Arc<Resort>>) {
        let own = |resort: &'a Arc<Resort>| {
            let names: Vec<MomentName> = resort.own_moments().map(|(name, _)| name).collect();
            (names.len() <= MOST_NAMED).then_some(names)
        };
        let named: BTreeSet<MomentName> = resorts.filter_map(own).flatten().collect();
        *self.named.write().unwrap_or_else(PoisonError::into_inner) = named;
    }

    pub(crate) fn count(&self, kind: MessageKind, outcome: &str) {
        self.messages.with_label_values(&[kind.label(), outcome]).inc();
        let MessageKind::Moment(name) = kind else {
            return;
        };
        let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
        if named.contains(&name) {
            self.moments.with_label_values(&[name.as_str(), outcome]).inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_counted_together_and_by_name_only_where_a_file_has_few() {
        let metrics = Metrics::new("sender", "0.0.0").unwrap();
        let counters = MessageCounters::register(&metrics).unwrap();
        let moment = |name: &str| MomentName::parse(name).unwrap();
        counters.named.write().unwrap().insert(moment("pre_arrival"));

        for name in ["pre_arrival", "other"] {
            counters.count(MessageKind::Moment(moment(name)), "accepted");
        }

        let text = metrics.render();
        assert!(
            text.contains("bellhop_messages_total{kind=\"moment\",outcome=\"accepted\"} 2"),
            "{text}"
        );
        assert!(
            text.contains("bellhop_moments_total{moment=\"pre_arrival\",outcome=\"accepted\"} 1"),
            "{text}"
        );
        assert!(!text.contains("moment=\"other\""), "{text}");
    }
}
