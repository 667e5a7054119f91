//! Charts: lines over a common axis, as SVG.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::figures::{Curve, Report};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 140.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 50.0;
const COLOURS: [&str; 4] = ["#1f6f8b", "#c8553d", "#588157", "#6d597a"];
/// Lines across.
const STEPS: u32 = 5;

/// Writes a file for each chart.
pub(crate) fn write(report: &Report, folder: &Path) -> anyhow::Result<()> {
    let mut charts: BTreeMap<&str, Vec<&Curve>> = BTreeMap::new();
    for curve in &report.curves {
        charts.entry(curve.chart).or_default().push(curve);
    }
    for (name, curves) in charts {
        fs::write(folder.join(format!("{name}.svg")), svg(&curves))?;
    }
    Ok(())
}

/// Steps on x are factors, on y differences.
struct Axes {
    lowest_x: f64,
    highest_x: f64,
    highest_y: f64,
}

impl Axes {
    fn of(curves: &[&Curve]) -> Self {
        let points = || curves.iter().flat_map(|curve| &curve.points);
        Self {
            lowest_x: points().map(|(x, _)| *x).fold(f64::MAX, f64::min),
            highest_x: points().map(|(x, _)| *x).fold(f64::MIN, f64::max),
            highest_y: points().map(|(_, y)| *y).fold(1e-9, f64::max) * 1.05,
        }
    }

    fn x(&self, value: f64) -> f64 {
        let whole = (self.highest_x / self.lowest_x).ln().max(1e-9);
        LEFT + (value / self.lowest_x).ln() / whole * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - value / self.highest_y * (HEIGHT - TOP - BOTTOM)
    }
}

fn svg(curves: &[&Curve]) -> String {
    let axes = Axes::of(curves);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for step in 0..=STEPS {
        let value = axes.highest_y * f64::from(step) / f64::from(STEPS);
        let (y, left, right) = (axes.y(value), LEFT, WIDTH - RIGHT);
        let _ = writeln!(
            svg,
            "<line x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>"
        );
        label(&mut svg, (left - 6.0, y + 4.0), "end", &short(value));
    }
    for (curve, colour) in curves.iter().zip(COLOURS.into_iter().cycle()) {
        line(&mut svg, &axes, curve, colour);
    }
    if let Some(first) = curves.first() {
        for (x, _) in &first.points {
            label(
                &mut svg,
                (axes.x(*x), HEIGHT - BOTTOM + 18.0),
                "middle",
                &short(*x),
            );
        }
        let middle = (LEFT + WIDTH - RIGHT) / 2.0;
        label(&mut svg, (middle, HEIGHT - 10.0), "middle", first.x);
        label(&mut svg, (LEFT, TOP - 6.0), "middle", first.y);
    }
    svg + "</svg>\n"
}

fn line(svg: &mut String, axes: &Axes, curve: &Curve, colour: &str) {
    let place = |(x, y): &(f64, f64)| format!("{:.1},{:.1}", axes.x(*x), axes.y(*y));
    let points: Vec<String> = curve.points.iter().map(place).collect();
    let _ = writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
        points.join(" ")
    );
    for (x, y) in &curve.points {
        let (x, y) = (axes.x(*x), axes.y(*y));
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
        );
    }
    if let Some((x, y)) = curve.points.last() {
        label(svg, (axes.x(*x) + 8.0, axes.y(*y) + 4.0), "start", &curve.name);
    }
}

fn label(svg: &mut String, (x, y): (f64, f64), anchor: &str, text: &str) {
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
    );
}

fn short(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{}M", value / 1e6),
        value if value >= 10.0 || value == 0.0 => format!("{value:.0}"),
        value => format!("{value:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_holds_a_line_for_each_curve_within_its_frame() {
        let curve = |name: &str, points| Curve {
            chart: "any",
            name: name.to_owned(),
            x: "connections",
            y: "webhooks/s",
            points,
        };
        let (one, other) = (
            curve("ingest", vec![(1.0, 10.0), (4.0, 40.0), (16.0, 20.0)]),
            curve("floor", vec![(1.0, 20.0), (16.0, 80.0)]),
        );

        let svg = svg(&[&one, &other]);

        assert_eq!(svg.matches("<polyline").count(), 2);
        assert!(svg.contains("points=\"80.0,310.7 330.0,"), "{svg}");
        assert!(
            svg.contains(">ingest</text>") && svg.contains(">floor</text>"),
            "{svg}"
        );
    }
}
