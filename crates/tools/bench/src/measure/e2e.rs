//! The whole way, as fast as it goes without a growing backlog: each round with fresh tables, without and with reports.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::bench::{Bench, say};
use crate::books;
use crate::figures::Report;
use crate::load::Sustained;
use crate::sink::reports::{self, Reports, Statuses};
use crate::stage::Stage;

const CONNECTIONS: usize = 64;
/// How many messages may be on their way. With reports one is on its way until its last status is answered.
const WINDOW: usize = 1_000;
const WINDOW_WITH_REPORTS: usize = 2_000;
/// Not counted.
const WARM_UP: Duration = Duration::from_secs(2);

/// The reports of each part.
const PARTS: [(&str, Statuses); 3] = [
    ("no reports", reports::NONE),
    ("sent", reports::SENT),
    ("sent, delivered, read", reports::ALL),
];

/// One round of one part.
pub(super) struct Shown {
    pub(super) per_second: f64,
    pub(super) used: Vec<(String, f64)>,
    /// MiB at most, by program.
    pub(super) memory: Vec<(&'static str, f64)>,
}

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    for round in 1..=bench.settings.rounds {
        for (part, statuses) in PARTS {
            let mut stage = Stage::set(bench).await?;
            stage.start_all(&["ingest", "processor", "sender"]).await?;
            let shown = run(bench, &stage, statuses).await?;
            say(&format!("e2e, round {round}, {part}: {:.0}/s", shown.per_second));
            report.add(&format!("{part}: messages"), "/s", shown.per_second);
            for (name, us) in shown.used {
                report.add(&format!("{part}: CPU of {name}"), "µs/message", us);
            }
            for (name, mib) in shown.memory {
                report.add(&format!("{part}: memory of {name}, peak"), "MiB", mib);
            }
        }
    }
    Ok(())
}

/// Sends for some seconds, lets everything come to its end, and reconciles.
pub(super) async fn run(bench: &Bench, stage: &Stage, statuses: Statuses) -> anyhow::Result<Shown> {
    let (to, sink) = (stage.addresses("ingest"), &bench.sink);
    let places = if statuses.is_empty() {
        WINDOW
    } else {
        WINDOW_WITH_REPORTS
    };
    let window = Arc::new(Semaphore::new(places));
    sink.open_window(&window);
    let mut reporting = (!statuses.is_empty()).then(|| {
        let secret = &stage.secrets.app;
        Reports::start(sink.accepted(), statuses, &to, secret, Some(&window))
    });
    let load = Sustained::start(&to, &bench.platform, &window, CONNECTIONS);
    sleep(WARM_UP).await;
    let (before, begin, calls) = (stage.usage()?, Instant::now(), sink.count());
    sleep(Duration::from_secs_f64(bench.seconds(10.0))).await;
    let (after, took, calls) = (stage.usage()?, begin.elapsed(), sink.count() - calls);
    let sent = load.stop().await?;
    books::until_called(sink, sent.guests.len()).await;
    books::reconcile(&sent, &sink.calls())?;
    if let Some(reporting) = &mut reporting {
        let last = statuses.last().map_or("", |(status, _)| status);
        let reported = format!("SELECT count(*) AS count FROM messages WHERE delivery = '{last}'");
        stage
            .until_counted(&reported, i64::try_from(sent.guests.len())?)
            .await?;
        reporting.check()?;
    }
    let mut memory = Vec::new();
    for name in ["ingest", "processor", "sender"] {
        memory.push((name, stage.peak_memory(name)?));
    }
    Ok(Shown {
        per_second: calls as f64 / took.as_secs_f64(),
        used: after.for_each_since(&before, calls),
        memory,
    })
}
