//! From the time at which a webhook was to be sent to its call, at a fixed rate, whatever is on its way already.

use std::time::Duration;

use super::e2e::PROGRAMS;
use crate::bench::{Bench, say};
use crate::figures::{Curve, Report, quantile};
use crate::load;
use crate::reconciliation;
use crate::sink::reports::{self, Reports, Statuses};
use crate::stage::Stage;
use crate::webhook::Deed;

const PER_SECOND: f64 = 200.0;
/// Those of the curve, as far as they can be kept up with.
const CURVE: [f64; 6] = [50.0, 100.0, 200.0, 400.0, 800.0, 1600.0];
const TOO_LATE_MS: f64 = 1_000.0;
/// More than are ever waited for at once.
const CONNECTIONS: usize = 64;
/// By then most connections to Postgres have planned their statements, once each.
const WARM_UP_SECONDS: f64 = 5.0;
const PARTS: [(&str, Statuses); 2] = [("no reports", reports::NONE), ("all reports", reports::ALL)];

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    for round in 1..=bench.settings.rounds {
        for (part, statuses) in PARTS {
            let mut stage = Stage::set(bench).await?;
            stage.start_all(&PROGRAMS).await?;
            run(bench, &stage, statuses, PER_SECOND, WARM_UP_SECONDS).await?;
            let late = run(bench, &stage, statuses, PER_SECOND, bench.seconds(10.0)).await?;
            let (p50, p99) = (quantile(&late, 0.5), quantile(&late, 0.99));
            say(&format!(
                "latency, round {round}, {part}: p50 {p50:.1} ms, p99 {p99:.1} ms"
            ));
            report.add(&format!("{part}: p50 at 200/s"), "ms", p50);
            report.add(&format!("{part}: p99 at 200/s"), "ms", p99);
        }
    }
    curve(bench, report).await
}

async fn curve(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let mut stage = Stage::set(bench).await?;
    stage.start_all(&PROGRAMS).await?;
    run(bench, &stage, reports::NONE, PER_SECOND, WARM_UP_SECONDS).await?;
    let (mut p50, mut p99) = (Vec::new(), Vec::new());
    for rate in CURVE {
        let late = run(bench, &stage, reports::NONE, rate, bench.seconds(5.0)).await?;
        let (half, most) = (quantile(&late, 0.5), quantile(&late, 0.99));
        say(&format!(
            "latency at {rate:.0}/s: p50 {half:.1} ms, p99 {most:.1} ms"
        ));
        p50.push((rate, half));
        p99.push((rate, most));
        if most > TOO_LATE_MS {
            break;
        }
    }
    for (name, points) in [("p50", p50), ("p99", p99)] {
        report.curves.push(Curve {
            chart: "latency_over_rate",
            name: name.to_owned(),
            x: "webhooks/s",
            y: "ms from webhook to call",
            points,
        });
    }
    Ok(())
}

async fn run(
    bench: &Bench,
    stage: &Stage,
    statuses: Statuses,
    per_second: f64,
    seconds: f64,
) -> anyhow::Result<Vec<Duration>> {
    let before = reported(stage, statuses).await;
    bench.sink.clear();
    let mut reports = Reports::of(bench, stage, statuses, None);
    let webhooks = bench
        .platform
        .webhooks(Deed::Abandons, (per_second * seconds) as usize);
    let sent = load::at_rate(stage.ingest()?, webhooks, per_second, CONNECTIONS).await?;
    reconciliation::until_called(&bench.sink, sent.guests.len()).await;
    let late = reconciliation::lateness(stage, &sent, &bench.sink.calls()).await?;
    reports.finish(stage, before + sent.guests.len()).await?;
    Ok(late)
}

/// How many messages bear the last status already.
async fn reported(stage: &Stage, statuses: Statuses) -> usize {
    let Some((last, _)) = statuses.last() else {
        return 0;
    };
    let query = format!("SELECT count(*) AS count FROM messages WHERE delivery = '{last}'");
    usize::try_from(stage.database.count(&query).await).unwrap_or_default()
}
