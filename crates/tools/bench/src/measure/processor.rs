//! `processor` draining events that wait in the queue; then `pgbench` writing copies of the rows that came of them into the
//! same, emptied tables.

use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::bench::{Bench, say};
use crate::figures::Report;
use crate::load;
use crate::stage::Stage;
use crate::webhook::Deed;

/// Transactions write so many of each row.
const ROWS: usize = 100;
const CLIENTS: usize = 4;
/// The tables into which `booking_started` writes.
const TABLES: [&str; 2] = ["bookings", "events"];

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let count = bench.amount(50_000);
    for round in 1..=bench.settings.rounds {
        let mut stage = Stage::set(bench).await?;
        fill(bench, &mut stage, count).await?;
        let before = stage.usage()?;
        let rate = drain(&mut stage, count).await?;
        let used = stage.usage()?.for_each_since(&before, count);
        stage.stop("processor").await?;
        let yardstick = pgbench(bench, &stage, count).await?;
        say(&format!(
            "processor, round {round}: {rate:.0}/s, pgbench {yardstick:.0}/s"
        ));
        report.add_pair("events", "/s", rate, yardstick);
        report.add_cpu("", "µs/event", &used);
    }
    Ok(())
}

/// Lets the events wait in the queue.
async fn fill(bench: &Bench, stage: &mut Stage, count: usize) -> anyhow::Result<()> {
    let ingest = stage.start("ingest").await?;
    load::flood(ingest, bench.platform.webhooks(Deed::Starts, count), 64).await?;
    stage.stop("ingest").await
}

/// Events in a second, between the first and the last transaction.
async fn drain(stage: &mut Stage, count: usize) -> anyhow::Result<f64> {
    stage.start("processor").await?;
    let all = i64::try_from(count)?;
    stage
        .until_counted("SELECT count(*) AS count FROM events", all)
        .await?;
    let bookings = stage
        .database
        .count("SELECT count(*) AS count FROM bookings")
        .await;
    anyhow::ensure!(bookings == all, "{count} events made {bookings} bookings");
    let micros = stage
        .database
        .count(
            "SELECT (extract(epoch FROM max(applied_at) - min(applied_at)) * 1e6)::bigint AS count FROM events",
        )
        .await;
    Ok(count as f64 / (micros as f64 / 1e6))
}

/// Rows of each table in a second.
async fn pgbench(bench: &Bench, stage: &Stage, count: usize) -> anyhow::Result<f64> {
    let script = tempfile::NamedTempFile::new()?;
    std::fs::write(script.path(), prepare(stage).await?)?;
    let transactions = (count / ROWS / CLIENTS).max(1).to_string();
    let mut command = Command::new(&bench.settings.pgbench);
    command
        .args(["--no-vacuum", "--client", &CLIENTS.to_string(), "--jobs", "2"])
        .args(["--transactions", &transactions, "--file"])
        .arg(script.path())
        .stdin(Stdio::null());
    stage.connect(&mut command)?;
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    let (said, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    anyhow::ensure!(output.status.success(), "pgbench failed: {errors}");
    let per_second = said.lines().find_map(|line| line.strip_prefix("tps = "));
    let per_second = per_second.and_then(|rest| rest.split_whitespace().next());
    let per_second: f64 = per_second.context("pgbench told no tps")?.parse()?;
    Ok(per_second * ROWS as f64)
}

/// Keeps some rows as models, empties the tables, and returns the transaction.
async fn prepare(stage: &Stage) -> anyhow::Result<String> {
    let mut script = "SELECT nextval('copies') AS n \\gset\nBEGIN;\n".to_owned();
    for table in TABLES {
        let columns = stage.columns(table).await?;
        // Copies have keys of their own, and a guest of their own.
        let copied = columns.iter().map(|column| match column.as_str() {
            "key" | "booking_key" | "id" => format!("{column} || '-' || :n"),
            "phone_hash" => format!("sha256(convert_to({column}::text || :n, 'UTF8'))"),
            _ => column.clone(),
        });
        script += &format!(
            "INSERT INTO {table} ({}) SELECT {} FROM model_{table};\n",
            columns.join(", "),
            copied.collect::<Vec<_>>().join(", ")
        );
        let model = format!("CREATE TABLE model_{table} AS SELECT * FROM {table} LIMIT {ROWS}");
        stage.database.execute(&model).await;
    }
    let empty = format!("TRUNCATE {} CASCADE; CREATE SEQUENCE copies", TABLES.join(", "));
    stage.database.execute(&empty).await;
    Ok(script + "COMMIT;\n")
}
