//! What every daemon exports of itself: readiness, lost connections, when its files were read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::health::Readiness;
use crate::metrics::{Gauge, IntCounter, IntCounterVec, MetricError, Metrics};

#[derive(Clone)]
pub(super) struct DaemonMetrics {
    files_read_at: Gauge,
    connection_losses: IntCounterVec,
    alerts_dropped: IntCounter,
}

impl DaemonMetrics {
    pub(super) fn new(metrics: &Metrics, readiness: &Readiness) -> Result<Self, MetricError> {
        let readiness = readiness.clone();
        metrics.observed("bellhop_ready", "1 while /readyz answers 200.", move || {
            f64::from(u8::from(readiness.is_ready()))
        })?;
        Ok(Self {
            files_read_at: metrics.number(
                "bellhop_files_read_timestamp_seconds",
                "When the resort and source files were last read, Unix time.",
            )?,
            connection_losses: metrics.counters(
                "bellhop_connection_losses_total",
                "How often a connection to RabbitMQ was lost or became useless, by connection.",
                &["connection"],
            )?,
            alerts_dropped: metrics.counter(
                "bellhop_alerts_dropped_total",
                "Alerts that resorts were not told of, because too many waited; each is in the log.",
            )?,
        })
    }

    pub(super) fn note_files_read(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.files_read_at.set(now.as_secs_f64());
    }

    /// Notes how many alerts were dropped since the start.
    pub(super) fn note_dropped_alerts(&self, total: u64) {
        self.alerts_dropped
            .inc_by(total.saturating_sub(self.alerts_dropped.get()));
    }

    /// The series of one connection, which begins with 0.
    pub(super) fn connection_losses(&self, connection: &str) -> IntCounter {
        self.connection_losses.with_label_values(&[connection])
    }
}

/// Counts how often a condition that held holds no more.
pub(super) struct Losses {
    held: AtomicBool,
    counter: IntCounter,
}

impl Losses {
    pub(super) fn new(counter: IntCounter) -> Self {
        Self {
            held: AtomicBool::new(false),
            counter,
        }
    }

    /// Returns what it is given.
    pub(super) fn count(&self, holds: Result<(), String>) -> Result<(), String> {
        if self.held.swap(holds.is_ok(), Ordering::Relaxed) && holds.is_err() {
            self.counter.inc();
        }
        holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_counts_as_lost_once_for_each_time_that_it_worked_before() {
        let (metrics, readiness) = (Metrics::new("sender", "0").unwrap(), Readiness::new());
        let own = DaemonMetrics::new(&metrics, &readiness).unwrap();
        let losses = Losses::new(own.connection_losses("rabbitmq"));
        let counted = || {
            metrics
                .render()
                .lines()
                .find_map(|line| {
                    line.strip_prefix("bellhop_connection_losses_total{connection=\"rabbitmq\"} ")
                        .map(str::to_owned)
                })
                .unwrap()
        };
        let away = || Err("connection refused".to_owned());

        assert_eq!(losses.count(away()), away());
        assert_eq!(counted(), "0", "the first connection");
        assert_eq!(losses.count(Ok(())), Ok(()));
        let _ = [losses.count(away()), losses.count(away())];
        assert_eq!(counted(), "1");
        let _ = [losses.count(Ok(())), losses.count(away())];
        assert_eq!(counted(), "2");
    }

    #[test]
    fn dropped_alerts_are_counted_once() {
        let (metrics, readiness) = (Metrics::new("sender", "0").unwrap(), Readiness::new());
        let own = DaemonMetrics::new(&metrics, &readiness).unwrap();

        for total in [0, 2, 2, 5] {
            own.note_dropped_alerts(total);
        }

        assert!(metrics.render().contains("\nbellhop_alerts_dropped_total 5\n"));
    }

    #[test]
    fn readiness_is_exported_as_it_is() {
        let (metrics, readiness) = (Metrics::new("sender", "0").unwrap(), Readiness::new());
        let own = DaemonMetrics::new(&metrics, &readiness).unwrap();
        readiness.expect("rabbitmq");
        assert!(metrics.render().contains("\nbellhop_ready 0\n"));
        assert!(
            metrics
                .render()
                .contains("\nbellhop_files_read_timestamp_seconds 0\n")
        );

        readiness.set("rabbitmq", Ok(()));
        own.note_files_read();

        assert!(metrics.render().contains("\nbellhop_ready 1\n"));
        assert!(own.files_read_at.get() > 1_000_000_000.0);
    }
}
