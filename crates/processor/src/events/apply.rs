//! Gets a batch into Postgres: waits out outages, retries after contention, and takes a refused batch apart until the bad
//! event is alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use service::{Stop, crash};
use store::{Fault, StoreError};

use super::batch::{self, Applied};
use super::event::Opened;
use super::{canary, report};
use crate::context::Context;

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
    /// Nothing was done.
    NotTried(NotTried),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum NotTried {
    Stopping,
    /// Postgres is away for [long](LONG_OUTAGE), or refuses everything.
    PostgresAway,
}

impl ApplyOutcome {
    pub(super) fn is_committed(&self) -> bool {
        matches!(self, Self::Committed | Self::UnmatchedStop)
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::UnmatchedStop => "unmatched_stop",
            Self::Refused(_) => "refused",
            Self::Locked(_) => "locked",
            Self::NotForUs(_) => "not_for_us",
            Self::NotTried(_) => "not_tried",
        }
    }
}

/// Applies a batch and returns what became of each event, in their order.
pub(super) async fn apply_with_retries(
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
        match apply_part(context, stop, part, lock_wait).await {
            PartOutcome::Applied(applied) => {
                report::applied(context, part, &applied);
                outcomes.extend(part.iter().map(|one| committed(one, &applied)));
            }
            PartOutcome::NotTried(why) => {
                // This part and all that follow it: each would wait as long for the end of the same outage.
                outcomes.resize_with(events.len(), || ApplyOutcome::NotTried(why));
                break;
            }
            PartOutcome::Blamed(error) if part.len() == 1 => outcomes.push(blamed(error)),
            PartOutcome::Blamed(error) => {
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

/// The outcome of an event that was alone in its part.
fn blamed(error: StoreError) -> ApplyOutcome {
    match error.fault() {
        Fault::Contention | Fault::Locked => ApplyOutcome::Locked(error),
        Fault::Ours => ApplyOutcome::NotForUs(error),
        // No event is blamed for an outage.
        Fault::Data | Fault::Unclear | Fault::Outage => ApplyOutcome::Refused(error),
    }
}

enum PartOutcome {
    Applied(Box<Applied>),
    /// The events of the part are at fault: the canary went through.
    Blamed(StoreError),
    NotTried(NotTried),
}

/// Applies one part, in one transaction.
async fn apply_part(context: &Context, stop: &Stop, part: &[Opened], lock_wait: LockWait) -> PartOutcome {
    let part: Arc<[Opened]> = part.into();
    let mut tries = Tries::begin();
    while !stop.is_stopped() {
        let error = match try_once(context, &part, lock_wait).await {
            Ok(applied) => return PartOutcome::Applied(Box::new(applied)),
            Err(error) => error,
        };
        match tries.judge_failure(error, context, &part, lock_wait).await {
            Failure::Blame(error) => return PartOutcome::Blamed(error),
            Failure::PostgresAway => return PartOutcome::NotTried(NotTried::PostgresAway),
            Failure::RetryAfter(pause) => {
                tokio::select! {
                    () = stop.stopped() => {}
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }
    }
    PartOutcome::NotTried(NotTried::Stopping)
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
    let (events, planner, judging) = (Arc::clone(part), context.planner_for(part.len()), context.judging);
    let due = planner.due;
    let work = move |connection: &mut store::Connection| {
        if lock_wait == LockWait::Short {
            store::pool::wait_for_locks(connection, SHORT_LOCK_WAIT)?;
        }
        let applied = batch::apply(connection, &planner, &judging, &events)?;
        crash::point(written);
        Ok(applied)
    };
    let mut applied = context.store.transaction(work).await?;
    crash::point(committed);
    context.publish_due(due, &mut applied.planned);
    context.publish_due(due, &mut applied.reported.planned);
    Ok(applied)
}

/// What follows from a failed try.
enum Failure {
    /// The events of the part are at fault.
    Blame(StoreError),
    RetryAfter(Duration),
    /// The outage is [long](LONG_OUTAGE).
    PostgresAway,
}

/// The failed tries of a part, by whose fault.
struct Tries {
    begun: Instant,
    /// Postgres was away, or refused everything.
    outages: u32,
    contentions: u32,
}

impl Tries {
    fn begin() -> Self {
        Self {
            begun: Instant::now(),
            outages: 0,
            contentions: 0,
        }
    }

    /// Counts a failure, and finds out with the canary whether the events are at fault.
    async fn judge_failure(
        &mut self,
        error: StoreError,
        context: &Context,
        part: &[Opened],
        lock_wait: LockWait,
    ) -> Failure {
        match error.fault() {
            Fault::Contention | Fault::Unclear if self.contentions < CONTENTION_TRIES => {
                self.contentions += 1;
                if self.is_long_outage() {
                    return Failure::PostgresAway;
                }
                let share = f64::from(self.contentions) * rand::random::<f64>();
                Failure::RetryAfter(Duration::from_millis(20).mul_f64(share))
            }
            // A wait for a lock is charged to no event, so the canary has nothing to prove.
            Fault::Locked if lock_wait == LockWait::Short => Failure::Blame(error),
            Fault::Data | Fault::Ours | Fault::Unclear | Fault::Contention | Fault::Locked => {
                match canary::check_with_body(context, largest(part)).await {
                    Ok(()) => Failure::Blame(error),
                    Err(refused) => {
                        self.contentions = 0;
                        self.outage("canary", context, &refused)
                    }
                }
            }
            Fault::Outage => self.outage("apply events", context, &error),
        }
    }

    fn outage(&mut self, step: &'static str, context: &Context, error: &StoreError) -> Failure {
        self.outages += 1;
        let pause = context.postgres_failed(step, error, self.outages);
        match self.is_long_outage() {
            true => Failure::PostgresAway,
            false => Failure::RetryAfter(pause),
        }
    }

    fn is_long_outage(&self) -> bool {
        self.outages > 0 && self.begun.elapsed() > LONG_OUTAGE
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
