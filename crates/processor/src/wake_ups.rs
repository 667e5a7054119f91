//! Timers: a booking whose `wake_at` has come is planned again, nothing more.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use service::{Stop, crash};
use store::planning::{self, Planned, Policies};
use store::{StoreError, bookings};
use tokio::sync::Notify;

use crate::arrivals::Arrivals;
use crate::shared::Shared;

/// How many bookings are woken in one transaction.
const AT_ONCE: i64 = 200;
/// How long the next wake-up may be off before the table is looked at anyway: another process may have set a timer.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How much longer than its time a wake-up waits for older events.
const PATIENCE: TimeDelta = TimeDelta::minutes(1);

/// What a round came to.
struct Round {
    planned: Planned,
    woken: usize,
    damaged: Vec<String>,
    late_by: Vec<TimeDelta>,
    next_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

/// Wakes bookings until the stop.
pub(crate) async fn run(shared: Arc<Shared>, arrivals: Arrivals, due: Arc<Notify>, stop: Stop) {
    let mut failures = 0_u32;
    while !stop.is_stopped() {
        let pause = match wake(&shared, &arrivals).await {
            Ok(round) => {
                failures = 0;
                if round.woken > 0 {
                    crash::point("processor.wake_ups.committed");
                }
                report(&shared, &round);
                if !round.planned.moved.is_empty() {
                    due.notify_one();
                }
                pause_until_next(&round)
            }
            Err(error) => {
                failures += 1;
                shared.postgres_failed("wake bookings", &error, failures)
            }
        };
        tokio::select! {
            () = stop.stopped() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
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

async fn wake(shared: &Shared, arrivals: &Arrivals) -> Result<Round, StoreError> {
    let (ring, settings) = (Arc::clone(&shared.ring), shared.settings.current());
    let heard_until = arrivals.heard_until();
    shared
        .store
        .transaction(move |connection| {
            let now = store::pool::clock(connection)?;
            // Events go first: a timer that is younger than what may still be in the queue waits for it.
            let due_before = heard_until.map_or(now, |heard| heard.max(now - PATIENCE).min(now));
            let due = bookings::lock_due(connection, &ring, due_before, AT_ONCE)?;
            let late_by = due
                .bookings
                .iter()
                .filter_map(|booking| Some(now - booking.wake_at?))
                .collect();
            let resort = |id: &domain::ids::ResortId| settings.resort(id);
            let policies = Policies {
                ring: &ring,
                resort: &resort,
            };
            let planned = planning::replan(connection, &policies, now, &due.bookings)?;
            if !due.bookings.is_empty() {
                crash::point("processor.wake_ups.written");
            }
            let next_at = bookings::next_wake_up(connection)?;
            Ok(Round {
                planned,
                woken: due.bookings.len() + due.damaged.len(),
                damaged: due.damaged,
                late_by,
                next_at,
                now,
            })
        })
        .await
}

fn report(shared: &Shared, round: &Round) {
    for late in &round.late_by {
        shared
            .counters
            .wake_up_lateness
            .observe(late.as_seconds_f64().max(0.0));
    }
    for booking in &round.damaged {
        shared.counters.damaged.inc();
        log::error!("booking.id" = booking, alert = true;
            "booking left aside for a minute: what is stored of it is damaged");
    }
    shared.report_planned(&round.planned, "timer");
}
