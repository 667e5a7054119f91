//! What a measurement has shown: figures, one value a round, beside the yardstick's of the same round.

use std::time::Duration;

use serde::Serialize;

/// One measurement's figures.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) measurement: &'static str,
    /// What was measured, in a line.
    pub(crate) about: &'static str,
    pub(crate) figures: Vec<Figure>,
    pub(crate) curves: Vec<Curve>,
    /// What is shown as it is, each list with its title.
    pub(crate) lists: Vec<(String, Vec<String>)>,
}

/// A value of every round.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) values: Vec<f64>,
    /// Empty, where there is none.
    pub(crate) yardstick: Vec<f64>,
}

/// What a chart shows.
#[derive(Debug, Serialize)]
pub(crate) struct Curve {
    pub(crate) chart: &'static str,
    pub(crate) name: String,
    pub(crate) x: &'static str,
    pub(crate) y: &'static str,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Report {
    pub(crate) fn new(measurement: &'static str, about: &'static str) -> Self {
        Self {
            measurement,
            about,
            figures: Vec::new(),
            curves: Vec::new(),
            lists: Vec::new(),
        }
    }

    /// A round's value.
    pub(crate) fn add(&mut self, name: &str, unit: &'static str, value: f64) {
        self.figure(name, unit, |figure| figure.values.push(value));
    }

    /// What one message cost each program in a round, in microseconds of CPU; `part` names the round's load, where it has one.
    pub(crate) fn add_cpu(&mut self, part: &str, unit: &'static str, used: &[(String, f64)]) {
        for (name, us) in used {
            self.add(&format!("{part}CPU of {name}"), unit, *us);
        }
    }

    /// A round's value, and the yardstick's.
    pub(crate) fn add_pair(&mut self, name: &str, unit: &'static str, value: f64, yardstick: f64) {
        self.figure(name, unit, |figure| {
            figure.values.push(value);
            figure.yardstick.push(yardstick);
        });
    }

    fn figure(&mut self, name: &str, unit: &'static str, change: impl FnOnce(&mut Figure)) {
        if let Some(known) = self.figures.iter_mut().find(|figure| figure.name == name) {
            return change(known);
        }
        let mut figure = Figure {
            name: name.to_owned(),
            unit,
            values: Vec::new(),
            yardstick: Vec::new(),
        };
        change(&mut figure);
        self.figures.push(figure);
    }
}

impl Figure {
    /// The median of the ratios within each round.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let pairs = self.values.iter().zip(&self.yardstick);
        let ratios: Vec<f64> = pairs.map(|(value, yardstick)| value / yardstick).collect();
        (!ratios.is_empty()).then(|| median(&ratios))
    }
}

/// In milliseconds.
pub(crate) fn quantile(durations: &[Duration], part: f64) -> f64 {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    let place = ((sorted.len() as f64 * part) as usize).min(sorted.len().saturating_sub(1));
    sorted
        .get(place)
        .map_or(0.0, |duration| duration.as_secs_f64() * 1e3)
}

/// The middle one; of an even number the upper of the two in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_medians_are_values_that_were_measured() {
        let durations: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();

        assert!((quantile(&durations, 0.50) - 51.0).abs() < 1e-9);
        assert!((quantile(&durations, 0.99) - 100.0).abs() < 1e-9);
        assert!(quantile(&[], 0.5).abs() < 1e-9);
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_ratio_is_taken_within_each_round() {
        let mut report = Report::new("any", "any");
        for (value, yardstick) in [(10.0, 20.0), (30.0, 40.0), (5.0, 50.0)] {
            report.add_pair("throughput", "/s", value, yardstick);
        }

        let ratios: Vec<_> = report.figures.iter().filter_map(Figure::ratio).collect();

        assert_eq!(ratios, [0.5]);
    }
}
