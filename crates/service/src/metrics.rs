//! Metrics: one registry per process, written as Prometheus text.
//!
//! Binaries make their metrics here and need not name the library behind it.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::core::Collector;
use prometheus::{HistogramOpts, IntCounterVec as Counters, Opts, Registry, TextEncoder};

pub use prometheus::{Gauge, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use crate::logs;

/// Upper bounds in seconds for waits between a millisecond and a minute.
pub const LATENCY_BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// The metrics of one process; clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    panics: IntCounter,
    unreadable_connections: IntCounter,
}

/// A metric cannot be made: its name or a label is malformed, or the name is taken.
#[derive(Debug, thiserror::Error)]
#[error("cannot register the metric {name}")]
pub struct MetricError {
    name: String,
    #[source]
    cause: prometheus::Error,
}

impl Metrics {
    /// A registry that tells the program's name, version and start, and its panics.
    pub fn new(program: &str, version: &str) -> Result<Self, MetricError> {
        let registry = Arc::new(Registry::new());
        let counter = |name: &str, help: &str| register(&registry, name, IntCounter::new(name, help));
        let metrics = Self {
            panics: counter(
                "bellhop_panics_total",
                "Panics since the start; each is a defect.",
            )?,
            unreadable_connections: counter(
                "bellhop_unreadable_connections_total",
                "Connections that ended over what the peer sent: no HTTP, a head that is too large or malformed.",
            )?,
            registry: Arc::clone(&registry),
        };
        metrics
            .gauges(
                "bellhop_build_info",
                "Always 1; the labels name the program.",
                &["program", "version"],
            )?
            .with_label_values(&[program, version])
            .set(1);
        let started_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        metrics
            .number("process_start_time_seconds", "Start of the process, Unix time.")?
            .set(started_at.as_secs_f64());
        Ok(metrics)
    }

    pub fn counter(&self, name: &str, help: &str) -> Result<IntCounter, MetricError> {
        self.register(name, IntCounter::new(name, help))
    }

    /// Counters that differ in labels.
    pub fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, MetricError> {
        self.register(name, Counters::new(Opts::new(name, help), labels))
    }

    pub fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, MetricError> {
        self.register(name, IntGauge::new(name, help))
    }

    /// Whole numbers that differ in labels.
    pub fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, MetricError> {
        self.register(name, IntGaugeVec::new(Opts::new(name, help), labels))
    }

    /// A fractional number that goes up and down, such as an age in seconds.
    pub fn number(&self, name: &str, help: &str) -> Result<Gauge, MetricError> {
        self.register(name, Gauge::new(name, help))
    }

    /// A histogram without labels; see [`LATENCY_BUCKETS`].
    pub fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Result<Histogram, MetricError> {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.register(name, Histogram::with_opts(options))
    }

    /// Histograms that differ in labels; see [`LATENCY_BUCKETS`].
    pub fn histograms(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: &[f64],
    ) -> Result<HistogramVec, MetricError> {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.register(name, HistogramVec::new(options, labels))
    }

    /// Everything in Prometheus's text format.
    pub fn render(&self) -> String {
        self.panics
            .inc_by(logs::panics().saturating_sub(self.panics.get()));
        let unreadable = logs::unreadable_connections();
        self.unreadable_connections
            .inc_by(unreadable.saturating_sub(self.unreadable_connections.get()));
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap_or_else(|error| {
                log::error!(error = crate::chain(&error), event = "metrics_not_written"; "cannot write the metrics");
                String::new()
            })
    }

    fn register<C: Collector + Clone + 'static>(
        &self,
        name: &str,
        metric: prometheus::Result<C>,
    ) -> Result<C, MetricError> {
        register(&self.registry, name, metric)
    }
}

fn register<C: Collector + Clone + 'static>(
    registry: &Registry,
    name: &str,
    metric: prometheus::Result<C>,
) -> Result<C, MetricError> {
    metric
        .and_then(|metric| registry.register(Box::new(metric.clone())).map(|()| metric))
        .map_err(|cause| MetricError {
            name: name.to_owned(),
            cause,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_rendered() {
        let metrics = Metrics::new("ingest", "0.1.0").unwrap();
        let answers = metrics
            .counters("bellhop_answers_total", "Answers.", &["status"])
            .unwrap();

        answers.with_label_values(&["200"]).inc_by(3);

        let text = metrics.render();
        assert!(text.contains("bellhop_answers_total{status=\"200\"} 3"), "{text}");
        assert!(
            text.contains("bellhop_build_info{program=\"ingest\",version=\"0.1.0\"} 1"),
            "{text}"
        );
        assert!(text.contains("bellhop_panics_total 0"), "{text}");
    }

    #[test]
    fn a_name_can_be_taken_only_once() {
        let metrics = Metrics::new("ingest", "0.1.0").unwrap();
        metrics.gauge("in_flight", "Calls.").unwrap();

        let error = metrics.gauge("in_flight", "Calls.").unwrap_err();

        assert_eq!(error.to_string(), "cannot register the metric in_flight");
    }
}
