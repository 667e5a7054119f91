//! Timers: a booking whose `wake_at` has come is planned again, nothing more.
//!
//! Many are planned in one transaction. Where that fails although Postgres is well, they are taken apart until the booking
//! at fault is alone. It is put off for a minute, and the others do not wait for it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use service::{Stop, crash};
use store::bookings::Booking;
use store::planning::{self, Planned};
use store::{Fault, StoreError, bookings};
use traces::{Kind, Span};

use crate::context::Context;
use crate::events::{self, SHORT_LOCK_WAIT};
use crate::telemetry;
use crate::watermark::Watermark;

/// How many bookings are planned in one transaction.
const AT_ONCE: i64 = 200;
/// The longest sleep: another process may have set an earlier timer.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How much longer than its time a timer waits for older events.
const EVENTS_FIRST: TimeDelta = TimeDelta::minutes(1);
/// How long a booking is put off that cannot be planned.
const AFTER_FAILURE: TimeDelta = TimeDelta::minutes(1);
/// How long a booking is put off whose messages another transaction has locked.
const WHILE_LOCKED: TimeDelta = TimeDelta::seconds(5);

pub(crate) struct Timers {
    pub(crate) context: Arc<Context>,
    pub(crate) watermark: Watermark,
    pub(crate) stop: Stop,
}

enum Selection {
    /// Those that have been due longest.
    Oldest,
    /// Some, by their keys. They wait for locks for [`SHORT_LOCK_WAIT`] only.
    These(Vec<String>),
}

struct Round {
    planned: Planned,
    woken: usize,
    late_by: Vec<TimeDelta>,
    spans: Vec<Span>,
    next_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

impl Timers {
    pub(crate) async fn run(self) {
        let mut failures = 0_u32;
        while !self.stop.is_stopped() {
            let pause = match self.step().await {
                Ok(pause) => {
                    failures = 0;
                    pause
                }
                Err(error) => {
                    failures += 1;
                    self.context
                        .postgres_failed("plan due bookings", &error, failures)
                }
            };
            tokio::select! {
                () = self.stop.stopped() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.context.finish_publishing().await;
    }

    /// Plans some of the bookings that are due, and returns how long to sleep.
    pub(crate) async fn step(&self) -> Result<Duration, StoreError> {
        let watermark = self.watermark.get();
        match self.plan(Selection::Oldest, watermark).await {
            Ok(round) => Ok(pause_until_next(&round)),
            Err(error) if is_temporary(&error) => Err(error),
            Err(error) => {
                // Postgres may refuse everything, and then no booking is to blame. A lock needs no such proof.
                if error.fault() != Fault::Locked {
                    events::check_postgres(&self.context).await?;
                }
                log::warn!(error = service::chain(&error), event = "timers_taken_apart";
                    "bookings could not be woken together; taking them apart");
                self.take_apart(watermark).await?;
                Ok(Duration::ZERO)
            }
        }
    }

    async fn take_apart(&self, watermark: Option<DateTime<Utc>>) -> Result<(), StoreError> {
        let listing = move |connection: &mut store::Connection| {
            let due_before = due_before(store::pool::clock(connection)?, watermark);
            bookings::list_due(connection, due_before, AT_ONCE)
        };
        let keys = self.context.store.run(listing).await?;
        let mut parts: Vec<&[String]> = halves(&keys).into();
        while let Some(part) = parts.pop() {
            if part.is_empty() || self.stop.is_stopped() {
                continue;
            }
            match (self.plan(Selection::These(part.to_vec()), watermark).await, part) {
                (Ok(_), _) => {}
                (Err(error), _) if is_temporary(&error) => return Err(error),
                (Err(error), [alone]) => self.put_off_after(alone, &error).await?,
                (Err(_), several) => parts.extend(halves(several)),
            }
        }
        Ok(())
    }

    async fn put_off_after(&self, booking: &str, error: &StoreError) -> Result<(), StoreError> {
        let by = if error.fault() == Fault::Locked {
            log::warn!("booking.id" = booking, error = service::chain(error), event = "booking_locked";
                "another transaction holds what this booking needs; trying again in 5 s");
            WHILE_LOCKED
        } else {
            self.context.metrics.unplannable.inc();
            log::error!("booking.id" = booking, error = service::chain(error), alert = "booking_unplannable";
                "booking left aside for a minute: it cannot be planned");
            AFTER_FAILURE
        };
        let key = booking.to_owned();
        let step = move |connection: &mut store::Connection| bookings::put_off(connection, &key, by);
        self.context.store.transaction(step).await
    }

    async fn plan(
        &self,
        selection: Selection,
        watermark: Option<DateTime<Utc>>,
    ) -> Result<Round, StoreError> {
        let planner = self
            .context
            .planner_for(usize::try_from(AT_ONCE).unwrap_or(usize::MAX));
        let (due, is_exported) = (planner.due, self.context.spans.are_sent());
        let planning = move |connection: &mut store::Connection| {
            let now = store::pool::clock(connection)?;
            let due_before = due_before(now, watermark);
            let mut due = match selection {
                Selection::Oldest => bookings::lock_due(connection, &planner.ring, due_before, AT_ONCE)?,
                Selection::These(keys) => {
                    store::pool::wait_for_locks(connection, SHORT_LOCK_WAIT)?;
                    bookings::lock_due_of(connection, &planner.ring, due_before, &keys)?
                }
            };
            // The event may be of last week: what it set off then is another trace, with a link to the event's.
            due.iter_mut()
                .for_each(|booking| booking.plan_in(traces::next(None)));
            let planned = planning::replan(connection, &planner, now, &due)?;
            if !due.is_empty() {
                crash::point("processor.timers.written");
            }
            let late_by = due.iter().filter_map(|booking| Some(now - booking.wake_at?));
            let spans = if is_exported {
                due.iter().filter_map(span).collect()
            } else {
                Vec::new()
            };
            Ok(Round {
                planned,
                woken: due.len(),
                late_by: late_by.collect(),
                spans,
                next_at: bookings::next_wake_up(connection)?,
                now,
            })
        };
        let mut round = self.context.store.transaction(planning).await?;
        if round.woken > 0 {
            crash::point("processor.timers.committed");
        }
        self.context.publish_due(due, &mut round.planned);
        for span in std::mem::take(&mut round.spans) {
            self.context.spans.record(span.context, || Span {
                ended_at: Utc::now(),
                ..span
            });
        }
        self.report(&round);
        Ok(round)
    }

    fn report(&self, round: &Round) {
        for late in &round.late_by {
            let late = late.as_seconds_f64().max(0.0);
            self.context.metrics.timer_lateness.observe(late);
        }
        telemetry::planned(&self.context.metrics, &round.planned, "timer");
    }
}

/// The first of a trace, with a link to the event that set the timer.
fn span(booking: &Booking) -> Option<Span> {
    let now = Utc::now();
    Some(Span {
        name: "timer".to_owned(),
        kind: Kind::Internal,
        context: booking.planned_in()?,
        parent: None,
        link: booking.trace(),
        began_at: now,
        ended_at: now,
        has_failed: false,
        attributes: vec![("bellhop.booking.id", booking.key.to_string().into())],
    })
}

/// Events go first: a timer that is younger than the watermark waits, for [`EVENTS_FIRST`] at most.
fn due_before(now: DateTime<Utc>, watermark: Option<DateTime<Utc>>) -> DateTime<Utc> {
    watermark.map_or(now, |watermark| watermark.max(now - EVENTS_FIRST).min(now))
}

/// Whether the same can succeed a moment later, without any booking at fault.
fn is_temporary(error: &StoreError) -> bool {
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
