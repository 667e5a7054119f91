//! Charts: lines over a common axis, as SVG.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use plotters::prelude::*;

use crate::figures::{Curve, Report};

const SIZE: (u32, u32) = (720, 400);
const COLOURS: [RGBColor; 4] = [
    RGBColor(31, 111, 139),
    RGBColor(200, 85, 61),
    RGBColor(88, 129, 87),
    RGBColor(109, 89, 122),
];
const GRID: RGBColor = RGBColor(221, 221, 221);

/// Writes a file for each chart.
pub(crate) fn write(report: &Report, folder: &Path) -> anyhow::Result<()> {
    let mut charts: BTreeMap<&str, Vec<&Curve>> = BTreeMap::new();
    for curve in &report.curves {
        charts.entry(curve.chart).or_default().push(curve);
    }
    for (name, curves) in charts {
        fs::write(folder.join(format!("{name}.svg")), svg(&curves)?)?;
    }
    Ok(())
}

/// Steps on x are factors, on y differences.
fn svg(curves: &[&Curve]) -> anyhow::Result<String> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let lowest_x = points().map(|(x, _)| *x).fold(f64::MAX, f64::min);
    // An axis has a length, also where there is one value.
    let highest_x = points().map(|(x, _)| *x).fold(lowest_x * 1.01, f64::max);
    let highest_y = points().map(|(_, y)| *y).fold(1e-9, f64::max) * 1.05;
    let mut svg = String::new();
    let canvas = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    canvas.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&canvas)
        .margin(16)
        .x_label_area_size(40)
        .y_label_area_size(64)
        .build_cartesian_2d((lowest_x..highest_x).log_scale(), 0.0..highest_y)?;
    let first = curves.first();
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .y_labels(6)
        .x_desc(first.map_or("", |curve| curve.x))
        .y_desc(first.map_or("", |curve| curve.y))
        .x_label_formatter(&|x| short(*x))
        .y_label_formatter(&|y| short(*y))
        .draw()?;
    for (curve, colour) in curves.iter().zip(COLOURS.into_iter().cycle()) {
        let line = LineSeries::new(curve.points.iter().copied(), colour.stroke_width(2)).point_size(3);
        chart
            .draw_series(line)?
            .label(&curve.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .position(SeriesLabelPosition::UpperLeft)
        .draw()?;
    canvas.present()?;
    drop(chart);
    drop(canvas);
    Ok(svg)
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
    fn a_chart_holds_a_line_for_each_curve_with_its_name() {
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

        let svg = svg(&[&one, &other]).unwrap();

        for text in ["ingest", "floor", "connections", "webhooks/s"] {
            assert!(svg.contains(text), "{svg}");
        }
        // A line of each, the legend's, and a circle for each point.
        let lines_of = |colour: &str| {
            let polylines = svg.split("<polyline").skip(1);
            polylines
                .filter(|line| line.split('>').next().is_some_and(|line| line.contains(colour)))
                .count()
        };
        assert_eq!((lines_of("#1F6F8B"), lines_of("#C8553D")), (2, 2));
        assert_eq!(svg.matches("<circle").count(), 5);
    }
}
