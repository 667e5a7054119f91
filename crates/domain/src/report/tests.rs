//! A month's figures, and what they allow to say.

use super::verdict::Needed;
use super::*;

fn cart(guest: u8, minute: i64, reminder: Reminder) -> Cart {
    let start: DateTime<Utc> = "2026-11-23T10:00:00Z".parse().unwrap();
    Cart {
        guest: vec![guest],
        abandoned_at: start + chrono::TimeDelta::minutes(minute),
        reminder,
        reservations: Vec::new(),
    }
}

fn went() -> Reminder {
    Reminder::Went(Reaction::default())
}

fn booked(cart: Cart, amounts: &[&str]) -> Cart {
    let money = |amount: &&str| Money::parse(amount, "EUR");
    Cart {
        reservations: amounts.iter().map(money).collect(),
        ..cart
    }
}

fn figures(carts: Vec<Cart>) -> Figures {
    Figures::of(carts, BTreeMap::new(), Breaches::default())
}

/// A month with so many guests, and so many who booked.
fn month(reminded: (u64, u64), held_out: (u64, u64)) -> Figures {
    let group = |(booked, guests)| Group {
        guests,
        booked,
        ..Group::default()
    };
    Figures {
        reminded: group(reminded),
        held_out: group(held_out),
        ..Figures::default()
    }
}

// shows: B215
#[test]
fn a_guest_counts_with_the_first_cart_of_the_month_that_can_be_compared() {
    let figures = figures(vec![
        booked(cart(1, 20, went()), &["100"]),
        cart(1, 10, went()),
        cart(1, 0, Reminder::DidNotGo("no_consent".to_owned())),
        booked(cart(2, 0, Reminder::HeldOut), &["250.50", "49.50"]),
        cart(2, 1, Reminder::HeldOut),
        cart(3, 0, Reminder::DidNotGo("no_phone".to_owned())),
    ]);

    assert_eq!(figures.carts, 6);
    assert_eq!((figures.reminded.guests, figures.reminded.booked), (1, 0));
    assert_eq!((figures.held_out.guests, figures.held_out.booked), (1, 1));
    assert_eq!(figures.held_out.sums.to_string(), "300.00 EUR");
    let not_sent: Vec<(&str, u64)> = figures
        .not_sent
        .iter()
        .map(|(why, n)| (why.as_str(), *n))
        .collect();
    assert_eq!(not_sent, [("held_out", 2), ("no_consent", 1), ("no_phone", 1)]);
    assert_eq!(figures.in_both_groups, 0);
}

// shows: B215
#[test]
fn a_guest_who_was_in_both_groups_counts_in_the_first_and_is_named() {
    let figures = figures(vec![cart(1, 0, Reminder::HeldOut), cart(1, 10, went())]);

    assert_eq!((figures.held_out.guests, figures.reminded.guests), (1, 0));
    assert_eq!(figures.in_both_groups, 1);
}

#[test]
fn what_followed_a_reminder_is_counted_and_months_add_up() {
    let reaction = Reaction {
        is_delivered: true,
        is_read: true,
        is_answered: true,
        is_stopped: false,
    };
    let one = Figures::of(
        vec![booked(cart(1, 0, Reminder::Went(reaction)), &["1"])],
        [("marketing".to_owned(), 1)].into(),
        Breaches::default(),
    );
    let mut sum = one.clone();
    sum.add(&one);

    assert_eq!((sum.carts, sum.delivered, sum.read), (2, 2, 2));
    assert_eq!((sum.answered, sum.stopped), (2, 0));
    assert_eq!(sum.reminded.sums.to_string(), "2.00 EUR");
    assert_eq!(sum.messages["marketing"], 2);
    let json = serde_json::to_string(&sum).unwrap();
    assert_eq!(serde_json::from_str::<Figures>(&json).unwrap(), sum);
}

// shows: B216
#[test]
fn nothing_is_said_where_nobody_was_held_out_and_no_more_than_the_interval_allows() {
    assert_eq!(Verdict::of(&[month((8, 100), (0, 0))]), Verdict::NoComparison);
    assert_eq!(Verdict::of(&[month((0, 0), (3, 10))]), Verdict::NoComparison);
    let few = Verdict::of(&[month((8, 100), (1, 20))]);
    assert!(
        matches!(
            few,
            Verdict::TooFew {
                needed: Needed {
                    is_assumed: false,
                    ..
                },
                ..
            }
        ),
        "{few:?}"
    );
    let more = Verdict::of(&[month((800, 8_000), (100, 2_000))]);
    assert!(matches!(more, Verdict::More(_)), "{more:?}");
    let fewer = Verdict::of(&[month((400, 8_000), (200, 2_000))]);
    assert!(matches!(fewer, Verdict::Fewer(_)), "{fewer:?}");
}

// shows: B216
#[test]
fn where_no_difference_was_seen_the_number_needed_rests_on_a_stated_assumption() {
    let Verdict::TooFew { needed, .. } = Verdict::of(&[month((45, 900), (5, 100))]) else {
        panic!("too few to say");
    };

    assert!(needed.is_assumed);
    assert_eq!(needed.carts, 6_239);
}
