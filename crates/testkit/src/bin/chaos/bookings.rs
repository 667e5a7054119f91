//! The bookings of a run: what each guest does and when, and what must come of it. Drawn from the seed alone.

use std::time::Duration;

use chrono::{DateTime, Days, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use testkit::world::Event;

/// Both number their events alike: the same id of another source is another event.
pub(crate) const SOURCES: [&str; 2] = ["direct", "agency"];

/// The names of the templates that guests get.
pub(crate) const REMINDERS: [&str; 2] = ["reminder_1", "reminder_2"];
const CONFIRMATION: &str = "confirmed";
const REVIEW: &str = "review";

/// What a guest does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Journey {
    /// Begins, and never comes back.
    Drifts,
    /// Begins and confirms, sooner or later: while reminders wait, are claimed, and are on their way.
    Wavers,
    /// As before, and the platform itself says that the cart was left.
    IsCalledAbandoned,
    /// Begins in a cart that becomes a reservation under another name.
    Renames,
    /// Books, arrives and leaves.
    Stays,
    /// Books a stay that has begun days ago, and is not there.
    IsMissing,
    /// Books and cancels.
    Cancels,
}

/// Most of all those who confirm while reminders are about to go.
const JOURNEYS: [Journey; 10] = [
    Journey::Drifts,
    Journey::Wavers,
    Journey::Wavers,
    Journey::Wavers,
    Journey::IsCalledAbandoned,
    Journey::IsCalledAbandoned,
    Journey::Renames,
    Journey::Stays,
    Journey::IsMissing,
    Journey::Cancels,
];

/// One event: when it happens, counted from the begin, and what a platform says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Telling {
    pub(crate) at: Duration,
    /// Which of [`SOURCES`] tells it.
    pub(crate) source: usize,
    /// Unique within its source.
    pub(crate) id: String,
    /// How often it is told.
    pub(crate) times: u32,
    kind: &'static str,
    booking: String,
    phone: String,
    cart: Option<String>,
    /// The first day of the stay, counted from today.
    arrives_in_days: i64,
}

/// What must have come of a guest in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) phone: String,
    /// Each booking and the states that it may end in.
    pub(crate) bookings: Vec<(String, &'static [&'static str])>,
    /// Templates that the guest gets once.
    pub(crate) gets: Vec<&'static str>,
    /// Templates that the guest gets once or not at all.
    pub(crate) may_get: Vec<&'static str>,
}

/// All that happens in a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Season {
    /// In the order of their times.
    pub(crate) tellings: Vec<Telling>,
    pub(crate) guests: Vec<Expected>,
}

/// Draws bookings until they make so many events, begun evenly over a time.
pub(crate) fn draw(seed: u64, events: usize, over: Duration) -> Season {
    // Its own stream: another plan of faults makes no other bookings.
    let mut rng = StdRng::seed_from_u64(seed.rotate_left(32) ^ 0xB00C);
    let mut season = Season::default();
    let mut told = [0_usize; SOURCES.len()];
    while season.tellings.len() < events {
        let share = f64::from(u32::try_from(season.tellings.len()).unwrap_or(u32::MAX))
            / f64::from(u32::try_from(events).unwrap_or(u32::MAX));
        let source = season.guests.len() % SOURCES.len();
        let journey = JOURNEYS.choose(&mut rng).copied().unwrap_or(Journey::Drifts);
        let guest = Guest {
            number: season.guests.len(),
            source,
            begins_at: over.mul_f64(share),
        };
        let (mut tellings, expected) = guest.goes(journey, &mut rng);
        for telling in &mut tellings {
            telling.id = format!("evt-{}", told.get(source).copied().unwrap_or_default());
            told.iter_mut().skip(source).take(1).for_each(|count| *count += 1);
        }
        season.tellings.append(&mut tellings);
        season.guests.push(expected);
    }
    season.tellings.sort_by_key(|telling| telling.at);
    season
}

struct Guest {
    number: usize,
    source: usize,
    begins_at: Duration,
}

