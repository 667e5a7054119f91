//! Every metric of this binary, in one place.
//!
//! Label values are bounded: no caller can create one.

use std::time::Duration;

use chrono::{DateTime, Utc};
use service::metrics::{
    Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, LATENCY_BUCKETS, MetricError, Metrics,
};
use whatsapp::notification::{Damage, NotANotification, Update};

pub(crate) struct IngestMetrics {
    webhooks: IntCounterVec,
    rejected: IntCounterVec,
    answer_seconds: Histogram,
    updates: IntCounterVec,
    mended: IntCounterVec,
    ignored: IntCounterVec,
    missing_fields: IntCounterVec,
    last_event: IntGaugeVec,
    unreadable: IntCounterVec,
    pub(crate) lines_left_out: IntCounter,
    /// 1 while events can be published.
    pub(crate) broker_ready: IntGauge,
    pub(crate) unconfirmed: IntCounter,
    pub(crate) broken_files: IntGauge,
    refused_files: IntCounter,
}

/// The label for a source that does not exist.
pub(crate) const UNKNOWN: &str = "unknown";
/// The label for an unknown event type.
pub(crate) const OTHER: &str = "other";

impl IngestMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Result<Self, MetricError> {
        Ok(Self {
            webhooks: metrics.counters(
                "bellhop_webhooks_total",
                "Webhooks by source, event type and answer (accepted, ignored, unmappable, challenge, dry_run, or the problem's name).",
                &["source", "type", "answer"],
            )?,
            rejected: metrics.counters(
                "bellhop_webhooks_rejected_total",
                "Webhooks answered with 4xx, by source and problem.",
                &["source", "reason"],
            )?,
            answer_seconds: metrics.histogram(
                "bellhop_webhook_answer_seconds",
                "From a webhook's head to its answer, the broker's confirm included.",
                LATENCY_BUCKETS,
            )?,
            updates: update_counters(metrics)?,
            mended: metrics.counters(
                "bellhop_mended_bodies_total",
                "Webhooks whose JSON had to be mended before it could be read (half a surrogate pair, a byte order mark, \
                 another charset, …), by source.",
                &["source"],
            )?,
            ignored: metrics.counters(
                "bellhop_ignored_events_total",
                "Events in platforms' own payloads that nothing was done about, by source and reason.",
                &["source", "reason"],
            )?,
            missing_fields: metrics.counters(
                "bellhop_map_field_missing_total",
                "Fields with an expression that gave no value in an event that was mapped, by source and field. A field that \
                 was there and never is any more is a change of the platform's.",
                &["source", "field"],
            )?,
            last_event: metrics.gauges(
                "bellhop_source_last_event_timestamp_seconds",
                "When this process last accepted something of a source.",
                &["source"],
            )?,
            unreadable: unreadable_counters(metrics)?,
            lines_left_out: metrics.counter(
                "bellhop_log_lines_left_out_total",
                "Log lines about refused requests that were left out, since there were too many of them.",
            )?,
            broker_ready: metrics.gauge("bellhop_broker_ready", "1 while events can be published.")?,
            unconfirmed: metrics.counter(
                "bellhop_publishes_unconfirmed_total",
                "Events that RabbitMQ did not confirm in time or refused.",
            )?,
            broken_files: metrics.gauge(
                "bellhop_broken_files",
                "Resort and source files that are broken now.",
            )?,
            refused_files: metrics.counter(
                "bellhop_refused_files_total",
                "How often a resort or source file was refused.",
            )?,
        })
    }

    pub(crate) fn count_answer(
        &self,
        source: &str,
        event_type: &str,
        answer: &str,
        status: u16,
        took: Duration,
    ) {
        self.webhooks
            .with_label_values(&[source, event_type, answer])
            .inc();
        if (400..500).contains(&status) {
            self.rejected.with_label_values(&[source, answer]).inc();
        }
        self.answer_seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn count_ignored(&self, source: &str, reason: &str) {
        self.ignored.with_label_values(&[source, reason]).inc();
    }

    pub(crate) fn count_missing_field(&self, source: &str, field: &str) {
        self.missing_fields.with_label_values(&[source, field]).inc();
    }

    pub(crate) fn note_event(&self, source: &str, at: DateTime<Utc>) {
        self.last_event.with_label_values(&[source]).set(at.timestamp());
    }

    pub(crate) fn count_refused_files(&self, files: usize) {
        self.refused_files
            .inc_by(u64::try_from(files).unwrap_or(u64::MAX));
    }

    pub(crate) fn set_broken_files(&self, files: usize) {
        self.broken_files.set(i64::try_from(files).unwrap_or(i64::MAX));
    }

    pub(crate) fn answered(&self) -> u64 {
        self.answer_seconds.get_sample_count()
    }

    pub(crate) fn count_mended(&self, source: &str) {
        self.mended.with_label_values(&[source]).inc();
    }

    /// Counts what could not be read in a notification of WhatsApp's.
    pub(crate) fn count_unreadable(&self, reason: &str) {
        self.unreadable.with_label_values(&[reason]).inc();
    }

    pub(crate) fn count_update(&self, kind: &str) {
        self.updates.with_label_values(&[kind]).inc();
    }
}

/// Every series exists from the start.
fn update_counters(metrics: &Metrics) -> Result<IntCounterVec, MetricError> {
    let counters = metrics.counters(
        "bellhop_whatsapp_updates_total",
        "Updates in WhatsApp's notifications that were published, by kind.",
        &["kind"],
    )?;
    for kind in Update::KINDS {
        counters.with_label_values(&[kind]);
    }
    Ok(counters)
}

/// Every series exists from the start.
fn unreadable_counters(metrics: &Metrics) -> Result<IntCounterVec, MetricError> {
    let counters = metrics.counters(
        "bellhop_unreadable_updates_total",
        "What could not be read in WhatsApp's notifications and was lost alone, by reason.",
        &["reason"],
    )?;
    let of_updates = Damage::ALL.iter().map(|reason| reason.as_str());
    let of_bodies = NotANotification::ALL.iter().map(|reason| reason.as_str());
    for reason in of_updates.chain(of_bodies) {
        counters.with_label_values(&[reason]);
    }
    Ok(counters)
}

#[cfg(test)]
mod tests {
    use crate::problem::Problem;
    use crate::problem::tests::every;

    /// The share of failures in rules and dashboards is the share of 5xx.
    #[test]
    fn alert_rules_and_dashboards_count_exactly_the_problems_that_are_our_fault() {
        let problems = every();
        let ours = problems
            .iter()
            .filter(|problem| problem.status().is_server_error());
        let ours: Vec<&str> = ours.map(Problem::name).collect();
        let names = ours.join("|");

        let files = [
            include_str!("../../../deploy/prometheus/alerts.yml"),
            include_str!("../../../deploy/grafana/webhooks.json"),
        ];

        for file in files {
            let asked: Vec<&str> = file
                .split("answer=~")
                .skip(1)
                .map(|rest| rest.trim_start_matches('\\').trim_start_matches('"'))
                .map(|rest| rest.split(['"', '\\']).next().unwrap_or_default())
                .collect();
            assert!(!asked.is_empty());
            assert!(asked.iter().all(|asked| *asked == names), "{asked:?}");
        }
    }
}
