//! A season in fast time: many guests with random journeys, and the rules of the product checked on everything that was
//! sent. 10,000 guests; 100,000 in a release build: `cargo test --release -p domain --test it season`.

mod checks;
mod guests;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use domain::event::{Event, EventType};
use domain::message::{MessageKind, Reason};
use domain::plan::Existing;
use domain::resort::{Language, Resort, Template, Variables};
use domain::simulation::{Sent, World};

use crate::model;
use crate::stories::{Delivery, dawn};
use checks::Breach;

const GUESTS: u64 = if cfg!(debug_assertions) { 10_000 } else { 100_000 };
const SEED: u64 = 13;

/// The resort of the other property tests, with a template for every kind.
fn resort() -> Resort {
    let template = Template {
        name: "note".to_owned(),
        language_code: "en_US".to_owned(),
        header: Variables::Positional(Vec::new()),
        body: Variables::Positional(Vec::new()),
        button_url: None,
        replies: Vec::new(),
    };
    let mut resort = model::resort();
    let cap = u32::try_from(checks::CAP).ok().and_then(NonZeroU32::new);
    resort.limits.reminders_per_day = cap.unwrap();
    resort.fallback_templates = [(Language::parse("en").unwrap(), template)].into();
    resort
}

/// Plays one guest's journey; the resort does not hear what `hears` leaves out.
fn play(resort: &Arc<Resort>, journey: &[Delivery], hears: impl Fn(&Event) -> bool) -> World {
    let mut world = World::new(Arc::clone(resort), dawn(), dawn());
    for delivery in journey {
        if hears(&delivery.event) {
            world.hear(&delivery.event, delivery.received_at);
        }
    }
    world.run_out();
    world
}

/// What a season came to.
#[derive(Default)]
struct Season {
    sent: BTreeMap<MessageKind, u64>,
    reasons: BTreeSet<&'static str>,
    breaches: Vec<(u64, Breach)>,
}

impl Season {
    fn add(&mut self, guest: u64, journey: &[Delivery], world: &World) {
        for sent in world.sent() {
            *self.sent.entry(sent.kind).or_default() += 1;
        }
        let messages = world.bookings().flat_map(|booking| &booking.messages);
        let reason = |message: &Existing| message.reason.map(Reason::as_str);
        self.reasons.extend(messages.filter_map(reason));
        let breaches = checks::breaches(journey, world.sent());
        self.breaches
            .extend(breaches.into_iter().map(|breach| (guest, breach)));
    }
}

#[test]
fn in_a_season_no_message_breaks_a_rule() {
    let resort = Arc::new(resort());
    let mut season = Season::default();
    for guest in 0..GUESTS {
        let journey = guests::journey(SEED, guest);
        season.add(guest, &journey, &play(&resort, &journey, |_| true));
    }

    assert_eq!(season.breaches, []);
    // Every kind went often, and every way not to go was taken: otherwise the checks would have had nothing to see.
    for kind in resort.moments.keys() {
        assert!(
            season.sent.get(kind).is_some_and(|sent| *sent > GUESTS / 100),
            "{kind}: {:?}",
            season.sent
        );
    }
    for reason in [
        "opted_out",
        "no_consent",
        "us_marketing",
        "no_phone",
        "expired",
        "confirmed",
        "booked_elsewhere",
        "capped",
    ] {
        assert!(season.reasons.contains(reason), "{reason}: {:?}", season.reasons);
    }
}

/// What is found when the rules are not kept.
fn found(resort: Resort, hears: impl Fn(&Event) -> bool) -> BTreeSet<Breach> {
    let resort = Arc::new(resort);
    let journeys = (0..1_000).map(|guest| guests::journey(SEED, guest));
    let found =
        journeys.flat_map(|journey| checks::breaches(&journey, play(&resort, &journey, &hears).sent()));
    found.collect()
}

#[test]
fn a_resort_that_misses_what_matters_is_caught_by_the_season() {
    let deaf_to = |deaf: EventType| found(resort(), move |event| event.event_type != deaf);

    assert!(deaf_to(EventType::ReservationConfirmed).contains(&Breach::ReminderAfterBooking));
    assert!(deaf_to(EventType::ReservationCancelled).contains(&Breach::OfCancelledBooking));
    assert!(deaf_to(EventType::GuestOptedOut).contains(&Breach::AfterStop));
    let mut sleepless = resort();
    sleepless.quiet_hours = None;
    assert!(found(sleepless, |_| true).contains(&Breach::InQuietHours));
    let mut eager = resort();
    eager.limits.reminders_per_day = NonZeroU32::MAX;
    assert!(found(eager, |_| true).contains(&Breach::BeyondCap));
    let mut restless = resort();
    restless.limits.rest_after_confirmation = std::time::Duration::ZERO;
    assert!(found(restless, |_| true).contains(&Breach::InRest));
    let mut careless = resort();
    careless.limits.us_marketing = true;
    assert!(found(careless, |_| true).contains(&Breach::NotAllowed));
}

#[test]
fn a_message_that_goes_twice_is_caught_by_the_season() {
    let resort = Arc::new(resort());
    let journey = guests::journey(SEED, 0);
    let once: Vec<Sent> = play(&resort, &journey, |_| true).sent().to_vec();
    assert!(!once.is_empty());

    let twice: Vec<Sent> = once
        .iter()
        .flat_map(|sent| [sent.clone(), sent.clone()])
        .collect();

    assert_eq!(checks::breaches(&journey, &once), []);
    assert!(checks::breaches(&journey, &twice).contains(&Breach::TwiceInRound));
}
