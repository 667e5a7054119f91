//! Seasons with a known effect of reminders: the report finds it, and finds none where there is none.
//!
//! Of 100 seasons, 95 are expected; chance alone gives 90 to 100. `scripts/test statistics` computes the exact share.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::hold_out::{Draw, HoldOut};
use domain::report::statistics::Difference;
use domain::report::{Breaches, Cart, Figures, Reaction, Reminder, Verdict};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const SEASONS: u64 = 100;
const GUESTS: u32 = 2_000;
const WITHOUT_REMINDER: f64 = 0.05;

/// A season of one resort that holds out a fifth, in which guests book by chance, more often after a reminder.
fn season(seed: u64, effect: f64) -> Figures {
    let mut random = StdRng::seed_from_u64(seed);
    let share = HoldOut::parse("20%").unwrap();
    let abandoned_at: DateTime<Utc> = "2026-11-01T10:00:00Z".parse().unwrap();
    let mut carts = Vec::new();
    for guest in 0..GUESTS {
        let is_held_out = share.holds(Draw::of_hash(random.random()));
        let rate = if is_held_out {
            WITHOUT_REMINDER
        } else {
            WITHOUT_REMINDER + effect
        };
        let books = random.random_bool(rate);
        carts.push(Cart {
            guest: guest.to_be_bytes().to_vec(),
            abandoned_at,
            reminder: if is_held_out {
                Reminder::HeldOut
            } else {
                Reminder::Went(Reaction::default())
            },
            reservations: books.then_some(None).into_iter().collect(),
        });
    }
    Figures::of(carts, BTreeMap::new(), Breaches::not_counted())
}

fn difference(figures: &Figures) -> Difference {
    let (reminded, held_out) = figures.groups();
    Difference::between(reminded, held_out).unwrap()
}

/// Seasons with this effect.
fn seasons(effect: f64) -> Vec<Figures> {
    (0..SEASONS).map(|seed| season(seed, effect)).collect()
}

fn in_how_many(seasons: &[Figures], is_so: impl Fn(&&Figures) -> bool) -> usize {
    seasons.iter().filter(is_so).count()
}

fn with_interval_around(effect: f64) -> impl Fn(&&Figures) -> bool {
    move |figures| {
        let seen = difference(figures);
        seen.low <= effect && effect <= seen.high
    }
}

// shows: B217
#[test]
fn an_effect_lies_within_the_interval_and_shows_where_there_are_enough_carts() {
    // 5 % to 10 % needs 1,444 carts at 20 % for 4 of 5 seasons; a season has 2,000.
    let seasons = seasons(0.05);

    let found = in_how_many(&seasons, with_interval_around(0.05));
    let shown = in_how_many(&seasons, |figures| {
        matches!(Verdict::of([*figures]), Verdict::More(_))
    });

    assert!(found >= 90, "{found}");
    assert!(shown >= 80, "{shown}");
}

// shows: B217
#[test]
fn where_there_is_no_effect_seasons_are_too_few_to_say() {
    let seasons = seasons(0.0);

    let found = in_how_many(&seasons, with_interval_around(0.0));
    let silent = in_how_many(&seasons, |figures| {
        matches!(Verdict::of([*figures]), Verdict::TooFew { .. })
    });

    assert!(found >= 90, "{found}");
    assert!(silent >= 90, "{silent}");
}
