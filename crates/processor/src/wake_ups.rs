//! Timers: a booking whose `wake_at` has come is planned again, nothing more.
//!
//! Many at a time; where that fails and Postgres is well, they are taken apart until the one that it fails for is alone.
//! It is left aside for a minute, and the others do not wait.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use service::{Stop, crash};
use store::planning::{self, Planned};
use store::{Fault, StoreError, bookings};
use tokio::sync::Notify;

use crate::applying::IN_PASSING;
use crate::arrivals::Arrivals;
use crate::rehearsal;
use crate::shared::Shared;

/// How many bookings are woken in one transaction.
const AT_ONCE: i64 = 200;
/// How long the next wake-up may be off before the table is looked at anyway: another process may have set a timer.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How much longer than its time a wake-up waits for older events.
const PATIENCE: TimeDelta = TimeDelta::minutes(1);

/// How long a booking that cannot be planned is left aside.
const ASIDE: TimeDelta = TimeDelta::minutes(1);
/// How long one waits whose messages another transaction has locked.
const WHILE_LOCKED: TimeDelta = TimeDelta::seconds(5);

/// The loop's state.
pub(crate) struct WakeUps {
    pub(crate) shared: Arc<Shared>,
    pub(crate) arrivals: Arrivals,
    /// Told when messages may be due.
    pub(crate) due: Arc<Notify>,
    pub(crate) stop: Stop,
}

/// Which bookings a round is about.
enum Which {
    /// Those that have been due longest.
    Oldest,
    /// Some, by their keys. Locks are waited for in passing only.
    These(Vec<String>),
}

/// What a round came to.
struct Round {
    planned: Planned,
    woken: usize,
    late_by: Vec<TimeDelta>,
    next_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

impl WakeUps {
    /// Wakes bookings until the stop.
    pub(crate) async fn run(self) {
        let mut failures = 0_u32;
        while !self.stop.is_stopped() {
            let pause = match self.go_round().await {
                Ok(pause) => {
                    failures = 0;
                    pause
                }
                Err(error) => {
                    failures += 1;
                    self.shared.postgres_failed("wake bookings", &error, failures)
                }
            };
            tokio::select! {
                () = self.stop.stopped() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Returns how long to sleep.
    async fn go_round(&self) -> Result<Duration, StoreError> {
        let heard_until = self.arrivals.heard_until();
        match self.wake(Which::Oldest, heard_until).await {
            Ok(round) => Ok(pause_until_next(&round)),
            Err(error) if is_no_bookings_own(&error) => Err(error),
            Err(error) => {
                // Postgres may refuse everything: then no booking is to blame. That another transaction has locked
                // something needs no such proof.
                if error.fault() != Fault::Locked {
                    rehearsal::rehearse(&self.shared, Vec::new()).await?;
                }
                log::warn!(error = service::chain(&error); "bookings could not be woken together; taking them apart");
                self.take_apart(heard_until).await?;
                Ok(Duration::ZERO)
            }
        }
    }

    async fn take_apart(&self, heard_until: Option<DateTime<Utc>>) -> Result<(), StoreError> {
        let listing = move |connection: &mut store::Connection| {
            let due_before = due_before(store::pool::clock(connection)?, heard_until);
            bookings::list_due(connection, due_before, AT_ONCE)
        };
        let keys = self.shared.store.run(listing).await?;
        let mut parts: Vec<&[String]> = halves(&keys).into();
        while let Some(part) = parts.pop() {
            if part.is_empty() || self.stop.is_stopped() {
                continue;
            }
            match (self.wake(Which::These(part.to_vec()), heard_until).await, part) {
                (Ok(_), _) => {}
                (Err(error), _) if is_no_bookings_own(&error) => return Err(error),
                (Err(error), [alone]) if error.fault() == Fault::Locked => {
                    self.leave_to_its_holder(alone, &error).await?;
                }
                (Err(error), [alone]) => self.leave_aside(alone, &error).await?,
                (Err(_), several) => parts.extend(halves(several)),
            }
        }
        Ok(())
    }

    async fn leave_aside(&self, booking: &str, error: &StoreError) -> Result<(), StoreError> {
        self.shared.counters.left_aside.inc();
        log::error!("booking.id" = booking, error = service::chain(error), alert = true;
            "booking left aside for a minute: it cannot be planned");
        self.put_off(booking, ASIDE).await
    }

    /// Nothing is wrong with a booking whose messages another transaction has locked.
    async fn leave_to_its_holder(&self, booking: &str, error: &StoreError) -> Result<(), StoreError> {
        log::warn!("booking.id" = booking, error = service::chain(error);
            "another transaction holds what this booking needs; trying again in 5 s");
        self.put_off(booking, WHILE_LOCKED).await
    }

    async fn put_off(&self, booking: &str, by: TimeDelta) -> Result<(), StoreError> {
        let key = booking.to_owned();
        let step = move |connection: &mut store::Connection| bookings::put_off(connection, &key, by);
        self.shared.store.transaction(step).await
    }

    async fn wake(&self, which: Which, heard_until: Option<DateTime<Utc>>) -> Result<Round, StoreError> {
        let planner = self.shared.planner();
        let waking = move |connection: &mut store::Connection| {
            let now = store::pool::clock(connection)?;
            let due_before = due_before(now, heard_until);
            let due = match which {
                Which::Oldest => bookings::lock_due(connection, &planner.ring, due_before, AT_ONCE)?,
                Which::These(keys) => {
                    store::pool::wait_for_locks(connection, IN_PASSING)?;
                    bookings::lock_due_of(connection, &planner.ring, due_before, &keys)?
                }
            };
            let planned = planning::replan(connection, &planner, now, &due)?;
            if !due.is_empty() {
                crash::point("processor.wake_ups.written");
            }
            let late_by = due.iter().filter_map(|booking| Some(now - booking.wake_at?));
            Ok(Round {
                planned,
                woken: due.len(),
                late_by: late_by.collect(),
                next_at: bookings::next_wake_up(connection)?,
                now,
            })
        };
        let round = self.shared.store.transaction(waking).await?;
        if round.woken > 0 {
            crash::point("processor.wake_ups.committed");
        }
        self.report(&round);
        Ok(round)
    }

    fn report(&self, round: &Round) {
        for late in &round.late_by {
            let late = late.as_seconds_f64().max(0.0);
            self.shared.counters.wake_up_lateness.observe(late);
        }
        self.shared.report_planned(&round.planned, "timer");
        if !round.planned.moved.is_empty() {
            self.due.notify_one();
        }
    }
}

/// Events go first: a timer that is younger than what may still be in the queue waits for it.
fn due_before(now: DateTime<Utc>, heard_until: Option<DateTime<Utc>>) -> DateTime<Utc> {
    heard_until.map_or(now, |heard| heard.max(now - PATIENCE).min(now))
}

/// Postgres is away, or another transaction was in the way: the same once more.
fn is_no_bookings_own(error: &StoreError) -> bool {
    matches!(error.fault(), Fault::Outage | Fault::Contention)
}

/// The second half first: a stack hands out the last one.
fn halves(keys: &[String]) -> [&[String]; 2] {
    let (first, second) = keys.split_at(keys.len() / 2);
    [second, first]
}

fn pause_until_next(round: &Round) -> Duration {
    if round.woken > 0 {
        return Duration::ZERO; // There may be more that are due.
    }
    let ahead = round.next_at.and_then(|next| (next - round.now).to_std().ok());
    ahead
        .unwrap_or(LONGEST_SLEEP)
        .clamp(Duration::from_millis(20), LONGEST_SLEEP)
}
