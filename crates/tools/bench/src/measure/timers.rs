//! A million carts whose guests will count as gone some day, and 2,000 a second for whom that day has come: how late
//! `processor` plans them.

use chrono::{TimeDelta, Utc};

use crate::bench::{Bench, say};
use crate::figures::Report;
use crate::stage::Stage;
use crate::stage::old::Old;

const PER_SECOND: usize = 2_000;
/// Longer than it takes to lay the carts of a round.
const AHEAD: TimeDelta = TimeDelta::seconds(6);

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let pending = bench.amount(1_000_000);
    let due = (PER_SECOND as f64 * bench.seconds(12.0)) as usize;
    let mut stage = Stage::set(bench).await?;
    stage.start_all(&["ingest", "processor"]).await?;
    say(&format!("timers: laying {pending} carts into the tables"));
    let far = Utc::now() + TimeDelta::days(1);
    stage.lay(bench, 0..pending, pending_from(far)).await?;
    stage.settle().await;
    for round in 1..=bench.settings.rounds {
        let first = pending + (round - 1) * due;
        let (p99, fired) = fire(bench, &stage, first, due).await?;
        say(&format!(
            "timers, round {round}: p99 {p99:.0} ms late, {fired:.0}/s"
        ));
        report.add("p99 of the lag", "ms", p99);
        report.add("timers that fired", "/s", fired);
    }
    Ok(())
}

fn pending_from(from: chrono::DateTime<Utc>) -> Old {
    Old::Pending {
        from,
        per_second: PER_SECOND,
    }
}

async fn fire(bench: &Bench, stage: &Stage, first: usize, due: usize) -> anyhow::Result<(f64, f64)> {
    let from = Utc::now() + AHEAD;
    stage.lay(bench, first..first + due, pending_from(from)).await?;
    anyhow::ensure!(Utc::now() < from, "the carts were not there before their time");
    // A cart's time is a day after its only event, which is when it was created.
    let fired = format!(
        "FROM bookings WHERE id LIKE 'OLD-%' AND status = 'abandoned' \
         AND created_at >= '{}'::timestamptz - interval '1 day 1 millisecond'",
        from.to_rfc3339()
    );
    let all = i64::try_from(due)?;
    // Asked seldom: it reads the whole table.
    tokio::time::sleep(std::time::Duration::from_secs_f64(due as f64 / PER_SECOND as f64)).await;
    tokio::time::sleep((from - Utc::now()).to_std().unwrap_or_default()).await;
    stage
        .until_counted(&format!("SELECT count(*) AS count {fired}"), all)
        .await?;
    let micros = async |what: &str| {
        let query = format!("SELECT (extract(epoch FROM {what}) * 1e6)::bigint AS count {fired}");
        stage.database.count(&query).await as f64
    };
    let lag = "percentile_cont(0.99) WITHIN GROUP (ORDER BY updated_at - created_at - interval '1 day')";
    let p99 = micros(lag).await / 1e3;
    let took = micros("max(updated_at) - min(created_at) - interval '1 day'").await / 1e6;
    Ok((p99, due as f64 / took))
}
