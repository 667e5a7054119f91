//! Random histories of some guests, in the order in which their events arrive.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use domain::event::EventType;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use EventType::{
    BookingAbandoned, BookingStarted, GuestCheckedIn, GuestCheckedOut, GuestOptedIn, GuestOptedOut,
    ReservationCancelled, ReservationConfirmed, ReservationModified,
};

use crate::webhook::Webhook;

const OF_A_BOOKING: [EventType; 9] = [
    BookingStarted,
    BookingStarted,
    BookingAbandoned,
    ReservationConfirmed,
    ReservationConfirmed,
    ReservationModified,
    ReservationCancelled,
    GuestCheckedIn,
    GuestCheckedOut,
];

/// The first instant.
pub(super) fn dawn() -> DateTime<Utc> {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

/// What happens to so many guests. The same seed makes the same histories.
pub(super) fn history(seed: u64, guests: u32) -> Vec<Webhook> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut history: Vec<Webhook> = (0..guests)
        .flat_map(|guest| of_guest(&mut random, guest))
        .collect();
    history.sort_by_key(|webhook| webhook.received_at);
    history
}

fn of_guest(random: &mut StdRng, guest: u32) -> Vec<Webhook> {
    let phone = match guest % 6 {
        5 => "12".to_owned(),
        4 => format!("+12025550{:03}", 100 + guest),
        _ => format!("+3069123456{:02}", 10 + guest),
    };
    let mut events = Vec::new();
    for _ in 0..random.random_range(3..8) {
        let occurred_at = dawn() + TimeDelta::minutes(random.random_range(0..6 * 1_440));
        let late = if random.random_bool(0.2) {
            random.random_range(0..900)
        } else {
            0
        };
        // No two things happen at one instant: which came first would be open.
        let moment = TimeDelta::milliseconds(random.random_range(1..60_000));
        let mut webhook = one(random, guest, &phone);
        webhook.event.occurred_at = occurred_at;
        webhook.received_at = occurred_at + TimeDelta::minutes(late) + moment;
        events.push(webhook);
    }
    events
}

/// An event of one of the guest's two carts, of a reservation grown from one, or of the guest.
fn one(random: &mut StdRng, guest: u32, phone: &str) -> Webhook {
    let says = random.random_range(0..100);
    if says < 8 {
        return Webhook::opted(if says < 6 { GuestOptedOut } else { GuestOptedIn }, phone);
    }
    let event_type = OF_A_BOOKING[random.random_range(0..OF_A_BOOKING.len())];
    let cart = format!("BK-{guest}-{}", random.random_range(0..2));
    let is_order = !matches!(event_type, BookingStarted | BookingAbandoned);
    let webhook = if is_order && random.random_bool(0.3) {
        Webhook::new(event_type, &format!("R-{guest}")).grown_from(&cart)
    } else {
        Webhook::new(event_type, &cart)
    };
    let mut webhook = if random.random_bool(0.8) {
        webhook.of(phone)
    } else {
        webhook
    };
    webhook.event.guest.consent = random.random_bool(0.1).then(|| random.random_bool(0.5));
    webhook.event.notify = random.random_bool(0.9);
    if random.random_bool(0.7) {
        let arrival = day(random.random_range(0..8));
        let departure = arrival + Days::new(random.random_range(0..4));
        webhook = webhook.staying(&arrival.to_string(), &departure.to_string());
    }
    webhook
}

fn day(after: u64) -> NaiveDate {
    dawn().date_naive() + Days::new(after)
}
