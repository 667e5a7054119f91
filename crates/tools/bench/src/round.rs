//! What one round has shown.

use std::time::Duration;

use serde::Serialize;

use crate::load::Taken;

/// One program under one load.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Round {
    /// Webhooks answered in a second.
    pub(crate) per_second: f64,
    /// Half of the answers came within so many milliseconds.
    pub(crate) p50_ms: f64,
    /// All but one in a hundred came within so many milliseconds.
    pub(crate) p99_ms: f64,
    /// Microseconds of processor time that the program used for one webhook, of all its threads together. The client,
    /// RabbitMQ and whatever else runs on the machine do not count.
    pub(crate) cpu_us: f64,
}

impl Round {
    pub(crate) fn new(taken: &Taken, cpu: Duration) -> Self {
        let count = taken.each.len().max(1) as f64;
        Self {
            per_second: count / taken.all.as_secs_f64(),
            p50_ms: quantile(&taken.each, 0.50),
            p99_ms: quantile(&taken.each, 0.99),
            cpu_us: cpu.as_secs_f64() * 1e6 / count,
        }
    }
}

/// In milliseconds; of durations in their order.
fn quantile(sorted: &[Duration], part: f64) -> f64 {
    let place = ((sorted.len() as f64 * part) as usize).min(sorted.len().saturating_sub(1));
    sorted
        .get(place)
        .map_or(0.0, |duration| duration.as_secs_f64() * 1e3)
}

/// The middle one; of an even number the upper of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_medians_are_values_that_were_measured() {
        let durations: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();

        assert!((quantile(&durations, 0.50) - 51.0).abs() < 1e-9);
        assert!((quantile(&durations, 0.99) - 100.0).abs() < 1e-9);
        assert!(quantile(&[], 0.5).abs() < 1e-9);
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
    }
}
