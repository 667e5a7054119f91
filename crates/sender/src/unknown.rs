//! Calls that nobody spoke of again: of a process that died, or without an answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use broker::topology::Depths;
use domain::silence_policy::SilenceVerdict;
use service::{Stop, crash, periodic};
use store::StoreError;
use store::results::{self, Outcome, Silent};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::log_lines;
use crate::send::Sender;

/// How many are judged at once; each has a transaction of its own, so that a damaged booking hurts itself alone.
const AT_ONCE: usize = 200;
/// A look at the queue that is older says nothing.
const LOOK_GOOD_FOR: Duration = Duration::from_secs(3);
/// While Postgres is away processors hold events in hand, out of the queue; they try again after 3 s at most.
const AFTER_OUTAGE: Duration = Duration::from_secs(15);

/// What is known of the queue of events.
#[derive(Default)]
struct Looks {
    /// The first and the last of the looks in a row that found nothing.
    empty: Option<(Instant, Instant)>,
    postgres_failed_at: Option<Instant>,
}

impl Looks {
    fn looked(&mut self, depths: Option<Depths>, now: Instant) {
        let first = self.empty.map_or(now, |(first, _)| first);
        self.empty = depths.filter(|depths| depths.events == 0).map(|_| (first, now));
    }

    /// Whether nothing has waited for so long, and nobody holds what came before.
    fn found_empty_for(&self, long: Duration, now: Instant) -> bool {
        let settled = self.postgres_failed_at.is_none_or(|at| now - at >= AFTER_OUTAGE);
        let empty = |(first, last): (Instant, Instant)| last - first >= long && now - last <= LOOK_GOOD_FOR;
        settled && self.empty.is_some_and(empty)
    }
}

/// What is looked after from round to round.
#[derive(Default)]
struct Round {
    looks: Mutex<Looks>,
    /// Where the last round ended, while there is more than one round can take.
    reached: Mutex<Option<Silent>>,
}

/// Looks every second until the stop. `depths` is news of the queues.
pub(crate) async fn run(sender: Arc<Sender>, depths: watch::Receiver<Option<Depths>>, stop: Stop) {
    let round = Round::default();
    tokio::join!(
        follow(&round, depths, &stop),
        periodic::run(&stop, Duration::from_secs(1), || async {
            if let Err(error) = look(&sender, &round).await {
                lock(&round.looks).postgres_failed_at = Some(Instant::now());
                log::warn!(error = service::chain(&error); "could not look for calls without an answer");
            }
        }),
    );
}

/// Notes each look at the queues; one that was not renewed is none.
async fn follow(round: &Round, mut depths: watch::Receiver<Option<Depths>>, stop: &Stop) {
    loop {
        tokio::select! {
            () = stop.stopped() => return,
            changed = depths.changed() => if changed.is_err() { return },
        }
        let found = *depths.borrow_and_update();
        lock(&round.looks).looked(found, Instant::now());
    }
}

async fn look(sender: &Sender, round: &Round) -> Result<(), StoreError> {
    let patience = sender.patience;
    crash::point("sender.lost_calls.sought");
    let lost = sender
        .store
        .run(move |connection| results::doubt_lost_calls(connection, patience.lost_after))
        .await?;
    if lost > 0 {
        crash::point("sender.lost_calls.committed");
        sender
            .metrics
            .unanswered
            .inc_by(u64::try_from(lost).unwrap_or_default());
        log::error!(unknown = lost, alert = true;
            "{lost} calls have no result, their sender probably died; waiting for WhatsApp's reports");
    }
    let empty_for = patience.events_empty_for.to_std().unwrap_or_default();
    let empty = lock(&round.looks).found_empty_for(empty_for, Instant::now());
    let after = lock(&round.reached).take();
    let most = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    let silent = sender
        .store
        .run(move |connection| results::gather(connection, &patience, empty, after.as_ref(), most))
        .await?;
    for one in &silent {
        settle(sender, one, patience.judge(&one.evidence)).await?;
    }
    *lock(&round.reached) = silent.into_iter().nth(AT_ONCE - 1);
    Ok(())
}

/// Does what was made of one call's silence. What its booking is to blame for holds up no other.
async fn settle(sender: &Sender, silent: &Silent, verdict: SilenceVerdict) -> Result<(), StoreError> {
    if verdict == SilenceVerdict::Wait {
        return Ok(());
    }
    let (planner, one) = (sender.planner(), silent.clone());
    let settled = sender
        .store
        .transaction(move |connection| {
            let outcome = results::settle_silence(connection, &planner, &one, verdict)?;
            crash::point("sender.silence.written");
            Ok(outcome)
        })
        .await
        .inspect(|_| crash::point("sender.silence.committed"));
    match settled {
        Ok(outcome) => tell(sender, silent, &outcome),
        Err(error) if error.fault() == store::Fault::Outage => return Err(error),
        Err(error) => log_lines::silence_unsettled(silent, &error),
    }
    Ok(())
}

fn tell(sender: &Sender, silent: &Silent, outcome: &Outcome) {
    for recorded in &outcome.recorded {
        let labels = [recorded.kind.as_str(), recorded.state.as_str()];
        sender.metrics.silent.with_label_values(&labels).inc();
        log_lines::silence_settled(silent, recorded);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Whether the queue counts as empty after looks at these seconds.
    fn empty_after(looks: &[(u64, Option<Depths>)], failed_at: Option<u64>, now: u64) -> bool {
        let begin = Instant::now();
        let at = |second| begin + Duration::from_secs(second);
        let mut seen = Looks::default();
        for (second, found) in looks {
            seen.looked(*found, at(*second));
        }
        seen.postgres_failed_at = failed_at.map(at);
        seen.found_empty_for(LONG, at(now))
    }

    #[test]
    fn the_queue_counts_as_empty_when_looks_in_a_row_found_nothing_for_long_enough() {
        let empty = |seconds: &[u64]| seconds.iter().map(|at| (*at, depths(0))).collect::<Vec<_>>();

        assert!(empty_after(&empty(&[20, 21, 22]), None, 22));
        assert!(!empty_after(&empty(&[20, 21]), None, 22), "not long enough");
        assert!(
            !empty_after(&empty(&[20, 21, 22]), None, 26),
            "nobody has looked since"
        );
        assert!(!empty_after(&[], None, 22), "nobody has looked");
    }

    #[test]
    fn a_look_that_found_something_or_nobody_begins_the_count_anew() {
        for between in [depths(1), None] {
            let looks = [(20, depths(0)), (21, between), (22, depths(0)), (23, depths(0))];
            assert!(!empty_after(&looks, None, 23));
        }
    }

    #[test]
    fn after_an_outage_of_postgres_an_empty_queue_says_nothing_for_a_while() {
        let looks = [(20, depths(0)), (30, depths(0))];

        assert!(!empty_after(&looks, Some(16), 30));
        assert!(empty_after(&looks, Some(15), 30));
    }
}
