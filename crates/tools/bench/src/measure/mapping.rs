//! Webhooks of 2 KiB in a platform's own words, beside events of the same length in our format, in turn under the same load.

use crate::bench::{Bench, say};
use crate::figures::Report;
use crate::load;
use crate::stage::Stage;
use crate::webhook::Deed;

const CONNECTIONS: usize = 64;

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let mut stage = Stage::set(bench).await?;
    stage.start_all(&["ingest"]).await?;
    // The first round warms up and is not counted.
    for round in 0..=bench.settings.rounds {
        let order = if round.is_multiple_of(2) {
            [Deed::Books, Deed::BooksAtLodgify]
        } else {
            [Deed::BooksAtLodgify, Deed::Books]
        };
        let (mut ours, mut mapped) = ((0.0, 0.0), (0.0, 0.0));
        for deed in order {
            let figures = flood(bench, &stage, deed).await?;
            match deed {
                Deed::BooksAtLodgify => mapped = figures,
                _ => ours = figures,
            }
        }
        say(&format!(
            "mapping, round {round}: {:.1} µs a webhook, {:.1} µs without a mapping",
            mapped.1, ours.1
        ));
        if round > 0 {
            report.add_pair("webhooks of 2 KiB", "/s", mapped.0, ours.0);
            report.add_pair("CPU of ingest", "µs/webhook", mapped.1, ours.1);
        }
    }
    Ok(())
}

/// Webhooks a second, and microseconds of CPU for each.
async fn flood(bench: &Bench, stage: &Stage, deed: Deed) -> anyhow::Result<(f64, f64)> {
    let count = bench.amount(25_000);
    let webhooks = bench.platform.webhooks(deed, count);
    let before = stage.usage()?;
    let to = stage.addresses("ingest").first().copied();
    let to = to.ok_or_else(|| anyhow::anyhow!("ingest does not run"))?;
    let sent = load::flood(to, webhooks, CONNECTIONS).await?;
    let used = stage.usage()?.for_each_since(&before, count);
    stage.purge_events().await;
    let cpu = used.iter().find(|(name, _)| name == "ingest");
    Ok((sent.per_second(), cpu.map_or(0.0, |(_, us)| *us)))
}
