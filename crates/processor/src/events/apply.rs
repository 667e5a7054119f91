//! Gets a batch into Postgres: waits out outages, retries after contention, and takes a refused batch apart until the bad
//! event is alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use service::{Stop, crash};
use store::{Fault, StoreError};

use super::batch::{self, Applied};
use super::event::Opened;
use super::{canary, decode};
use crate::context::Context;
use crate::telemetry;

/// How often a batch is retried after contention before it is taken apart.
const CONTENTION_TRIES: u32 = 5;

/// How long to wait for a lock of which it is known that another transaction holds it.
pub(crate) const SHORT_LOCK_WAIT: Duration = Duration::from_millis(100);

/// After so long without Postgres, events are left to other processors.
pub(super) const LONG_OUTAGE: Duration = Duration::from_secs(10);

/// How long a part of a batch waits for locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LockWait {
    /// As long as the connection allows.
    Usual,
    /// [`SHORT_LOCK_WAIT`]: an event whose rows are locked is delayed in the process, not in a transaction.
    Short,
}

/// What became of one event.
#[derive(Debug)]
pub(super) enum ApplyOutcome {
    Committed,
    /// Committed; it is a stop whose writer matches no guest, so a person gets a dead letter.
    UnmatchedStop,
    Refused(StoreError),
    /// Another transaction holds what this event needs: try again later. Counts as no refusal.
    Locked(StoreError),
    /// It touches what a newer version wrote, or a key that this process does not have: another process can apply it.
    NotForUs(StoreError),
    /// The process stops, or Postgres is away for [long](LONG_OUTAGE): nothing was done.
    NotTried,
}

impl ApplyOutcome {
    pub(super) fn is_committed(&self) -> bool {
        matches!(self, Self::Committed | Self::UnmatchedStop)
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::UnmatchedStop => "unmatched_stop",
            Self::Refused(_) => "refused",
            Self::Locked(_) => "locked",
            Self::NotForUs(_) => "not_for_us",
            Self::NotTried => "not_tried",
        }
    }
}

/// Applies envelopes without the queue, for [`steps`](crate::steps).
pub(crate) async fn apply_bodies(context: &Context, stop: &Stop, bodies: &[Vec<u8>]) -> Vec<&'static str> {
    let opened: Result<Vec<Opened>, _> = bodies
        .iter()
        .map(|body| decode::decode(&context.ring, body))
        .collect();
    let Ok(events) = opened else {
        return vec!["undecodable"; bodies.len()];
    };
    let outcomes = apply(context, stop, &events, LockWait::Usual).await;
    outcomes.iter().map(ApplyOutcome::name).collect()
}

/// Applies events and returns what became of each, in their order.
pub(super) async fn apply(
    context: &Context,
    stop: &Stop,
    events: &[Opened],
    mut lock_wait: LockWait,
) -> Vec<ApplyOutcome> {
    let mut outcomes = Vec::with_capacity(events.len());
    // A stack of parts, the first on top: halves of what was refused, in order.
    let mut parts: Vec<&[Opened]> = vec![events];
    while let Some(part) = parts.pop() {
        if part.is_empty() {
            continue;
        }
        if stop.is_stopped() {
            outcomes.extend(part.iter().map(|_| ApplyOutcome::NotTried));
            continue;
        }
        match apply_part(context, stop, part, lock_wait).await {
            Ok(Some(applied)) => {
                report(context, part, &applied);
                outcomes.extend(part.iter().map(|one| committed(one, &applied)));
            }
            Ok(None) => outcomes.extend(part.iter().map(|_| ApplyOutcome::NotTried)),
            Err(error) if part.len() == 1 => outcomes.push(refused(error)),
            Err(error) => {
                log::warn!(events = part.len(), error = service::chain(&error), event = "batch_taken_apart";
                    "a batch was refused; taking it apart");
                // One locked booking must not cost the usual wait again in every half.
                if error.fault() == Fault::Locked {
                    lock_wait = LockWait::Short;
                }
                let (first, second) = part.split_at(part.len() / 2);
                // The first half goes on top: outcomes keep the order of the events.
                parts.extend([second, first]);
            }
        }
    }
    outcomes
}

fn committed(opened: &Opened, applied: &Applied) -> ApplyOutcome {
    match applied.unmatched_stops.contains(&opened.key()) {
        true => ApplyOutcome::UnmatchedStop,
        false => ApplyOutcome::Committed,
    }
}

fn refused(error: StoreError) -> ApplyOutcome {
    match error.fault() {
        Fault::Contention | Fault::Locked => ApplyOutcome::Locked(error),
        Fault::Ours => ApplyOutcome::NotForUs(error),
        Fault::Outage | Fault::Unclear | Fault::Data => ApplyOutcome::Refused(error),
    }
}

