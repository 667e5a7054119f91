//! Reconciliation: each second, looks for unresolved messages, whose calls have no known outcome, and settles those for
//! which the evidence is enough.
//!
//! A call is unresolved because its sender was killed or its answer was lost. [`SilencePolicy`] judges from the calls of
//! the same number in the minute after it, from WhatsApp's statuses for those, and from whether all events were applied.
//!
//! [`SilencePolicy`]: domain::silence_policy::SilencePolicy

use std::sync::{Arc, Mutex};
use std::time::Duration;

use broker::topology::Depths;
use domain::silence_policy::{EVENTS_EMPTY_FOR, SilenceVerdict};
use service::{Stop, crash, lock, periodic};
use store::StoreError;
use store::results::{self, UnresolvedCall};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::context::Sender;
use crate::telemetry;

/// How many are judged in a round. Each has a transaction of its own, so that a damaged booking stops no other.
const AT_ONCE: usize = 200;
/// An older observation of the queue is no evidence.
const OBSERVATION_VALID_FOR: Duration = Duration::from_secs(3);
/// While Postgres is unavailable processors hold events in memory, out of the queue; they retry after 3 s at most.
const AFTER_OUTAGE: Duration = Duration::from_secs(15);

/// What was observed of the queue of events.
#[derive(Default)]
struct EventQueue {
    /// The first and the last of the observations in a row that found it empty.
    empty: Option<(Instant, Instant)>,
    postgres_failed_at: Option<Instant>,
}

impl EventQueue {
    fn observe(&mut self, depths: Option<Depths>, now: Instant) {
        let first = self.empty.map_or(now, |(first, _)| first);
        self.empty = depths.filter(|depths| depths.events == 0).map(|_| (first, now));
    }

    /// Whether the queue has been empty for so long, and no processor holds earlier events in memory.
    fn was_empty_for(&self, duration: Duration, now: Instant) -> bool {
        let settled = self.postgres_failed_at.is_none_or(|at| now - at >= AFTER_OUTAGE);
        let empty = |(first, last): (Instant, Instant)| {
            last - first >= duration && now - last <= OBSERVATION_VALID_FOR
        };
        settled && self.empty.is_some_and(empty)
    }
}

/// What is known from one round to the next.
#[derive(Default)]
pub(crate) struct Reconciliation {
    events: Mutex<EventQueue>,
    /// The last message of a round that was full: the next round begins after it.
    reached: Mutex<Option<UnresolvedCall>>,
}

impl Reconciliation {
    /// Notes one observation of the queues; `None`: RabbitMQ did not answer.
    pub(crate) fn observe(&self, depths: Option<Depths>, now: Instant) {
        lock(&self.events).observe(depths, now);
    }
}

/// Runs until the stop. `depths` has each observation of the queues.
pub(crate) async fn run(sender: Arc<Sender>, depths: watch::Receiver<Option<Depths>>, stop: Stop) {
    let reconciliation = Reconciliation::default();
    tokio::join!(
        follow(&reconciliation, depths, &stop),
        periodic::run(&stop, Duration::from_secs(1), || async {
            if let Err(error) = reconcile(&sender, &reconciliation).await {
                log::warn!(error = service::chain(&error), event = "reconciliation_failed";
                    "reconciliation failed; it is tried again in 1 s, and calls without an outcome wait until then");
            }
        }),
    );
}

async fn follow(reconciliation: &Reconciliation, mut depths: watch::Receiver<Option<Depths>>, stop: &Stop) {
    loop {
        tokio::select! {
            () = stop.stopped() => return,
            changed = depths.changed() => if changed.is_err() { return },
        }
        let observed = *depths.borrow_and_update();
        reconciliation.observe(observed, Instant::now());
    }
}

/// One round: marks lost calls as unresolved, then gathers the evidence on unresolved calls and judges each.
pub(crate) async fn reconcile(sender: &Sender, reconciliation: &Reconciliation) -> Result<(), StoreError> {
    let reconciled = try_to_reconcile(sender, reconciliation).await;
    if reconciled.is_err() {
        // Without Postgres no processor applies events: for a while an empty queue shows nothing.
        lock(&reconciliation.events).postgres_failed_at = Some(Instant::now());
    }
    reconciled
}

