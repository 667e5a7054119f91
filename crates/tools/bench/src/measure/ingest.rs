//! `ingest` beside the [floor](crate::floor), in turn under the same load; then each at half of its own maximum.

use std::net::SocketAddr;

use crate::bench::{Bench, say};
use crate::figures::{Curve, Report, median, quantile};
use crate::load::{self, Sent};
use crate::stage::Stage;
use crate::webhook::Deed;

const CONNECTIONS: usize = 64;
/// Those of the curve.
const CURVE: [usize; 5] = [1, 4, 16, 64, 256];

/// One program under one load.
struct Round {
    sent: Sent,
    cpu_us: f64,
}

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let mut stage = Stage::set(bench).await?;
    stage.start_all(&["floor", "ingest"]).await?;
    let mut half = [0.0, 0.0];
    // The first round warms both up and is not counted.
    for round in 0..=bench.settings.rounds {
        let [floor, ingest] = pair(round, async |name| flood(bench, &stage, name, CONNECTIONS).await).await?;
        say(&format!(
            "ingest, round {round}: {:.0}/s, floor {:.0}/s",
            ingest.sent.per_second(),
            floor.sent.per_second()
        ));
        if round == 0 {
            continue;
        }
        report.add_pair(
            "webhooks",
            "/s",
            ingest.sent.per_second(),
            floor.sent.per_second(),
        );
        for (name, part) in [("p50", 0.50), ("p99", 0.99)] {
            let of = |round: &Round| quantile(&round.sent.each, part);
            report.add_pair(
                &format!("{name} at 64 connections"),
                "ms",
                of(&ingest),
                of(&floor),
            );
        }
        report.add_pair("CPU of the process", "µs/webhook", ingest.cpu_us, floor.cpu_us);
    }
    if let Some(webhooks) = report.figures.first() {
        half = [median(&webhooks.yardstick) / 2.0, median(&webhooks.values) / 2.0];
    }
    for round in 1..=bench.settings.rounds {
        let [floor_rate, ingest_rate] = half;
        let [floor, ingest] = pair(round, async |name| {
            let rate = if name == "floor" { floor_rate } else { ingest_rate };
            at_rate(bench, &stage, name, rate).await
        })
        .await?;
        let [floor, ingest] = [&floor, &ingest].map(|sent| quantile(&sent.each, 0.99));
        say(&format!(
            "ingest, round {round} at half: p99 {ingest:.2} ms, floor {floor:.2} ms"
        ));
        report.add_pair("p99 at half of its own maximum", "ms", ingest, floor);
    }
    curves(bench, &stage, report).await
}

/// Who goes first has a fuller or an emptier machine: they take turns.
async fn pair<T>(
    round: usize,
    mut play: impl AsyncFnMut(&'static str) -> anyhow::Result<T>,
) -> anyhow::Result<[T; 2]> {
    if round.is_multiple_of(2) {
        let floor = play("floor").await?;
        Ok([floor, play("ingest").await?])
    } else {
        let ingest = play("ingest").await?;
        Ok([play("floor").await?, ingest])
    }
}

fn address(stage: &Stage, name: &str) -> anyhow::Result<SocketAddr> {
    let found = stage.addresses(name).first().copied();
    found.ok_or_else(|| anyhow::anyhow!("{name} does not run"))
}

async fn flood(bench: &Bench, stage: &Stage, name: &str, connections: usize) -> anyhow::Result<Round> {
    let count = bench.amount(25_000);
    let webhooks = bench.platform.webhooks(Deed::Starts, count);
    let before = stage.usage()?;
    let sent = load::flood(address(stage, name)?, webhooks, connections).await?;
    let used = stage.usage()?.for_each_since(&before, count);
    stage.purge_events().await;
    let cpu_us = used
        .iter()
        .find(|(one, _)| one == name)
        .map_or(0.0, |(_, us)| *us);
    Ok(Round { sent, cpu_us })
}

async fn at_rate(bench: &Bench, stage: &Stage, name: &str, rate: f64) -> anyhow::Result<Sent> {
    let webhooks = bench
        .platform
        .webhooks(Deed::Starts, (rate * bench.seconds(3.0)) as usize);
    let sent = load::at_rate(address(stage, name)?, webhooks, rate, 256).await?;
    stage.purge_events().await;
    Ok(sent)
}

async fn curves(bench: &Bench, stage: &Stage, report: &mut Report) -> anyhow::Result<()> {
    for name in ["ingest", "floor"] {
        let mut points = Vec::new();
        for connections in CURVE {
            let round = flood(bench, stage, name, connections).await?;
            points.push((connections as f64, round.sent.per_second()));
        }
        report.curves.push(Curve {
            chart: "ingest_throughput",
            name: name.to_owned(),
            x: "connections",
            y: "webhooks/s",
            points,
        });
    }
    Ok(())
}
