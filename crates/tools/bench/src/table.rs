//! The table, and the file with all values.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use crate::figures::{Figure, Report, median};

/// The medians, and those of the ratios within each round.
pub(crate) fn print(report: &Report) {
    let rounds = report.figures.iter().map(|figure| figure.values.len()).max();
    line(&format!(
        "\n{}: {}; medians of {} rounds",
        report.measurement,
        report.about,
        rounds.unwrap_or_default()
    ));
    line(&format!(
        "  {:<52} {:>10} {:>21} {:>10} {:>7}",
        "", "median", "lowest to highest", "yardstick", "ratio"
    ));
    report.figures.iter().for_each(row);
    for (title, lines) in &report.lists {
        line(&format!("\n  {title}"));
        lines.iter().for_each(|one| line(&format!("  {one}")));
    }
}

fn row(figure: &Figure) {
    let (lowest, highest) = figure
        .values
        .iter()
        .fold((f64::MAX, f64::MIN), |(low, high), value| {
            (low.min(*value), high.max(*value))
        });
    let (mut yardstick, mut ratio) = (String::new(), String::new());
    if let Some(found) = figure.ratio() {
        (yardstick, ratio) = (number(median(&figure.yardstick)), format!("{found:.2}"));
    }
    let name = format!("{} [{}]", figure.name, figure.unit);
    let range = format!("{} to {}", number(lowest), number(highest));
    line(&format!(
        "  {name:<52} {:>10} {range:>21} {yardstick:>10} {ratio:>7}",
        number(median(&figure.values))
    ));
}

/// Three digits that say something.
fn number(value: f64) -> String {
    match value.abs() {
        size if !(1e-9..100.0).contains(&size) => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

pub(crate) fn write(report: &Report, folder: &Path) -> anyhow::Result<()> {
    let file = folder.join(format!("{}.json", report.measurement));
    Ok(fs::write(file, serde_json::to_vec_pretty(report)?)?)
}

/// A reader that has gone away is no failure.
pub(crate) fn line(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}