/// Applies one part in one transaction. `None`: it was [not tried](ApplyOutcome::NotTried).
///
/// # Errors
/// The events of the part are at fault: the canary went through.
async fn apply_part(
    context: &Context,
    stop: &Stop,
    part: &[Opened],
    lock_wait: LockWait,
) -> Result<Option<Applied>, StoreError> {
    let part: Arc<[Opened]> = part.into();
    let mut retries = Retries::default();
    let begun = Instant::now();
    loop {
        let error = match try_once(context, &part, lock_wait).await {
            Ok(applied) => return Ok(Some(applied)),
            Err(error) => error,
        };
        let pause = retries.pause_after(error, context, &part, lock_wait).await?;
        if retries.failures > 0 && begun.elapsed() > LONG_OUTAGE {
            return Ok(None);
        }
        tokio::select! {
            () = stop.stopped() => return Ok(None),
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn try_once(
    context: &Context,
    part: &Arc<[Opened]>,
    lock_wait: LockWait,
) -> Result<Applied, StoreError> {
    let (written, committed) = match part.iter().any(Opened::is_report) {
        true => ("processor.reports.written", "processor.reports.committed"),
        false => ("processor.events.written", "processor.events.committed"),
    };
    let (events, planner, judging) = (Arc::clone(part), context.planner(), context.judging);
    let work = move |connection: &mut store::Connection| {
        if lock_wait == LockWait::Short {
            store::pool::wait_for_locks(connection, SHORT_LOCK_WAIT)?;
        }
        let applied = batch::apply(connection, &planner, &judging, &events)?;
        crash::point(written);
        Ok(applied)
    };
    let applied = context.store.transaction(work).await?;
    crash::point(committed);
    Ok(applied)
}

/// How often a part failed so far, by whose fault.
#[derive(Default)]
struct Retries {
    /// Postgres was away, or refused everything.
    failures: u32,
    contentions: u32,
}

impl Retries {
    /// How long to wait before the next try.
    ///
    /// # Errors
    /// There is no next try: the error is the events' own.
    async fn pause_after(
        &mut self,
        error: StoreError,
        context: &Context,
        part: &[Opened],
        lock_wait: LockWait,
    ) -> Result<Duration, StoreError> {
        match error.fault() {
            Fault::Contention | Fault::Unclear if self.contentions < CONTENTION_TRIES => {
                self.contentions += 1;
                let share = f64::from(self.contentions) * rand::random::<f64>();
                Ok(Duration::from_millis(20).mul_f64(share))
            }
            // A wait for a lock is charged to no event, so the canary has nothing to prove.
            Fault::Locked if lock_wait == LockWait::Short => Err(error),
            Fault::Data | Fault::Ours | Fault::Unclear | Fault::Contention | Fault::Locked => {
                match canary::check_with_body(context, largest(part)).await {
                    Ok(()) => Err(error),
                    Err(refused) => {
                        self.contentions = 0;
                        Ok(self.failed("canary", context, &refused))
                    }
                }
            }
            Fault::Outage => Ok(self.failed("apply events", context, &error)),
        }
    }

    fn failed(&mut self, step: &'static str, context: &Context, error: &StoreError) -> Duration {
        self.failures += 1;
        context.postgres_failed(step, error, self.failures)
    }
}

/// The largest of the sealed bodies.
fn largest(part: &[Opened]) -> Vec<u8> {
    let sealed = part.iter().map(|opened| &opened.envelope.sealed);
    sealed
        .max_by_key(|sealed| sealed.len())
        .cloned()
        .unwrap_or_default()
}

fn report(context: &Context, part: &[Opened], applied: &Applied) {
    let now = chrono::Utc::now();
    for (opened, outcome) in part.iter().zip(&applied.outcomes) {
        let (envelope, outcome) = (&opened.envelope, outcome.as_str());
        let delay = (now - envelope.received_at).as_seconds_f64().max(0.0);
        context.metrics.event_delay.observe(delay);
        context.count_event(&envelope.event_type, outcome);
        log::info!(
            "event.id" = opened.key(),
            "event.type" = envelope.event_type,
            "request.id" = envelope.request_id,
            "booking.id" = opened.booking().map(|key| key.to_string()).unwrap_or_default(),
            "resort.id" = envelope.resort.as_ref().map_or("", |id| id.as_str()),
            outcome = outcome,
            delay_ms = (delay * 1000.0).round(),
            event = "event_settled";
            "event settled"
        );
    }
    for notice in &applied.notices {
        notice.log();
    }
    telemetry::reported(&context.metrics, &applied.reported);
    telemetry::planned(&context.metrics, &applied.planned, "event");
}
