//! The whole way, as fast as it goes without a growing backlog: each round with fresh tables, without and with reports.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::bench::{Bench, say};
use crate::figures::Report;
use crate::load::{Source, Sustained};
use crate::reconciliation;
use crate::sink::reports::{self, Reports, Statuses};
use crate::stage::Stage;
use crate::webhook::Deed;

const CONNECTIONS: usize = 64;
/// How many messages may be on their way. With reports one is on its way until its last status is answered.
const WINDOW: usize = 1_000;
const WINDOW_WITH_REPORTS: usize = 2_000;
/// Not counted.
const WARM_UP: Duration = Duration::from_secs(2);

pub(super) const PROGRAMS: [&str; 3] = ["ingest", "processor", "sender"];
/// The reports of each part.
const PARTS: [(&str, Statuses); 3] = [
    ("no reports", reports::NONE),
    ("sent", reports::SENT),
    ("sent, delivered, read", reports::ALL),
];

/// One round of one part.
pub(super) struct Shown {
    pub(super) messages: usize,
    pub(super) per_second: f64,
    /// Microseconds for one message, by program.
    pub(super) used: Vec<(String, f64)>,
}

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    for round in 1..=bench.settings.rounds {
        for (part, statuses) in PARTS {
            let mut stage = Stage::set(bench).await?;
            stage.start_all(&PROGRAMS).await?;
            let shown = run(bench, &stage, statuses, &abandons(bench)).await?;
            say(&format!("e2e, round {round}, {part}: {:.0}/s", shown.per_second));
            report.add(&format!("{part}: messages"), "/s", shown.per_second);
            report.add_cpu(&format!("{part}: "), "µs/message", &shown.used);
        }
    }
    Ok(())
}

/// The most resident memory of each program, with all reports.
pub(crate) async fn memory(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    for round in 1..=bench.settings.rounds {
        let mut stage = Stage::set(bench).await?;
        stage.start_all(&PROGRAMS).await?;
        run(bench, &stage, reports::ALL, &abandons(bench)).await?;
        for name in PROGRAMS {
            let peak = stage.peak_memory(name)?;
            say(&format!("memory, round {round}, {name}: {peak:.0} MiB"));
            report.add(name, "MiB", peak);
        }
    }
    Ok(())
}

/// Two of each program, and one of each.
pub(crate) async fn two(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    for round in 1..=bench.settings.rounds {
        for (part, statuses) in [("no reports", reports::NONE), ("all reports", reports::ALL)] {
            let mut rates = [0.0; 2];
            for (count, rate) in (1..).zip(&mut rates) {
                let mut stage = Stage::set(bench).await?;
                for _ in 0..count {
                    stage.start_all(&PROGRAMS).await?;
                }
                *rate = run(bench, &stage, statuses, &abandons(bench)).await?.per_second;
            }
            let [one, both] = rates;
            say(&format!(
                "two, round {round}, {part}: {both:.0}/s, one of each {one:.0}/s"
            ));
            report.add_pair(&format!("{part}: messages"), "/s", both, one);
        }
    }
    Ok(())
}

/// Guests who leave their cart, at one resort after the other.
pub(super) fn abandons(bench: &Bench) -> Source {
    let platform = Arc::clone(&bench.platform);
    Arc::new(move || platform.webhook(Deed::Abandons))
}

/// Sends for some seconds, lets everything come to its end, and reconciles.
pub(super) async fn run(
    bench: &Bench,
    stage: &Stage,
    statuses: Statuses,
    source: &Source,
) -> anyhow::Result<Shown> {
    let (to, sink) = (stage.addresses("ingest"), &bench.sink);
    let places = if statuses.is_empty() {
        WINDOW
    } else {
        WINDOW_WITH_REPORTS
    };
    let window = Arc::new(Semaphore::new(places));
    sink.clear();
    sink.open_window(&window);
    let mut reports = Reports::of(bench, stage, statuses, Some(&window));
    let load = Sustained::start(&to, source, &window, CONNECTIONS);
    sleep(WARM_UP).await;
    let (before, begin, calls) = (stage.usage()?, Instant::now(), sink.count());
    sleep(Duration::from_secs_f64(bench.seconds(10.0))).await;
    let (after, took, calls) = (stage.usage()?, begin.elapsed(), sink.count() - calls);
    let sent = load.stop().await?;
    reconciliation::until_called(sink, sent.guests.len()).await;
    reconciliation::reconcile(stage, &sent, &sink.calls()).await?;
    reports.finish(stage, sent.guests.len()).await?;
    Ok(Shown {
        messages: sent.guests.len(),
        per_second: calls as f64 / took.as_secs_f64(),
        used: after.for_each_since(&before, calls),
    })
}
