//! What is drawn, for whatever seed.

use std::collections::BTreeMap;

use super::*;
use crate::settings::time_for_faults;

const QUIET: Duration = Duration::from_secs(3);
/// The script holds the defaults of a run.
const SCRIPT: &str = include_str!("../../../../../scripts/chaos");

fn draw_for(seed: u64, seconds: u64) -> Vec<Planned> {
    draw(seed, QUIET, Duration::from_secs(seconds))
}

/// The first and the last moment of the faults in a run that is as long as this line of the script says.
fn faults_of(line: &str) -> (Duration, Duration) {
    let words = SCRIPT.lines().find(|text| text.contains(line)).unwrap();
    let number = |name: &str| -> f64 {
        let word = words.split_whitespace().find_map(|word| word.strip_prefix(name));
        word.unwrap().parse().unwrap()
    };
    time_for_faults(Duration::from_secs_f64(number("events=") / number("rate=")))
}

fn collide(one: &Planned, other: &Planned) -> bool {
    let rested_at = |planned: &Planned| planned.at + planned.lasts + planned.fault.rest();
    one.fault.victim() == other.fault.victim() && one.at < rested_at(other) && other.at < rested_at(one)
}

// shows: G33
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
            assert!(planned.iter().skip(place + 1).all(|other| !collide(one, other)));
        }
    }
}

// shows: G31
#[test]
fn a_long_run_plays_every_kind_of_fault_at_least_twice() {
    let (quiet, end) = faults_of("seed=$((RANDOM + 1))");
    let wanted = full_deck(&mut StdRng::seed_from_u64(0))
        .into_iter()
        .map(Fault::kind);
    let wanted: Vec<String> = wanted.collect();

    assert!(is_long(quiet, end));
    for seed in 0..200 {
        let mut played = BTreeMap::<String, usize>::new();
        for one in draw(seed, quiet, end) {
            *played.entry(one.fault.kind()).or_default() += 1;
        }
        for kind in &wanted {
            let times = played.get(kind).copied().unwrap_or_default();
            assert!(times >= DECKS_OF_LONG, "seed {seed}: {kind}");
        }
    }
}

#[test]
fn a_short_run_is_not_long_and_plays_a_good_dozen_faults() {
    let (quiet, end) = faults_of("--short)");

    assert!(!is_long(quiet, end));
    assert!((0..200).all(|seed| draw(seed, quiet, end).len() == 13));
}
