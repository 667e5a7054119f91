//! How long migrations keep programs from tables: what Postgres lists of their locks, and how long a program would wait.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use testkit::database::Session;

use crate::stage::Stage;

/// The tables that have many rows.
pub(super) const TABLES: [&str; 5] = ["bookings", "messages", "events", "guests", "letters"];
/// No migration locks this table: a wait for it shows how slow the machine is.
pub(super) const CONTROL: &str = "probe.machine";

const LOOK_EVERY: Duration = Duration::from_millis(5);
const PROBE_EVERY: Duration = Duration::from_millis(10);

/// The locks of `desk` for which a read or a write has to wait, held or asked for: a program waits behind both.
const BLOCKING: &str = "SELECT DISTINCT relation::regclass::text AS text FROM pg_locks \
    WHERE locktype = 'relation' AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock') \
        AND relation IN (SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace) \
        AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'desk')";

/// The longest of each table.
pub(super) type Longest = BTreeMap<String, Duration>;

/// Watches until it is asked what it has seen.
pub(super) struct Watch {
    stop: Arc<AtomicBool>,
    locks: JoinHandle<anyhow::Result<Longest>>,
    probes: Vec<(&'static str, JoinHandle<anyhow::Result<Duration>>)>,
}

/// What was seen.
pub(super) struct Seen {
    /// How long a blocking lock was there without a pause.
    pub(super) locked: Longest,
    /// How long a probe waited.
    pub(super) waited: Longest,
}

impl Watch {
    pub(super) fn begin(stage: &Stage) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (session, stopped) = (stage.database.session()?, Arc::clone(&stop));
        let locks = thread::spawn(move || watch_locks(session, &stopped));
        let mut probes = Vec::new();
        for table in TABLES.into_iter().chain([CONTROL]) {
            let (session, stopped) = (stage.database.session()?, Arc::clone(&stop));
            probes.push((table, thread::spawn(move || probe(session, table, &stopped))));
        }
        Ok(Self { stop, locks, probes })
    }

    pub(super) fn end(self) -> anyhow::Result<Seen> {
        self.stop.store(true, Ordering::Relaxed);
        let mut waited = Longest::new();
        for (table, probe) in self.probes {
            waited.insert(table.to_owned(), joined(probe)?);
        }
        Ok(Seen {
            locked: joined(self.locks)?,
            waited,
        })
    }
}

fn joined<T>(thread: JoinHandle<anyhow::Result<T>>) -> anyhow::Result<T> {
    thread
        .join()
        .unwrap_or_else(|_| Err(anyhow::anyhow!("a watching thread panicked")))
}

/// A lock is taken to last from the look before the first that shows it to the first that does not.
#[expect(
    clippy::disallowed_methods,
    reason = "a thread of its own: the load must not delay what it measures"
)]
fn watch_locks(mut session: Session, stop: &AtomicBool) -> anyhow::Result<Longest> {
    let (mut longest, mut since, mut before) = (Longest::new(), BTreeMap::new(), Instant::now());
    while !stop.load(Ordering::Relaxed) {
        let locked = session.lines(BLOCKING)?;
        let now = Instant::now();
        for table in &locked {
            since.entry(table.clone()).or_insert(before);
        }
        since.retain(|table: &String, begun: &mut Instant| {
            let longest = longest.entry(table.clone()).or_default();
            *longest = now.duration_since(*begun).max(*longest);
            locked.contains(table)
        });
        before = now;
        thread::sleep(LOOK_EVERY);
    }
    Ok(longest)
}

/// Takes the lock that a write takes, and lets it go.
#[expect(
    clippy::disallowed_methods,
    reason = "a thread of its own: the load must not delay what it measures"
)]
fn probe(mut session: Session, table: &str, stop: &AtomicBool) -> anyhow::Result<Duration> {
    let (take, mut longest) = (
        format!("BEGIN; LOCK TABLE {table} IN ROW EXCLUSIVE MODE; COMMIT"),
        Duration::ZERO,
    );
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        session.execute(&take)?;
        longest = longest.max(begun.elapsed());
        thread::sleep(PROBE_EVERY);
    }
    Ok(longest)
}
