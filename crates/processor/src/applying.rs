//! Getting a batch into Postgres whatever Postgres says: waiting out outages, trying again what was in another's way,
//! and taking a batch apart until a bad event hurts itself alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use service::{Stop, crash};
use store::{Fault, StoreError};

use crate::batch::{self, Applied, Fate, Opened};
use crate::notices::Notice;
use crate::rehearsal;
use crate::shared::Shared;

/// How often a batch that others were in the way of is tried before it is taken apart.
const CONTENTION_TRIES: u32 = 5;

/// How long to wait for what others hold once somebody is known to be in the way.
pub(crate) const IN_PASSING: Duration = Duration::from_millis(100);

/// After so long without Postgres events are left to other processors.
pub(crate) const LONG: Duration = Duration::from_secs(10);

/// How long a part of a batch waits for what other transactions hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// As long as the connection allows.
    Usual,
    /// [`IN_PASSING`]: what is locked now waits in hand, not in a transaction.
    Short,
}

/// What became of one event.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Committed.
    Settled,
    /// Committed; it is a stop whose writer matches no guest, so a person gets a letter.
    Unmatched,
    /// Postgres refused this very event.
    Refused(StoreError),
    /// Others hold what it needs, and it alone: later, and at no cost.
    InTheWay(StoreError),
    /// It touches what a newer program wrote, or a key that this process does not have: another one may do it.
    BeyondUs(StoreError),
    /// The process stops, or Postgres is away for [long](LONG): nothing was done.
    NotTried,
}

/// Applies events and returns what became of each, in their order.
pub(crate) async fn apply(
    shared: &Shared,
    stop: &Stop,
    events: &[Opened],
    mut patience: Patience,
) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(events.len());
    // A stack of parts, the first on top: halves of what was refused, in order.
    let mut parts: Vec<&[Opened]> = vec![events];
    while let Some(part) = parts.pop() {
        if part.is_empty() {
            continue;
        }
        if stop.is_stopped() {
            outcomes.extend(part.iter().map(|_| Outcome::NotTried));
            continue;
        }
        match apply_part(shared, stop, part, patience).await {
            Ok(Some(applied)) => {
                report(shared, part, &applied);
                outcomes.extend(part.iter().map(
                    |opened| match applied.unmatched_stops.contains(&opened.key()) {
                        true => Outcome::Unmatched,
                        false => Outcome::Settled,
                    },
                ));
            }
            Ok(None) => outcomes.extend(part.iter().map(|_| Outcome::NotTried)),
            Err(error) if part.len() == 1 => outcomes.push(alone(error)),
            Err(error) => {
                log::warn!(events = part.len(), error = service::chain(&error); "a batch was refused; taking it apart");
                if error.fault() == Fault::Locked {
                    patience = Patience::Short;
                }
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
        }
    }
    outcomes
}

fn alone(error: StoreError) -> Outcome {
    match error.fault() {
        Fault::Contention | Fault::Locked => Outcome::InTheWay(error),
        Fault::Ours => Outcome::BeyondUs(error),
        _ => Outcome::Refused(error),
    }
}

/// Applies one part in one transaction. `None`: it was [not tried](Outcome::NotTried). An error is the data's own: an event that is known to
/// be good would not be refused now.
async fn apply_part(
    shared: &Shared,
    stop: &Stop,
    part: &[Opened],
    patience: Patience,
) -> Result<Option<Applied>, StoreError> {
    let part: Arc<[Opened]> = part.into();
    let (mut failures, mut in_the_way, begun) = (0_u32, 0_u32, Instant::now());
    let (written, committed) = crash_points(&part);
    loop {
        let (events, planner, judging) = (Arc::clone(&part), shared.planner(), shared.judging);
        let error = match shared
            .store
            .transaction(move |c| {
                if patience == Patience::Short {
                    store::pool::wait_for_locks(c, IN_PASSING)?;
                }
                let applied = batch::apply(c, &planner, &judging, &events)?;
                crash::point(written);
                Ok(applied)
            })
            .await
        {
            Ok(applied) => {
                crash::point(committed);
                return Ok(Some(applied));
            }
            Err(error) => error,
        };
        let pause = match error.fault() {
            Fault::Contention | Fault::Unclear if in_the_way < CONTENTION_TRIES => {
                in_the_way += 1;
                Duration::from_millis(20).mul_f64(f64::from(in_the_way) * rand::random::<f64>())
            }
            // That it costs nothing needs no proof.
            Fault::Locked if patience == Patience::Short => return Err(error),
            Fault::Data | Fault::Ours | Fault::Unclear | Fault::Contention | Fault::Locked => {
                match rehearsal::rehearse(shared, largest(&part)).await {
                    Ok(()) => return Err(error),
                    Err(refused) => {
                        (failures, in_the_way) = (failures + 1, 0);
                        shared.postgres_failed("apply an event that is known to be good", &refused, failures)
                    }
                }
            }
            Fault::Outage => {
                failures += 1;
                shared.postgres_failed("apply events", &error, failures)
            }
        };
        if failures > 0 && begun.elapsed() > LONG {
            return Ok(None);
        }
        tokio::select! {
            () = stop.stopped() => return Ok(None),
            () = tokio::time::sleep(pause) => {}
        }
    }
}

fn crash_points(part: &[Opened]) -> (&'static str, &'static str) {
    if part.iter().any(Opened::is_report) {
        ("processor.reports.written", "processor.reports.committed")
    } else {
        ("processor.events.written", "processor.events.committed")
    }
}

/// The largest of the sealed bodies: a full disk may still take small ones.
fn largest(part: &[Opened]) -> Vec<u8> {
    let sealed = part.iter().map(|opened| &opened.envelope.sealed);
    sealed
        .max_by_key(|sealed| sealed.len())
        .cloned()
        .unwrap_or_default()
}

fn report(shared: &Shared, part: &[Opened], applied: &Applied) {
    let now = chrono::Utc::now();
    for (opened, fate) in part.iter().zip(&applied.fates) {
        let envelope = &opened.envelope;
        let outcome = match fate {
            Fate::Applied => "applied",
            Fate::Duplicate => "duplicate",
            Fate::Ignored => "ignored",
        };
        let delay = (now - envelope.received_at).as_seconds_f64().max(0.0);
        shared.counters.event_delay.observe(delay);
        shared.count_event(&envelope.event_type, outcome);
        log::info!(
            "event.id" = opened.key(),
            "event.type" = envelope.event_type,
            "request.id" = envelope.request_id,
            "booking.id" = opened.booking().map(|key| key.to_string()).unwrap_or_default(),
            "resort.id" = envelope.resort.as_ref().map_or("", |id| id.as_str()),
            outcome = outcome,
            delay_ms = (delay * 1000.0).round();
            "event settled"
        );
    }
    applied.notices.iter().for_each(Notice::tell);
    shared.report_reported(&applied.reported);
    shared.report_planned(&applied.planned, "event");
}
