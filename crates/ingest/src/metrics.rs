//! Every metric of this binary, in one place.
//!
//! Label values are bounded: a stranger can make none up.

use std::time::Duration;

use service::metrics::{
    Histogram, IntCounter, IntCounterVec, IntGauge, LATENCY_BUCKETS, MetricError, Metrics as Registry,
};

/// The metrics of this binary.
pub(crate) struct Metrics {
    webhooks: IntCounterVec,
    rejected: IntCounterVec,
    answer_seconds: Histogram,
    updates: IntCounterVec,
    /// 1 while events can be published.
    pub(crate) broker_ready: IntGauge,
    /// Publishes that were not confirmed.
    pub(crate) unconfirmed: IntCounter,
    /// Resort and source files that are broken now.
    pub(crate) broken_files: IntGauge,
    /// How often a file was refused.
    pub(crate) refused_files: IntCounter,
}

/// What stands in a label for a name that is none of ours.
pub(crate) const UNKNOWN: &str = "unknown";
/// What stands in a label for a type that is none of ours.
pub(crate) const OTHER: &str = "other";

impl Metrics {
    /// Makes and registers them.
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricError> {
        Ok(Self {
            webhooks: registry.counters(
                "ingest_webhooks_total",
                "Webhooks by source, event type and answer (accepted, ignored, or the problem's name).",
                &["source", "type", "answer"],
            )?,
            rejected: registry.counters(
                "ingest_rejected_total",
                "Webhooks answered with 4xx, by source and problem.",
                &["source", "reason"],
            )?,
            answer_seconds: registry.histogram(
                "ingest_answer_seconds",
                "From a webhook's head to its answer, the broker's confirm included.",
                LATENCY_BUCKETS,
            )?,
            updates: registry.counters(
                "ingest_whatsapp_updates_total",
                "Updates in WhatsApp's notifications that were published, by kind.",
                &["kind"],
            )?,
            broker_ready: registry.gauge("ingest_broker_ready", "1 while events can be published.")?,
            unconfirmed: registry.counter(
                "ingest_publishes_unconfirmed_total",
                "Events that RabbitMQ did not confirm in time or refused.",
            )?,
            broken_files: registry.gauge(
                "ingest_broken_files",
                "Resort and source files that are broken now.",
            )?,
            refused_files: registry.counter(
                "ingest_refused_files_total",
                "How often a resort or source file was refused.",
            )?,
        })
    }

    /// Counts one answered webhook.
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

    /// How many webhooks were answered since the start.
    pub(crate) fn answered(&self) -> u64 {
        self.answer_seconds.get_sample_count()
    }

    /// Counts one published update of WhatsApp's.
    pub(crate) fn count_update(&self, kind: &str) {
        self.updates.with_label_values(&[kind]).inc();
    }
}
