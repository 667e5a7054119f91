//! Where the time of one message goes: processors, statements, and the hottest functions.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::time::sleep;

use super::e2e::{self, PROGRAMS};
use crate::bench::{Bench, say};
use crate::figures::Report;
use crate::sink::reports;
use crate::stage::Stage;

/// How many of each list are shown.
const SHOWN: usize = 20;
/// The management API's figures are some seconds old.
const SETTLED: Duration = Duration::from_secs(6);
const HINT: &str = "perf is not installed (Debian: linux-perf); it shows the hottest functions";

const STATEMENTS: &str = "SELECT format('%8s µs/message  %6s calls/message  %5s %% planning  %8s buffers/call  %s', \
        round((total_exec_time + total_plan_time) * 1000 / {messages}), round(calls::numeric / {messages}, 3), \
        round(100 * total_plan_time / nullif(total_exec_time + total_plan_time, 0)), \
        round((shared_blks_hit + shared_blks_read)::numeric / calls, 1), \
        left(regexp_replace(query, '\\s+', ' ', 'g'), 150)) AS text \
    FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid \
    WHERE d.datname = current_database() AND toplevel ORDER BY total_exec_time + total_plan_time DESC LIMIT {shown}";

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let mut stage = Stage::set(bench).await?;
    stage.start_all(&PROGRAMS).await?;
    let source = e2e::abandons(bench);
    // It warms up; then the tables have statistics.
    e2e::run(bench, &stage, reports::NONE, &source).await?;
    stage.settle().await;
    sleep(SETTLED).await;
    stage.database.execute("SELECT pg_stat_statements_reset()").await;
    let (before, published) = (stage.counters().await?, published(&stage).await);
    let folder = tempfile::tempdir()?;
    let (shown, functions) = tokio::join!(
        e2e::run(bench, &stage, reports::NONE, &source),
        record(&stage, folder.path(), bench.seconds(8.0))
    );
    let (shown, after) = (shown?, stage.counters().await?);
    let statements = STATEMENTS
        .replace("{messages}", &shown.messages.to_string())
        .replace("{shown}", &SHOWN.to_string());
    let statements = stage.database.lines(&statements).await?;
    sleep(SETTLED).await;
    let published_now = self::published(&stage).await;
    say(&format!("profile: {:.0}/s", shown.per_second));
    report.add("messages", "/s", shown.per_second);
    report.add_cpu("", "µs/message", &shown.used);
    let messages = shown.messages as f64;
    let each = |now: f64, then: f64| (now - then) / messages;
    report.add(
        "statements (round trips)",
        "/message",
        each(after.statements, 0.0),
    );
    report.add("time in statements", "µs/message", each(after.time_us, 0.0));
    report.add("commits", "/message", each(after.commits, before.commits));
    report.add("buffers", "/message", each(after.buffers, before.buffers));
    report.add(
        "rows fetched",
        "/message",
        each(after.rows_fetched, before.rows_fetched),
    );
    report.add(
        "rows written",
        "/message",
        each(after.rows_written, before.rows_written),
    );
    report.add("WAL", "bytes/message", each(after.wal_bytes, before.wal_bytes));
    report.add(
        "published to RabbitMQ",
        "/message",
        each(published_now, published),
    );
    report
        .lists
        .push(("statements by total time".to_owned(), statements));
    report.lists.extend(functions?);
    Ok(())
}

/// How many messages were published in the vhost so far.
async fn published(stage: &Stage) -> f64 {
    let vhost = stage.vhost.api("GET", "vhosts", "", None).await;
    let count = vhost.pointer("/message_stats/publish");
    count.and_then(serde_json::Value::as_f64).unwrap_or_default()
}

/// The hottest functions of each program while the load runs.
async fn record(stage: &Stage, folder: &Path, seconds: f64) -> anyhow::Result<Vec<(String, Vec<String>)>> {
    sleep(Duration::from_secs(3)).await;
    let mut recording = Vec::new();
    for (name, ids) in stage.processes()? {
        let file = folder.join(name);
        let mut perf = Command::new("perf");
        perf.args(["record", "--quiet", "--freq", "499", "--pid", &ids, "--output"])
            .arg(&file);
        perf.args(["--", "sleep", &seconds.to_string()]);
        let Ok(child) = perf.stdout(Stdio::null()).stderr(Stdio::null()).spawn() else {
            say(HINT);
            return Ok(vec![(HINT.to_owned(), Vec::new())]);
        };
        recording.push((name, file, child));
    }
    let reading = tokio::task::spawn_blocking(move || {
        let mut functions = Vec::new();
        for (name, file, mut child) in recording {
            child.wait()?;
            let mut perf = Command::new("perf");
            perf.args([
                "report",
                "--stdio",
                "--no-children",
                "--sort",
                "dso,symbol",
                "--input",
            ])
            .arg(file);
            let said = perf.stderr(Stdio::null()).output()?.stdout;
            let lines: Vec<String> = String::from_utf8_lossy(&said)
                .lines()
                .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
                .take(SHOWN)
                .map(|line| line.trim_end_matches([' ', '-']).to_owned())
                .collect();
            functions.push((format!("hottest functions of {name}"), lines));
        }
        Ok(functions)
    });
    reading.await?
}
