//! Another resort's confirmation while one number has much to send, and how exactly that number keeps its pace.
//!
//! The backlog of the one number takes minutes, so it is not waited for: each confirmation must have its call, and no guest
//! may have two.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use testkit::world::PATIENCE;
use tokio::time::sleep;

use crate::bench::{Bench, say};
use crate::figures::{Report, quantile};
use crate::load::{self, Sent};
use crate::reconciliation;
use crate::sink::Call;
use crate::stage::Stage;
use crate::stage::files::{RESORTS, number, resort};
use crate::webhook::Deed;

/// Confirmations of the other resorts in a second.
const PER_SECOND: f64 = 20.0;
/// What a number may send in a second.
const PACE: f64 = 80.0;
const SECOND: Duration = Duration::from_secs(1);

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    // A round takes minutes.
    for _ in 0..bench.settings.rounds.div_ceil(5) {
        for senders in [1, 2, 5] {
            backlog(bench, report, senders).await?;
        }
        for senders in [1, 2] {
            throttled(bench, report, senders).await?;
            lifted(bench, report, senders).await?;
        }
    }
    Ok(())
}

async fn set(bench: &Bench, senders: usize) -> anyhow::Result<Stage> {
    let mut stage = Stage::set(bench).await?;
    stage.start_all(&["ingest", "processor"]).await?;
    for _ in 0..senders {
        stage.start("sender").await?;
    }
    Ok(stage)
}

/// 10,000 messages are due for one number.
async fn backlog(bench: &Bench, report: &mut Report, senders: usize) -> anyhow::Result<()> {
    let stage = set(bench, senders).await?;
    crowd(bench, &stage, bench.amount(10_000)).await?;
    let p99 = others(bench, &stage).await?;
    let (most, share) = pace(&bench.sink.calls());
    say(&format!(
        "fairness, backlog, {senders} senders: p99 {p99:.0} ms; at most {most} in a second, {:.0} % of the pace",
        share * 100.0
    ));
    report.add(&p99_of("10,000 due", senders), "ms", p99);
    report.add(
        &format!("pace, {senders} senders: most calls in any second"),
        "/s",
        most as f64,
    );
    report.add(
        &format!("pace, {senders} senders: reached of 80/s"),
        "%",
        share * 100.0,
    );
    Ok(())
}

/// WhatsApp takes only one message a second from a number that has much to send.
async fn throttled(bench: &Bench, report: &mut Report, senders: usize) -> anyhow::Result<()> {
    let stage = set(bench, senders).await?;
    bench.sink.throttle(&number(0), SECOND);
    crowd(bench, &stage, bench.amount(2_000)).await?;
    let p99 = others(bench, &stage).await?;
    say(&format!(
        "fairness, throttled, {senders} senders: p99 {p99:.0} ms"
    ));
    report.add(&p99_of("throttled to 1/s", senders), "ms", p99);
    Ok(())
}

/// 20,000 messages of one number were on hold, and are released.
async fn lifted(bench: &Bench, report: &mut Report, senders: usize) -> anyhow::Result<()> {
    let stage = set(bench, senders).await?;
    let token = stage.database.hire("anna").await;
    stage.desk(&["pause", "--resort", &resort(0)], &token).await?;
    let count = bench.amount(20_000);
    crowd(bench, &stage, count).await?;
    let held = "SELECT count(*) AS count FROM messages WHERE state = 'held'";
    stage.until_counted(held, i64::try_from(count)?).await?;
    stage.desk(&["resume", "--resort", &resort(0)], &token).await?;
    let p99 = others(bench, &stage).await?;
    say(&format!(
        "fairness, hold lifted, {senders} senders: p99 {p99:.0} ms"
    ));
    report.add(&p99_of("hold over 20,000 lifted", senders), "ms", p99);
    Ok(())
}

fn p99_of(what: &str, senders: usize) -> String {
    format!("{what}, {senders} senders: p99 of the others")
}