impl Guest {
    fn goes(&self, journey: Journey, rng: &mut StdRng) -> (Vec<Telling>, Expected) {
        let (booking, cart) = (format!("BK-{}", self.number), format!("CART-{}", self.number));
        let mut story = Story {
            guest: self,
            rng,
            at: self.begins_at,
            tellings: Vec::new(),
        };
        let reminders = REMINDERS.to_vec();
        let mut bookings: Vec<(String, &'static [&'static str])> = Vec::new();
        let (status, gets, may_get): (&'static [&'static str], _, _) = match journey {
            Journey::Drifts => {
                story.tells("booking_started", &booking, 0);
                (&["abandoned"], reminders, vec![])
            }
            Journey::Wavers | Journey::IsCalledAbandoned => {
                story.tells("booking_started", &booking, 0);
                if journey == Journey::IsCalledAbandoned {
                    story.tells("booking_abandoned", &booking, 1_500);
                }
                story.tells("reservation_confirmed", &booking, 8_000);
                (&["confirmed"], vec![CONFIRMATION], reminders)
            }
            Journey::Renames => {
                story.tells("booking_started", &cart, 0);
                story.tells("reservation_confirmed", &booking, 8_000);
                if let Some(last) = story.tellings.last_mut() {
                    last.cart = Some(cart.clone());
                }
                bookings.push((cart, &["started", "abandoned"]));
                (&["confirmed"], vec![CONFIRMATION], reminders)
            }
            Journey::Stays => {
                story.tells("reservation_confirmed", &booking, 0);
                story.tells("guest_checked_in", &booking, 3_000);
                story.tells("guest_checked_out", &booking, 3_000);
                (&["checked_out"], vec![CONFIRMATION, REVIEW], vec![])
            }
            Journey::IsMissing => {
                story.tells("reservation_confirmed", &booking, 0);
                story
                    .tellings
                    .iter_mut()
                    .for_each(|telling| telling.arrives_in_days = -4);
                (&["no_show"], vec![CONFIRMATION], vec![])
            }
            Journey::Cancels => {
                story.tells("booking_started", &booking, 0);
                story.tells("reservation_confirmed", &booking, 5_000);
                story.tells("reservation_cancelled", &booking, 3_000);
                (&["cancelled"], vec![], [reminders, vec![CONFIRMATION]].concat())
            }
        };
        bookings.push((booking, status));
        let expected = Expected {
            phone: self.phone(),
            bookings,
            gets,
            may_get,
        };
        (story.tellings, expected)
    }

    fn phone(&self) -> String {
        format!("+3069{:08}", self.number)
    }
}

struct Story<'a> {
    guest: &'a Guest,
    rng: &'a mut StdRng,
    at: Duration,
    tellings: Vec<Telling>,
}

impl Story<'_> {
    /// The next event of the guest, within so many milliseconds of the last one.
    fn tells(&mut self, kind: &'static str, booking: &str, within_ms: u64) {
        self.at += Duration::from_millis(self.rng.random_range(within_ms / 10..=within_ms));
        self.tellings.push(Telling {
            at: self.at,
            source: self.guest.source,
            id: String::new(),
            times: if self.rng.random_bool(0.05) { 2 } else { 1 },
            kind,
            booking: booking.to_owned(),
            phone: self.guest.phone(),
            cart: None,
            arrives_in_days: 0,
        });
    }
}

impl Telling {
    /// What the platform sends, where the begin was then.
    pub(crate) fn event(&self, begun_at: DateTime<Utc>) -> Event {
        let happened_at = begun_at + TimeDelta::from_std(self.at).unwrap_or_default();
        let today = begun_at.date_naive();
        let arrival = if self.arrives_in_days < 0 {
            today - Days::new(self.arrives_in_days.unsigned_abs())
        } else {
            today + Days::new(self.arrives_in_days.unsigned_abs())
        };
        let event = Event::new(self.kind, &self.booking)
            .of(&self.phone)
            .at(happened_at)
            .staying(&arrival.to_string(), &(arrival + Days::new(7)).to_string())
            .with("/id", self.id.clone())
            .with("/guest/name", "Ada Lovelace");
        match &self.cart {
            Some(cart) => event.from_cart(cart),
            None => event,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const OVER: Duration = Duration::from_secs(60);

    #[test]
    fn the_same_seed_makes_the_same_bookings_and_another_others() {
        assert_eq!(draw(7, 1_000, OVER), draw(7, 1_000, OVER));
        assert_ne!(draw(7, 1_000, OVER), draw(8, 1_000, OVER));
    }

    #[test]
    fn ids_are_unique_within_a_source_and_most_are_used_by_both() {
        let season = draw(7, 1_000, OVER);
        let ids = |source: usize| -> Vec<&str> {
            let of_source = season.tellings.iter().filter(|telling| telling.source == source);
            of_source.map(|telling| telling.id.as_str()).collect()
        };
        let unique = |source: usize| ids(source).into_iter().collect::<BTreeSet<_>>();

        for source in 0..SOURCES.len() {
            assert_eq!(unique(source).len(), ids(source).len());
        }
        assert!(unique(0).intersection(&unique(1)).count() > 400);
    }

    #[test]
    fn there_is_a_guest_of_each_kind_and_every_guest_expects_something() {
        let season = draw(7, 1_000, OVER);
        let ends = season.guests.iter().flat_map(|guest| &guest.bookings);
        let ends: BTreeSet<&str> = ends.flat_map(|(_, states)| states.iter().copied()).collect();

        assert_eq!(ends.len(), 6);
        for guest in &season.guests {
            assert!(!guest.gets.is_empty() || !guest.may_get.is_empty());
        }
    }
}
