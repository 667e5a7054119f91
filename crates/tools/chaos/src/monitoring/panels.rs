//! The dashboards of `deploy/grafana` as pictures: what an operator would have seen of a run.

use std::fs;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use testkit::dashboards::{Dashboard, NAMES, Panel, WITHOUT_SERIES};
use testkit::prometheus::{Prometheus, Range, Series};

/// The size of one cell of Grafana's grid, in pixels.
const COLUMN: u32 = 54;
const ROW: u32 = 25;
const COLUMNS: u32 = 24;
/// For the dashboard's title.
const HEAD: u32 = 40;
const MARGIN: u32 = 8;

/// The legend beside a chart, in pixels.
const LEGEND: u32 = 122;
const LONGEST_LEGEND: usize = 8;
/// Colours that stay apart for those who see no red or no green (Okabe and Ito).
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];
const FRAME: RGBColor = RGBColor(217, 222, 220);
const QUIET: RGBColor = RGBColor(85, 98, 94);
const TEXT: RGBColor = RGBColor(27, 36, 34);

/// Metrics that a run may not have, beside [`WITHOUT_SERIES`]: no webhook is refused, and the desk's page is not part of it.
const MAY_BE_MISSING: [&str; 4] = [
    "bellhop_webhooks_rejected_total",
    "bellhop_pages_total",
    "bellhop_page_seconds_bucket",
    "bellhop_sign_ins_total",
];

type Canvas<'s> = DrawingArea<SVGBackend<'s>, Shift>;

/// A panel's lines, each with its name.
type Lines = Vec<(String, Vec<(f64, f64)>)>;

/// Draws each dashboard into a file of its own, and returns the queries that nothing answered.
pub(super) async fn draw(prometheus: &Prometheus, run: Range, folder: &Path) -> anyhow::Result<Vec<String>> {
    fs::create_dir_all(folder)?;
    let mut unanswered = Vec::new();
    for name in NAMES {
        let dashboard = Dashboard::read(name);
        let mut lines = Vec::new();
        for panel in &dashboard.panels {
            lines.push(ask(prometheus, panel, run, &mut unanswered).await?);
        }
        fs::write(
            folder.join(format!("{name}.svg")),
            picture(&dashboard, &lines, run)?,
        )?;
    }
    Ok(unanswered)
}

/// What a panel shows: of a figure its last value.
async fn ask(
    prometheus: &Prometheus,
    panel: &Panel,
    run: Range,
    unanswered: &mut Vec<String>,
) -> anyhow::Result<Lines> {
    let range = if panel.kind == "stat" { run.end() } else { run };
    let mut lines = Lines::new();
    for query in &panel.queries {
        let asked = query.asked("15s", &format!("{:.0}s", run.seconds()));
        let series = prometheus.over(&asked, range).await?;
        let may_be_empty = WITHOUT_SERIES
            .iter()
            .chain(&MAY_BE_MISSING)
            .any(|metric| asked.contains(metric));
        if series.is_empty() && !may_be_empty {
            unanswered.push(format!("{}: {asked}", panel.title));
        }
        let of_query = series.iter().map(|one| line(one, &query.legend_format, run));
        lines.extend(of_query.filter(|(_, points)| !points.is_empty()));
    }
    Ok(lines)
}

/// A series by its name in the legend, over the seconds of the run.
fn line(series: &Series, legend: &str, run: Range) -> (String, Vec<(f64, f64)>) {
    let named = series
        .labels
        .iter()
        .fold(legend.to_owned(), |text, (label, value)| {
            text.replace(&format!("{{{{{label}}}}}"), value)
        });
    let points = series.points().map(|(at, value)| (at - run.begin(), value));
    (named, points.collect())
}

fn picture(dashboard: &Dashboard, lines: &[Lines], run: Range) -> anyhow::Result<String> {
    let below = |panel: &Panel| panel.place.row + panel.place.rows;
    let rows = dashboard.panels.iter().map(below).max().unwrap_or_default();
    let mut svg = String::new();
    let canvas = SVGBackend::with_string(&mut svg, (COLUMNS * COLUMN, HEAD + rows * ROW)).into_drawing_area();
    canvas.fill(&WHITE)?;
    canvas.draw_text(&dashboard.title, &text_style(20, &TEXT), (12, 10))?;
    for (panel, lines) in dashboard.panels.iter().zip(lines) {
        let place = &panel.place;
        let corner = (place.column * COLUMN, HEAD + place.row * ROW);
        let area = canvas
            .clone()
            .shrink(corner, (place.columns * COLUMN, place.rows * ROW));
        let area = area.margin(3, 3, 3, 3);
        let (width, height) = area.dim_in_pixel();
        let frame = (i32::try_from(width)? - 1, i32::try_from(height)? - 1);
        area.draw(&Rectangle::new([(0, 0), frame], FRAME))?;
        if panel.kind == "stat" {
            draw_figure(&area, panel, lines)?;
        } else {
            draw_chart(&area, panel, lines, run)?;
        }
    }
    canvas.present()?;
    drop(canvas);
    Ok(svg)
}

