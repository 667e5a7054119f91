//! Metrics: one registry per process, written as Prometheus text.
//!
//! Binaries make their metrics here and need not name the library behind it.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::core::Collector;
use prometheus::{HistogramOpts, IntCounterVec as Counters, Opts, PullingGauge, Registry, TextEncoder};

pub use prometheus::{Gauge, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use crate::logs;

/// Upper bounds in seconds for waits between a millisecond and a minute. Most calls are given up after 10 s: with the next bound at 30 s a
/// chart showed them as 28 s.
pub const LATENCY_BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 12.0, 20.0, 30.0, 60.0,
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

    /// A gauge whose value is asked for whenever the metrics are written; `value` must neither block nor fail.
    pub fn observed(
        &self,
        name: &str,
        help: &str,
        value: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Result<(), MetricError> {
        self.register(name, PullingGauge::new(name, help, Box::new(value)))
            .map(drop)
    }

    /// How many connections of a pool are in use, and how many it may have, from a function that returns both.
    pub fn pool(
        &self,
        connections: impl Fn() -> (u32, u32) + Clone + Send + Sync + 'static,
    ) -> Result<(), MetricError> {
        let in_use = connections.clone();
        self.observed(
            "bellhop_database_connections_in_use",
            "Connections to Postgres that a query uses now.",
            move || f64::from(in_use().0),
        )?;
        self.observed(
            "bellhop_database_connections_max",
            "How many connections to Postgres this process may use for queries.",
            move || f64::from(connections().1),
        )
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
    fn an_observed_value_is_that_of_the_moment_in_which_the_metrics_are_written() {
        let metrics = Metrics::new("sender", "0.1.0").unwrap();
        let in_use = Arc::new(std::sync::atomic::AtomicU8::new(3));
        let observed = Arc::clone(&in_use);
        let now = move || f64::from(observed.load(std::sync::atomic::Ordering::Relaxed));
        metrics
            .observed("bellhop_connections_in_use", "Connections.", now)
            .unwrap();
        assert!(metrics.render().contains("bellhop_connections_in_use 3"));

        in_use.store(5, std::sync::atomic::Ordering::Relaxed);

        assert!(metrics.render().contains("bellhop_connections_in_use 5"));
    }

    #[test]
    fn a_name_can_be_taken_only_once() {
        let metrics = Metrics::new("ingest", "0.1.0").unwrap();
        metrics.gauge("in_flight", "Calls.").unwrap();

        let error = metrics.gauge("in_flight", "Calls.").unwrap_err();

        assert_eq!(error.to_string(), "cannot register the metric in_flight");
    }
}
