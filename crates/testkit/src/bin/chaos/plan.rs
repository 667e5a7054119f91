//! Which faults come when: drawn from the seed, and from nothing else.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{RngExt as _, SeedableRng as _};

use crate::fault::{Fault, Link, Mood, Player, Trouble};

/// One fault per so much time, on average; several last at once.
const ONE_EACH: Duration = Duration::from_millis(2_500);
/// How often a moment is drawn at which the victim is well.
const DRAWS: usize = 40;

/// A fault at its time, counted from the begin of the traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) at: Duration,
    pub(crate) lasts: Duration,
    pub(crate) fault: Fault,
}

/// Draws the faults of a run, in their order: every kind comes before one comes again.
///
/// They begin after `quiet` and are over, but for their victim's way back, before `end`.
pub(crate) fn draw(seed: u64, quiet: Duration, end: Duration) -> Vec<Planned> {
    let mut rng = StdRng::seed_from_u64(seed);
    let count = end.saturating_sub(quiet).as_millis() / ONE_EACH.as_millis();
    let mut planned: Vec<Planned> = Vec::new();
    let mut deck = Vec::new();
    for _ in 0..count {
        if deck.is_empty() {
            deck = full_deck(&mut rng);
        }
        let drawn = deck
            .pop()
            .and_then(|fault| place(&mut rng, fault, quiet, end, &planned));
        planned.extend(drawn);
    }
    planned.sort_by_key(|one| (one.at, one.fault));
    planned
}

/// A moment at which the victim is well and has time to come back; none is found where there is hardly one.
fn place(
    rng: &mut StdRng,
    fault: Fault,
    quiet: Duration,
    end: Duration,
    planned: &[Planned],
) -> Option<Planned> {
    let (shortest, longest) = fault.lasts_ms();
    let lasts = Duration::from_millis(rng.random_range(shortest..=longest));
    let latest = end.saturating_sub(lasts);
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    (0..DRAWS).find_map(|_| {
        let at = Duration::from_millis(rng.random_range(millis(quiet)..=millis(latest.max(quiet))));
        let drawn = Planned { at, lasts, fault };
        planned
            .iter()
            .all(|other| !drawn.collides(other))
            .then_some(drawn)
    })
}

impl Planned {
    fn rested_at(&self) -> Duration {
        self.at + self.lasts + self.fault.rest()
    }

    fn collides(&self, other: &Self) -> bool {
        self.fault.victim() == other.fault.victim()
            && self.at < other.rested_at()
            && other.at < self.rested_at()
    }
}

fn full_deck(rng: &mut StdRng) -> Vec<Fault> {
    let player = |rng: &mut StdRng| Player::ALL.choose(rng).copied().unwrap_or(Player::Processor(0));
    let mut deck = vec![
        Fault::Freeze(player(rng)),
        Fault::Freeze(player(rng)),
        Fault::Restart(player(rng)),
        Fault::BrokerStops,
        Fault::BrokerIsKilled,
        Fault::BrokerHasNoMemory,
        Fault::QueueIsDeleted,
        Fault::QueueIsPurged,
        Fault::PostgresStops,
        Fault::PostgresIsKilled,
        Fault::PostgresIsReadOnly,
        Fault::PostgresCutsConnections,
        Fault::PostgresIsFull,
        Fault::PostgresIsLocked,
        Fault::PostgresDeadlocks,
        Fault::PostgresDiskIsFull,
    ];
    deck.extend(Player::ALL.map(Fault::Kill));
    let moods = [
        Mood::Slow,
        Mood::Hanging,
        Mood::CutsBefore,
        Mood::CutsAfter,
        Mood::GarbageAndLost,
        Mood::GarbageAndTaken,
    ];
    deck.extend(moods.map(Fault::WhatsApp));
    for link in [Link::Postgres, Link::Broker, Link::WhatsApp, Link::Reports] {
        deck.extend(
            [Trouble::Slow, Trouble::Cut, Trouble::HalfOpen].map(|trouble| Fault::Line(link, trouble)),
        );
    }
    deck.shuffle(rng);
    deck
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const QUIET: Duration = Duration::from_secs(3);

    fn draw_for(seed: u64, seconds: u64) -> Vec<Planned> {
        draw(seed, QUIET, Duration::from_secs(seconds))
    }

    #[test]
    fn the_same_seed_plays_the_same_faults_and_another_others() {
        assert_eq!(draw_for(7, 200), draw_for(7, 200));
        assert_ne!(draw_for(7, 200), draw_for(8, 200));
    }

    #[test]
    fn nobody_is_struck_twice_at_once_and_all_is_over_in_time() {
        for seed in 0..50 {
            let planned = draw_for(seed, 200);
            for (place, one) in planned.iter().enumerate() {
                assert!(one.at >= QUIET && one.at + one.lasts <= Duration::from_secs(200));
                assert!(planned.iter().skip(place + 1).all(|other| !one.collides(other)));
            }
        }
    }

    #[test]
    fn a_long_run_plays_every_kind_of_fault() {
        let kinds = |faults: Vec<Fault>| faults.into_iter().map(Fault::kind).collect::<BTreeSet<_>>();
        let mut rng = StdRng::seed_from_u64(0);
        let strikes_whomever = |fault: &Fault| matches!(fault, Fault::Freeze(_) | Fault::Restart(_));
        let deck = full_deck(&mut rng)
            .into_iter()
            .filter(|fault| !strikes_whomever(fault));
        let wanted = kinds(deck.collect());

        let played = kinds(draw_for(1, 600).into_iter().map(|one| one.fault).collect());

        assert!(wanted.is_subset(&played), "{:?}", wanted.difference(&played));
    }
}