fn draw_figure(area: &Canvas<'_>, panel: &Panel, lines: &Lines) -> anyhow::Result<()> {
    area.draw_text(&panel.title, &text_style(13, &QUIET), (10, 8))?;
    let last = |(_, points): &(String, Vec<(f64, f64)>)| {
        points.last().map(|(_, value)| written(*value, panel.unit()))
    };
    let values: Vec<String> = lines.iter().filter_map(last).collect();
    let text = if values.is_empty() {
        "no data".to_owned()
    } else {
        values.join("  ")
    };
    area.draw_text(&text, &text_style(30, &TEXT), (10, 38))?;
    Ok(())
}

fn draw_chart(area: &Canvas<'_>, panel: &Panel, lines: &Lines, run: Range) -> anyhow::Result<()> {
    let (width, _) = area.dim_in_pixel();
    let (left, legend) = area.split_horizontally(width - LEGEND);
    // The highest first: it is what one looks for.
    let mut lines: Vec<_> = lines
        .iter()
        .map(|(name, points)| (highest(points), name, points))
        .collect();
    lines.sort_by(|(one, ..), (other, ..)| other.total_cmp(one));
    let top = lines.first().map_or(0.0, |(highest, ..)| *highest);
    let mut chart = ChartBuilder::on(&left)
        .caption(&panel.title, text_style(13, &TEXT))
        .margin(MARGIN)
        .x_label_area_size(18)
        .y_label_area_size(52)
        // Of a chart whose values are all 0 the line lies on the axis.
        .build_cartesian_2d(0.0..run.seconds(), 0.0..if top > 0.0 { top * 1.1 } else { 1.0 })?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FRAME)
        .axis_style(FRAME)
        .label_style(text_style(10, &QUIET))
        .x_labels(6)
        .y_labels(4)
        .x_label_formatter(&|second| format!("{:.0}:{:02.0}", (second / 60.0).floor(), second % 60.0))
        .y_label_formatter(&|value| written(*value, panel.unit()))
        .draw()?;
    let is_shown = |highest: f64| highest > 0.0 || top == 0.0 && lines.len() == 1;
    let (mut below, mut shown) = (40, 0);
    for (index, (highest, name, points)) in lines.iter().enumerate() {
        let colour = COLOURS
            .get(index % COLOURS.len())
            .copied()
            .unwrap_or(TEXT)
            .stroke_width(2);
        chart.draw_series(LineSeries::new(points.iter().copied(), colour))?;
        if shown < LONGEST_LEGEND && is_shown(*highest) {
            legend.draw(&PathElement::new([(0, below), (12, below)], colour))?;
            legend.draw_text(name, &text_style(10, &QUIET), (16, below - 6))?;
            (below, shown) = (below + 18, shown + 1);
        }
    }
    if shown == 0 {
        let says = if lines.is_empty() { "no data" } else { "all are 0" };
        legend.draw_text(says, &text_style(10, &QUIET), (0, below - 6))?;
    }
    Ok(())
}

fn highest(points: &[(f64, f64)]) -> f64 {
    points.iter().map(|(_, value)| *value).fold(0.0, f64::max)
}

fn text_style(size: i32, colour: &'static RGBColor) -> TextStyle<'static> {
    TextStyle::from(("sans-serif", size).into_font()).color(colour)
}

/// A value in a unit as Grafana names it.
fn written(value: f64, unit: &str) -> String {
    let short = |value: f64| match value.abs() {
        large if large >= 1e6 => format!("{:.1}M", value / 1e6),
        large if large >= 1e4 => format!("{:.0}k", value / 1e3),
        large if large >= 10.0 || value.fract() == 0.0 => format!("{value:.0}"),
        large if large >= 1.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    match unit {
        "percentunit" => format!("{} %", short(value * 100.0)),
        "reqps" | "ops" => format!("{}/s", short(value)),
        "s" if value >= 60.0 => format!("{} min", short(value / 60.0)),
        "s" if value >= 1.0 || value == 0.0 => format!("{} s", short(value)),
        "s" => format!("{} ms", short(value * 1e3)),
        _ => short(value),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    #[test]
    fn a_value_is_written_in_its_unit() {
        let check = |value, unit, expected: &str| assert_eq!(written(value, unit), expected);

        check(0.0, "s", "0 s");
        check(0.0042, "s", "4.2 ms");
        check(90.0, "s", "1.5 min");
        check(0.125, "percentunit", "12 %");
        check(80.25, "reqps", "80/s");
        check(6_000.0, "short", "6000");
        check(12_345.0, "short", "12k");
        check(1.0, "none", "1");
    }

    #[test]
    fn every_dashboard_has_a_picture_with_all_of_its_panels() {
        let begin = DateTime::UNIX_EPOCH;
        let run = Range::of(begin, begin + TimeDelta::seconds(90));
        for name in NAMES {
            let dashboard = Dashboard::read(name);
            let of_panel = vec![("a < b".to_owned(), vec![(0.0, 1.0), (90.0, 2.0)])];
            let lines: Vec<Lines> = dashboard.panels.iter().map(|_| of_panel.clone()).collect();

            let svg = picture(&dashboard, &lines, run).unwrap();

            for panel in &dashboard.panels {
                let title = panel.title.replace('\'', "&apos;");
                assert!(svg.contains(&title), "{title}");
            }
            assert!(svg.contains("a &lt; b") && !svg.contains("NaN"), "{name}");
        }
    }
}
