//! The table, and the file with all figures.

use std::fs;
use std::io::{self, Write as _};

use serde_json::json;

use crate::checks::Pair;
use crate::round::{Round, median};
use crate::settings::Settings;

/// One pair of rounds; the first warms up.
pub(crate) fn progress(round: usize, pair: &Pair) {
    let name = if round == 0 {
        "warm-up".to_owned()
    } else {
        format!("round {round}")
    };
    line(&format!(
        "{name:<8} yardstick {:6.0}/s {:5.0} µs   ingest {:6.0}/s {:5.0} µs",
        pair.yardstick.per_second, pair.yardstick.cpu_us, pair.ingest.per_second, pair.ingest.cpu_us
    ));
}

/// The medians, and those of the ratios within each pair.
pub(crate) fn end(settings: &Settings, pairs: &[Pair]) -> anyhow::Result<()> {
    let of = |read: fn(&Pair) -> f64| median(pairs.iter().map(read).collect());
    let ratio = |read: fn(&Round) -> f64| {
        median(
            pairs
                .iter()
                .map(|pair| read(&pair.ingest) / read(&pair.yardstick))
                .collect(),
        )
    };
    let yardstick = [
        of(|pair| pair.yardstick.per_second),
        of(|pair| pair.yardstick.p50_ms),
        of(|pair| pair.yardstick.p99_ms),
        of(|pair| pair.yardstick.cpu_us),
    ];
    let ingest = [
        of(|pair| pair.ingest.per_second),
        of(|pair| pair.ingest.p50_ms),
        of(|pair| pair.ingest.p99_ms),
        of(|pair| pair.ingest.cpu_us),
    ];
    let ratios = [
        ratio(|round| round.per_second),
        ratio(|round| round.p50_ms),
        ratio(|round| round.p99_ms),
        ratio(|round| round.cpu_us),
    ];
    line(&format!(
        "\nchecks: {} pairs of rounds, {} webhooks each, {} at a time; medians",
        pairs.len(),
        settings.requests,
        settings.at_once
    ));
    line(&format!(
        "{:<36} {:>10} {:>9} {:>9} {:>14}",
        "", "webhooks/s", "p50 ms", "p99 ms", "CPU µs/webhook"
    ));
    row("yardstick (publish and confirm)", yardstick);
    row("ingest (all checks, sealed, logged)", ingest);
    row("ratio", ratios);
    let rounds: Vec<_> = pairs
        .iter()
        .map(|pair| json!({ "yardstick": pair.yardstick, "ingest": pair.ingest }))
        .collect();
    let names = ["per_second", "p50_ms", "p99_ms", "cpu_us"];
    let ratios: serde_json::Map<_, _> = names
        .into_iter()
        .map(str::to_owned)
        .zip(ratios.map(Into::into))
        .collect();
    let all = json!({
        "requests": settings.requests, "at_once": settings.at_once, "ratios": ratios, "rounds": rounds,
    });
    let file = settings.results.join("checks.json");
    fs::create_dir_all(&settings.results)?;
    Ok(fs::write(file, serde_json::to_vec_pretty(&all)?)?)
}

fn row(name: &str, [per_second, p50, p99, cpu]: [f64; 4]) {
    line(&format!(
        "{name:<36} {per_second:>10.2} {p50:>9.2} {p99:>9.2} {cpu:>14.2}"
    ));
}

/// A reader that has gone away is no failure.
fn line(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}