/// So many guests of the first resort leave their carts. It waits until their messages are planned, since confirmations
/// would wait behind their events otherwise.
async fn crowd(bench: &Bench, stage: &Stage, count: usize) -> anyhow::Result<()> {
    let webhooks = (0..count).map(|_| bench.platform.webhook_at(Deed::Abandons, 0));
    load::flood(stage.ingest()?, webhooks.collect(), 64).await?;
    let planned = "SELECT count(*) AS count FROM messages";
    stage.until_counted(planned, i64::try_from(count)?).await
}

/// Guests of the other resorts book; how late their confirmations are at the 99th percentile, in milliseconds.
async fn others(bench: &Bench, stage: &Stage) -> anyhow::Result<f64> {
    let count = (PER_SECOND * bench.seconds(15.0)) as usize;
    let at = |index: usize| 1 + index % (RESORTS - 1);
    let webhooks = (0..count).map(|index| bench.platform.webhook_at(Deed::Confirms, at(index)));
    let sent = load::at_rate(stage.ingest()?, webhooks.collect(), PER_SECOND, 16).await?;
    let calls = calls_of(bench, &sent).await?;
    Ok(quantile(
        &reconciliation::lateness(stage, &sent, &calls).await?,
        0.99,
    ))
}

/// Waits until these guests have their calls.
async fn calls_of(bench: &Bench, sent: &Sent) -> anyhow::Result<Vec<Call>> {
    let guests: HashSet<u32> = sent.guests.iter().map(|(guest, _)| *guest).collect();
    let begin = Instant::now();
    loop {
        let all = bench.sink.calls();
        let distinct: HashSet<u32> = all.iter().map(|call| call.guest).collect();
        anyhow::ensure!(
            distinct.len() == all.len(),
            "{} guests have several calls",
            all.len() - distinct.len()
        );
        let calls: Vec<Call> = all
            .into_iter()
            .filter(|call| guests.contains(&call.guest))
            .collect();
        if calls.len() >= guests.len() || begin.elapsed() > PATIENCE * 3 {
            return Ok(calls);
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// The most calls of the first number in any second, and what it reached of its pace in the whole seconds after the first.
fn pace(calls: &[Call]) -> (usize, f64) {
    let first = number(0);
    let mut times: Vec<Instant> = calls
        .iter()
        .filter(|call| *call.number == *first)
        .map(|call| call.at)
        .collect();
    times.sort_unstable();
    let most = times.iter().enumerate().map(|(place, begin)| {
        let later = times.iter().skip(place);
        later.take_while(|at| at.duration_since(*begin) < SECOND).count()
    });
    let most = most.max().unwrap_or_default();
    let (Some(begin), Some(end)) = (times.first().map(|at| *at + SECOND), times.last()) else {
        return (most, 0.0);
    };
    // Calls may come in bursts of a second's worth, so a part of a second would count too much or too little.
    let seconds = end.saturating_duration_since(begin).as_secs();
    let within = begin..begin + Duration::from_secs(seconds);
    let counted = times.iter().filter(|at| within.contains(*at)).count();
    (most, counted as f64 / (PACE * seconds.max(1) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_counts_the_busiest_second_and_what_was_reached_after_the_first() {
        let begin = Instant::now();
        let at = |millis: u64| Call {
            guest: 0,
            number: number(0).as_str().into(),
            at: begin + Duration::from_millis(millis),
        };
        // 50 a second for three seconds, and three more at once.
        let calls: Vec<Call> = (0..150)
            .map(|place| at(place * 20))
            .chain((0..3).map(|_| at(500)))
            .collect();

        let (most, share) = pace(&calls);

        let burst: Vec<Call> = (0..320).map(|place| at(place / 80 * 1_000)).collect();
        assert_eq!(pace(&burst), (80, 1.0));
        assert_eq!(most, 53);
        assert!((share - 50.0 / 80.0).abs() < 0.02, "{share}");
    }
}
