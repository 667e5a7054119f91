//! `sender` draining due messages; then a bare loop of `reqwest` posting the same body to the same sink.

use std::time::Instant;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::bench::{Bench, say};
use crate::figures::Report;
use crate::load::{self, Sent};
use crate::reconciliation;
use crate::stage::Stage;
use crate::stage::files::number;
use crate::webhook::Deed;

const AT_ONCE: usize = 64;

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let count = bench.amount(20_000);
    for round in 1..=bench.settings.rounds {
        let mut stage = Stage::set(bench).await?;
        let sent = queue(bench, &mut stage, count).await?;
        let before = stage.usage()?;
        stage.start("sender").await?;
        reconciliation::until_called(&bench.sink, count).await;
        let used = stage.usage()?.for_each_since(&before, count);
        let calls = bench.sink.calls();
        reconciliation::reconcile(&stage, &sent, &calls).await?;
        let rate = reconciliation::rate_of(&calls);
        drop(stage);
        let yardstick = bare_loop(bench, count).await?;
        say(&format!(
            "sender, round {round}: {rate:.0}/s, bare loop {yardstick:.0}/s"
        ));
        report.add_pair("messages", "/s", rate, yardstick);
        report.add_cpu("", "µs/message", &used);
    }
    Ok(())
}

/// Lets so many messages be due, of all numbers alike.
pub(super) async fn queue(bench: &Bench, stage: &mut Stage, count: usize) -> anyhow::Result<Sent> {
    let ingest = stage.start("ingest").await?;
    stage.start("processor").await?;
    let sent = load::flood(ingest, bench.platform.webhooks(Deed::Abandons, count), 64).await?;
    let published = "SELECT count(*) AS count FROM messages WHERE publishes > 0";
    stage.until_counted(published, i64::try_from(count)?).await?;
    stage.stop("ingest").await?;
    Ok(sent)
}

/// Calls in a second.
async fn bare_loop(bench: &Bench, count: usize) -> anyhow::Result<f64> {
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
    let (url, body) = (
        format!("{}/v25.0/{}/messages", bench.sink.url(), number(0)),
        bench.sink.body(),
    );
    let call = || {
        let request = http.post(&url).header("content-type", "application/json");
        let request = request.bearer_auth("the-token").body(body.clone());
        async move { request.send().await?.error_for_status()?.bytes().await }
    };
    let begin = Instant::now();
    stream::iter(0..count)
        .map(|_| call())
        .buffer_unordered(AT_ONCE)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    Ok(count as f64 / begin.elapsed().as_secs_f64())
}
