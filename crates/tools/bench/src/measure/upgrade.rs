//! 0.1.0 and today's version side by side: today's `desk migrate` while 0.1.0 works, with many rows in the tables, and how
//! long each migration keeps programs from them; then both versions at once, then today's alone.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use broker::Address;
use testkit::program::Program;
use tokio::time::sleep;

use super::e2e::PROGRAMS;
use crate::bench::{Bench, say};
use crate::figures::Report;
use crate::load::Source;
use crate::reconciliation;
use crate::sink::reports::{self, Reports};
use crate::stage::Stage;
use crate::stage::old::Old;
use crate::table;
use crate::webhook::Deed;

mod locks;
mod traffic;

use locks::{CONTROL, Longest, Watch};
use traffic::Traffic;

const PER_SECOND: u32 = 40;
/// How long each of the parts lasts: the old version alone, both, the new one alone.
const PART: Duration = Duration::from_secs(20);
/// No migration may keep a program from a table for longer.
const ALLOWED: Duration = Duration::from_millis(100);

/// As many guests and dead letters as bookings: guests who once opted in, and letters that are closed.
const GUESTS_AND_LETTERS: &str = "\
    INSERT INTO guests (resort, phone_hash, opted_in_at) \
        SELECT resort, phone_hash, created_at FROM bookings WHERE id LIKE 'OLD-%'; \
    INSERT INTO letters (kind, amqp_id, reason, error, attempts, died_at, dated, subject, resort, booking, message_id, \
            state, closed_by, closed_at) \
        SELECT 'messages', m.id::text, 'outcome_unknown', '', 1, m.claimed_at, true, m.kind, b.resort, b.id, m.id, \
            'closed', 'whatsapp', m.claimed_at \
        FROM messages m JOIN bookings b ON b.key = m.booking_key WHERE b.id LIKE 'OLD-%'";

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let release = bench.settings.old_release.as_deref();
    let release = release.context("BENCH_OLD_RELEASE is not set")?;
    let rows = bench.settings.upgrade_rows;
    let mut stage = prepare(bench, release, rows).await?;

    say("upgrade: 0.1.0 alone");
    bench.sink.clear();
    let traffic = Traffic::start(&source(bench, rows), PER_SECOND, stage.addresses("ingest"));
    let reports = Reports::of(bench, &stage, reports::ALL, None);
    sleep(PART).await;
    say("upgrade: today's desk migrate, while 0.1.0 works");
    let slowest = migrate(&stage, report).await?;
    sleep(PART).await;

    say("upgrade: both versions");
    let mut old = stage.take_programs();
    stage.start_all(&["processor", "sender", "ingest"]).await?;
    let new = stage.addresses("ingest");
    let both = old.iter().filter(|(name, _)| *name == "ingest");
    let both = both
        .map(|(_, program)| program.address())
        .chain(new.iter().copied());
    traffic.turn_to(both.collect());
    let later = Reports::of(bench, &stage, reports::ALL, None);
    sleep(PART).await;

    say("upgrade: today's version alone");
    traffic.turn_to(new);
    drop(reports);
    stop(&mut old).await?;
    sleep(PART).await;
    let sent = traffic.stop().await?;

    let count = sent.guests.len();
    reconciliation::until_called(&bench.sink, count).await;
    reconciliation::reconcile(&stage, &sent, &bench.sink.calls()).await?;
    let read = "SELECT count(*) AS count FROM messages WHERE delivery = 'read' AND created_at > now() - interval '1 hour'";
    stage.until_counted(read, i64::try_from(count)?).await?;
    drop(later);
    without_letters(&stage).await?;
    report.add("webhooks answered with 200, each with one call", "", count as f64);
    for (version, programs) in [("0.1.0", &old), ("today's", &stage.take_programs())] {
        let alerts = programs.iter().flat_map(|(name, program)| alerts(name, program));
        report
            .lists
            .push((format!("alerts of {version} programs"), alerts.collect()));
    }
    if let Some((table, longest)) = slowest {
        table::print(report);
        anyhow::bail!("{table} was locked for {} ms", longest.as_millis());
    }
    Ok(())
}

/// What 0.1.0 would have after a year: its schema, its programs at work, and many rows.
async fn prepare(bench: &Bench, release: &Path, rows: usize) -> anyhow::Result<Stage> {
    let mut stage = Stage::of_release(bench, release).await?;
    for name in PROGRAMS {
        stage.start_from(name, Some(release)).await?;
    }
    say(&format!("upgrade: laying {rows} bookings into the tables"));
    stage.lay(bench, 0..rows, Old::Reminded).await?;
    stage.database.execute(GUESTS_AND_LETTERS).await;
    stage.settle().await;
    stage
        .database
        .execute("CREATE SCHEMA probe; CREATE TABLE probe.machine ()")
        .await;
    Ok(stage)
}

/// Half of the guests are new and leave a cart, half confirm a cart that was there before.
fn source(bench: &Bench, rows: usize) -> Source {
    let (platform, next) = (Arc::clone(&bench.platform), AtomicUsize::new(0));
    Arc::new(move || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number.is_multiple_of(2) {
            return platform.webhook(Deed::Abandons);
        }
        platform.webhook_of_old(Deed::Confirms, number / 2 * 7_919 % rows)
    })
}

/// Migrates, and returns the table that was locked the longest where that was too long.
async fn migrate(stage: &Stage, report: &mut Report) -> anyhow::Result<Option<(String, Duration)>> {
    let quiet = Watch::begin(stage)?;
    sleep(Duration::from_secs(10)).await;
    let quiet = quiet.end()?;
    let (watch, begun) = (Watch::begin(stage)?, Instant::now());
    stage.desk(&["migrate"], "").await?;
    let took = begun.elapsed();
    let seen = watch.end()?;
    report.add("desk migrate took", "s", took.as_secs_f64());
    let ms = |of: &Longest, table: &str| {
        let longest = of.get(table).copied().unwrap_or_default();
        longest.as_secs_f64() * 1e3
    };
    for table in locks::TABLES {
        report.add(&format!("{table}: longest lock"), "ms", ms(&seen.locked, table));
    }
    for table in locks::TABLES.into_iter().chain([CONTROL]) {
        let (waited, before) = (ms(&seen.waited, table), ms(&quiet.waited, table));
        report.add_pair(&format!("{table}: longest wait of a write"), "ms", waited, before);
    }
    let slowest = seen.locked.into_iter().max_by_key(|(_, longest)| *longest);
    Ok(slowest.filter(|(_, longest)| *longest > ALLOWED))
}

async fn stop(programs: &mut [(&'static str, Program)]) -> anyhow::Result<()> {
    for (name, program) in programs {
        let code = program.stop().await?;
        anyhow::ensure!(code == Some(0), "{name} of 0.1.0 ended with {code:?}");
    }
    Ok(())
}

async fn without_letters(stage: &Stage) -> anyhow::Result<()> {
    let depths = broker::topology::verify(&Address::parse(&stage.vhost.url())?).await?;
    anyhow::ensure!(
        (depths.dead_events, depths.dead_messages) == (0, 0),
        "there are dead letters: {depths:?}"
    );
    Ok(())
}

/// Each alert of a program, once.
fn alerts(name: &str, program: &Program) -> Vec<String> {
    let log = program.log();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let alerts = lines.filter_map(|line| {
        let alert = line.get("alert")?;
        // 0.1.0 writes `alert=true` beside the event's name.
        let id = alert.as_str().or_else(|| line.get("event")?.as_str())?;
        Some(format!("{name}: {id}"))
    });
    let all: std::collections::BTreeSet<String> = alerts.collect();
    all.into_iter().collect()
}
