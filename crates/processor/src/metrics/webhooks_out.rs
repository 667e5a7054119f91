//! Metrics of webhooks out.

use domain::webhook_out::WebhookEvent;
use service::metrics::{Gauge, Histogram, IntCounterVec, IntGauge, LATENCY_BUCKETS, MetricError, Metrics};
use store::webhooks_out::Figures;

const RESULTS: [&str; 5] = ["sent", "retried", "dead", "unsubscribed", "nobody"];

#[derive(Clone)]
pub(crate) struct WebhookMetrics {
    pub(crate) results: IntCounterVec,
    pub(crate) seconds: Histogram,
    waiting: IntGauge,
    oldest: Gauge,
}

impl WebhookMetrics {
    pub(super) fn new(metrics: &Metrics) -> Result<Self, MetricError> {
        let known = Self {
            results: metrics.counters(
                "bellhop_webhooks_out_total",
                "Webhooks to resorts' own tools, by event and result of the attempt.",
                &["event", "result"],
            )?,
            seconds: metrics.histogram(
                "bellhop_webhook_out_seconds",
                "Duration of calls of resorts' own tools.",
                LATENCY_BUCKETS,
            )?,
            waiting: metrics.gauge(
                "bellhop_webhooks_out_waiting",
                "Webhooks that resorts' own tools are still to be sent, in the whole database.",
            )?,
            oldest: metrics.number(
                "bellhop_webhooks_out_oldest_seconds",
                "Age of the oldest webhook that is still to be sent, in the whole database.",
            )?,
        };
        for event in WebhookEvent::ALL {
            for result in RESULTS {
                known.results.with_label_values(&[event.as_str(), result]);
            }
        }
        Ok(known)
    }

    pub(super) fn show(&self, figures: Figures) {
        self.waiting.set(figures.waiting);
        self.oldest.set(figures.oldest_seconds);
    }

    pub(super) fn reset(&self) {
        self.waiting.set(0);
        self.oldest.set(0.0);
    }
}