async fn try_to_reconcile(sender: &Sender, reconciliation: &Reconciliation) -> Result<(), StoreError> {
    let policy = sender.silence_policy;
    mark_lost_calls(sender).await?;
    let events_empty = lock(&reconciliation.events).was_empty_for(EVENTS_EMPTY_FOR, Instant::now());
    let after = lock(&reconciliation.reached).take();
    let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    let unresolved = sender
        .store
        .run(move |connection| results::gather(connection, &policy, events_empty, after.as_ref(), limit))
        .await?;
    for one in &unresolved {
        settle(sender, one, policy.judge(&one.evidence)).await?;
    }
    // After a full page the next round goes on behind its last call; after a shorter one it begins at the front.
    *lock(&reconciliation.reached) = unresolved.into_iter().nth(AT_ONCE - 1);
    Ok(())
}

async fn mark_lost_calls(sender: &Sender) -> Result<(), StoreError> {
    let lost_after = sender.silence_policy.lost_after;
    crash::point("sender.lost_calls.sought");
    let lost = sender
        .store
        .run(move |connection| results::doubt_lost_calls(connection, lost_after))
        .await?;
    if lost > 0 {
        crash::point("sender.lost_calls.committed");
        telemetry::lost(&sender.metrics, lost);
    }
    Ok(())
}

/// Applies the verdict on one call. An error that its booking causes is logged and stops no other.
async fn settle(
    sender: &Sender,
    unresolved: &UnresolvedCall,
    verdict: SilenceVerdict,
) -> Result<(), StoreError> {
    if verdict == SilenceVerdict::Wait {
        return Ok(());
    }
    let (planner, one) = (sender.planner(), unresolved.clone());
    let settling = sender.store.transaction(move |connection| {
        let outcome = results::settle_silence(connection, &planner, &one, verdict)?;
        crash::point("sender.silence.written");
        Ok(outcome)
    });
    match settling
        .await
        .inspect(|_| crash::point("sender.silence.committed"))
    {
        Ok(outcome) => telemetry::settled(&sender.metrics, unresolved, &outcome),
        Err(error) if error.fault() == store::Fault::Outage => return Err(error),
        Err(error) => telemetry::unsettled(unresolved, &error),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(2);

    fn depths(events: u32) -> Option<Depths> {
        Some(Depths {
            events,
            ..Depths::default()
        })
    }

    /// Whether the queue counts as empty after observations at these seconds.
    fn empty_after(observed: &[(u64, Option<Depths>)], failed_at: Option<u64>, now: u64) -> bool {
        let begin = Instant::now();
        let at = |second| begin + Duration::from_secs(second);
        let mut seen = EventQueue::default();
        for (second, found) in observed {
            seen.observe(*found, at(*second));
        }
        seen.postgres_failed_at = failed_at.map(at);
        seen.was_empty_for(LONG, at(now))
    }

    #[test]
    fn the_queue_counts_as_empty_when_observations_in_a_row_found_it_empty_for_long_enough() {
        let empty = |seconds: &[u64]| seconds.iter().map(|at| (*at, depths(0))).collect::<Vec<_>>();

        assert!(empty_after(&empty(&[20, 21, 22]), None, 22));
        assert!(!empty_after(&empty(&[20, 21]), None, 22), "not long enough");
        assert!(
            !empty_after(&empty(&[20, 21, 22]), None, 26),
            "no later observation"
        );
        assert!(!empty_after(&[], None, 22), "no observation");
    }

    #[test]
    fn an_observation_of_an_event_or_of_nothing_at_all_starts_the_count_again() {
        for between in [depths(1), None] {
            let observed = [(20, depths(0)), (21, between), (22, depths(0)), (23, depths(0))];
            assert!(!empty_after(&observed, None, 23));
        }
    }

    #[test]
    fn after_an_outage_of_postgres_an_empty_queue_says_nothing_for_a_while() {
        let observed = [(20, depths(0)), (30, depths(0))];

        assert!(!empty_after(&observed, Some(16), 30));
        assert!(empty_after(&observed, Some(15), 30));
    }
}
