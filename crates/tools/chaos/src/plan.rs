//! Which faults come when: drawn from the seed, and from nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{RngExt as _, SeedableRng as _};

use crate::fault::{Fault, Link, Mood, Player, Trouble, Victim};

/// One fault per so much time, on average; several last at once. A deck of faults takes as long as the victim of most of
/// them needs for its own, so that each of a whole deck finds its place.
const ONE_EACH: Duration = Duration::from_millis(3_700);
/// For each fault that is wanted so many are drawn at most: in a very short run some victims have no time left.
const DRAWS: usize = 3;
/// A run that has time for so many decks is a long one.
const DECKS_OF_LONG: usize = 2;

/// A fault at its time, counted from the begin of the traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) at: Duration,
    pub(crate) lasts: Duration,
    pub(crate) fault: Fault,
}

/// Draws the faults of a run: every kind comes before one comes again.
///
/// They begin after `quiet` and are over, but for their victim's way back, before `end`.
pub(crate) fn draw(seed: u64, quiet: Duration, end: Duration) -> Vec<Planned> {
    let mut rng = StdRng::seed_from_u64(seed);
    let time = end.saturating_sub(quiet);
    let wanted = usize::try_from(time.as_millis() / ONE_EACH.as_millis()).unwrap_or(usize::MAX);
    let mut of_victims = BTreeMap::<Victim, Vec<Planned>>::new();
    let (mut deck, mut dealt) = (Vec::new(), 0);
    for _ in 0..wanted * DRAWS {
        if deck.is_empty() {
            deck = full_deck(&mut rng);
        }
        let Some(drawn) = deck.pop().map(|fault| Planned::of(fault, &mut rng)) else {
            break;
        };
        let faults = of_victims.entry(drawn.fault.victim()).or_default();
        faults.push(drawn);
        if needed(faults) > time {
            faults.pop();
            continue;
        }
        dealt += 1;
        if dealt == wanted {
            break;
        }
    }
    let placed = of_victims
        .into_values()
        .flat_map(|faults| place(&mut rng, faults, quiet, end));
    let mut planned: Vec<Planned> = placed.collect();
    planned.sort_by_key(|one| (one.at, one.fault));
    planned
}

/// Whether a run has the time to play every kind of fault so often that what must come of them does come.
pub(crate) fn is_long(quiet: Duration, end: Duration) -> bool {
    let deck = full_deck(&mut StdRng::seed_from_u64(0));
    let faults = u32::try_from(deck.len() * DECKS_OF_LONG).unwrap_or(u32::MAX);
    end.saturating_sub(quiet) >= ONE_EACH * faults
}

impl Planned {
    fn of(fault: Fault, rng: &mut StdRng) -> Self {
        let (shortest, longest) = fault.lasts_ms();
        Self {
            at: Duration::ZERO,
            lasts: Duration::from_millis(rng.random_range(shortest..=longest)),
            fault,
        }
    }
}

/// The time for faults one behind the other, with a rest in between: the victim must be well, and come back.
fn needed(faults: &[Planned]) -> Duration {
    let rests = faults.iter().rev().skip(1).map(|one| one.fault.rest());
    rests.chain(faults.iter().map(|one| one.lasts)).sum()
}

/// Places one victim's faults one behind the other; what is left of the time goes into the gaps at random.
fn place(rng: &mut StdRng, mut faults: Vec<Planned>, quiet: Duration, end: Duration) -> Vec<Planned> {
    let spare = end.saturating_sub(quiet + needed(&faults));
    let mut gaps: Vec<Duration> = faults.iter().map(|_| spare.mul_f64(rng.random())).collect();
    gaps.sort_unstable();
    let mut free_at = quiet;
    for (one, gap) in faults.iter_mut().zip(gaps) {
        one.at = free_at + gap;
        free_at += one.lasts + one.fault.rest();
    }
    faults
}

/// Each kind once, for each of the processes or programs that it may strike; shuffled.
fn full_deck(rng: &mut StdRng) -> Vec<Fault> {
    let mut deck = vec![
        Fault::BrokerStops,
        Fault::BrokerIsKilled,
        Fault::BrokerStandsStill,
        Fault::BrokerHasNoMemory,
        Fault::QueueIsDeleted,
        Fault::QueueIsPurged,
        Fault::PostgresStops,
        Fault::PostgresIsKilled,
        Fault::PostgresStandsStill,
        Fault::PostgresIsReadOnly,
        Fault::PostgresCutsConnections,
        Fault::PostgresIsFull,
        Fault::PostgresIsLocked,
        Fault::PostgresDeadlocks,
        Fault::PostgresDiskIsFull,
    ];
    deck.extend(Player::ALL.map(Fault::Kill));
    deck.extend(Player::ALL.map(Fault::Freeze));
    for two in Player::ALL.chunks(2) {
        deck.extend(two.choose(rng).copied().map(Fault::Restart));
    }
    let moods = [
        Mood::Slow,
        Mood::Hanging,
        Mood::CutsBefore,
        Mood::CutsAfter,
        Mood::GarbageAndLost,
        Mood::GarbageAndTaken,
    ];
    deck.extend(moods.map(Fault::WhatsApp));
    let troubles = [Trouble::Slow, Trouble::Cut, Trouble::Mute, Trouble::HalfOpen];
    for link in [Link::Postgres, Link::Broker, Link::WhatsApp, Link::Reports] {
        deck.extend(troubles.map(|trouble| Fault::Line(link, trouble)));
    }
    deck.shuffle(rng);
    deck
}

#[cfg(test)]
mod tests;
