//! What a message costs with many bookings in the tables, against few: half of the guests are new and leave a cart, half
//! confirm a cart that was there before.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::e2e::{self, PROGRAMS};
use crate::bench::{Bench, say};
use crate::figures::{Curve, Report, median};
use crate::load::Source;
use crate::sink::reports;
use crate::stage::Stage;
use crate::stage::old::Old;
use crate::webhook::Deed;

const FEW: usize = 100_000;
const MANY: usize = 2_000_000;
const LARGE: usize = 10_000_000;

/// What a message costs.
struct Cost {
    time_us: f64,
    buffers: f64,
    cpu_us: f64,
}

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let many = if bench.settings.large { LARGE } else { MANY };
    let sizes = [bench.amount(FEW), bench.amount(many)];
    let mut stages = Vec::new();
    for size in sizes {
        let mut stage = Stage::set(bench).await?;
        stage.start_all(&["ingest", "processor"]).await?;
        say(&format!("tables: laying {size} bookings into the tables"));
        stage.lay(bench, 0..size, Old::Reminded).await?;
        stage.settle().await;
        for name in ["ingest", "processor"] {
            stage.stop(name).await?;
        }
        stages.push((stage, source(bench, size)));
    }
    let mut all: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    for round in 1..=bench.settings.rounds {
        let mut costs = Vec::new();
        for ((stage, source), times) in stages.iter_mut().zip(&mut all) {
            let cost = cost(bench, stage, source).await?;
            times.push(cost.time_us);
            costs.push(cost);
        }
        let [few, many] = &costs[..] else { continue };
        say(&format!(
            "tables, round {round}: {:.0} µs and {:.0} buffers, with few {:.0} µs and {:.0} buffers",
            many.time_us, many.buffers, few.time_us, few.buffers
        ));
        report.add_pair("time in statements", "µs/message", many.time_us, few.time_us);
        report.add_pair("buffers", "/message", many.buffers, few.buffers);
        report.add_pair("CPU of Postgres", "µs/message", many.cpu_us, few.cpu_us);
    }
    let points = sizes
        .iter()
        .zip(&all)
        .map(|(size, times)| (*size as f64, median(times)));
    report.curves.push(Curve {
        chart: "cost_over_table_size",
        name: "time in statements".to_owned(),
        x: "bookings",
        y: "µs/message",
        points: points.collect(),
    });
    Ok(())
}

/// Each old cart is confirmed once, all over the table.
fn source(bench: &Bench, size: usize) -> Source {
    let (platform, next) = (Arc::clone(&bench.platform), AtomicUsize::new(0));
    Arc::new(move || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number.is_multiple_of(2) {
            return platform.webhook(Deed::Abandons);
        }
        // 7,919 is a prime that divides none of the sizes.
        platform.webhook_of_old(Deed::Confirms, number / 2 * 7_919 % size)
    })
}

async fn cost(bench: &Bench, stage: &mut Stage, source: &Source) -> anyhow::Result<Cost> {
    stage.start_all(&PROGRAMS).await?;
    let before = stage.counters().await?;
    let shown = e2e::run(bench, stage, reports::NONE, source).await?;
    let after = stage.counters().await?;
    for name in PROGRAMS {
        stage.stop(name).await?;
    }
    let each = |now: f64, then: f64| (now - then) / shown.messages as f64;
    let cpu = shown.used.iter().find(|(name, _)| name == "Postgres");
    Ok(Cost {
        time_us: each(after.time_us, before.time_us),
        buffers: each(after.buffers, before.buffers),
        cpu_us: cpu.map_or(0.0, |(_, us)| *us),
    })
}
