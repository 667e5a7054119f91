//! The chart of the report: for each month the share of each group that booked, with its 95 % interval. It is drawn by the server; the
//! table beside it says the same in numbers.

use domain::report::Group;

use crate::actions::report::{MonthView, percent};

pub(super) const WIDTH: u32 = 640;
pub(super) const HEIGHT: u32 = 220;
/// Room for the labels.
const LEFT: f64 = 50.0;
const BOTTOM: f64 = 190.0;
const TOP: f64 = 15.0;

pub(super) struct Chart {
    pub(super) lines: Vec<Line>,
    pub(super) months: Vec<Label>,
    pub(super) points: Vec<Point>,
}

/// A line of the grid.
pub(super) struct Line {
    pub(super) y: String,
    pub(super) label: String,
}

pub(super) struct Label {
    pub(super) x: String,
    pub(super) text: String,
}

/// A group's share, and the ends of its interval.
pub(super) struct Point {
    /// The class of its colour.
    pub(super) group: &'static str,
    pub(super) x: String,
    pub(super) y: String,
    pub(super) low: String,
    pub(super) high: String,
    pub(super) title: String,
}

impl Chart {
    pub(super) fn of(months: &[MonthView]) -> Self {
        let groups = |month: &MonthView| [month.figures.reminded.clone(), month.figures.held_out.clone()];
        let shown = months.iter().flat_map(groups).filter(|group| group.guests > 0);
        let highest = shown.map(|group| group.share().interval().1).fold(0.05, f64::max);
        // In steps of 5 %.
        let top = ((highest * 20.0).ceil() / 20.0).min(1.0);
        let y = |share: f64| BOTTOM - share / top * (BOTTOM - TOP);
        let slot = (f64::from(WIDTH) - LEFT) / f64::from(u32::try_from(months.len()).unwrap_or(1).max(1));
        let mut chart = Self {
            lines: [0.0, 0.5, 1.0]
                .map(|part| Line {
                    y: number(y(part * top)),
                    label: percent(part * top),
                })
                .into(),
            months: Vec::new(),
            points: Vec::new(),
        };
        for (index, month) in (0_u32..).zip(months) {
            let middle = LEFT + slot * (f64::from(index) + 0.5);
            chart.months.push(Label {
                x: number(middle),
                text: month.month.clone(),
            });
            for (group, name, x) in [
                (&month.figures.reminded, "reminded", middle - 6.0),
                (&month.figures.held_out, "held-out", middle + 6.0),
            ] {
                chart.points.extend(point((group, name), &month.month, x, y));
            }
        }
        chart
    }
}

/// `None`: the group is empty.
fn point(
    (group, name): (&Group, &'static str),
    month: &str,
    x: f64,
    y: impl Fn(f64) -> f64,
) -> Option<Point> {
    let share = group.share();
    let (low, high) = share.interval();
    let said = format!(
        "{month}, {name}: {} of {} booked ({})",
        group.booked,
        group.guests,
        percent(share.rate())
    );
    (group.guests > 0).then(|| Point {
        group: name,
        x: number(x),
        y: number(y(share.rate())),
        low: number(y(low)),
        high: number(y(high)),
        title: said,
    })
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::report::Figures;

    fn month(name: &str, reminded: (u64, u64), held_out: (u64, u64)) -> MonthView {
        let group = |(booked, guests)| Group {
            guests,
            booked,
            ..Group::default()
        };
        MonthView {
            month: name.to_owned(),
            is_final: true,
            figures: Figures {
                reminded: group(reminded),
                held_out: group(held_out),
                ..Figures::default()
            },
        }
    }

    #[test]
    fn each_group_with_guests_has_a_point_within_its_interval() {
        let chart = Chart::of(&[
            month("2026-10", (80, 1_000), (5, 100)),
            month("2026-11", (3, 40), (0, 0)),
        ]);

        assert_eq!(chart.months.len(), 2);
        assert_eq!(chart.points.len(), 3);
        for point in &chart.points {
            let at = |text: &str| text.parse::<f64>().unwrap();
            // Downwards.
            assert!(at(&point.high) <= at(&point.y) && at(&point.y) <= at(&point.low));
            assert!((TOP..=BOTTOM).contains(&at(&point.high)), "{}", point.high);
        }
        assert_eq!(
            chart.points[0].title,
            "2026-10, reminded: 80 of 1000 booked (8.0%)"
        );
    }

    #[test]
    fn a_month_without_guests_is_an_empty_chart() {
        let chart = Chart::of(&[month("2026-11", (0, 0), (0, 0))]);

        assert_eq!((chart.months.len(), chart.points.len()), (1, 0));
        assert_eq!(chart.lines[2].label, "5.0%");
    }
}
