//! The bookings of a run: what each guest does and when, and what must come of it. Drawn from the seed alone.

use std::time::Duration;

use chrono::{DateTime, Days, TimeDelta, Utc};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use testkit::world::Event;

mod journey;

use journey::{Guest, JOURNEYS, Journey};

/// Both number their events alike: the same id of another source is another event.
pub(crate) const SOURCES: [&str; 2] = ["direct", "agency"];

/// The names of the templates that guests get.
pub(crate) const REMINDERS: [&str; 2] = ["reminder_1", "reminder_2"];
const CONFIRMATION: &str = "confirmed";
const REVIEW: &str = "review";

/// One event: when it happens, counted from the begin, and what a platform says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Webhook {
    pub(crate) at: Duration,
    /// When the first of the same guest happens.
    pub(crate) guest_begins_at: Duration,
    /// Which of [`SOURCES`] tells it.
    pub(crate) source: usize,
    /// Unique within its source.
    pub(crate) id: String,
    /// How often it is sent.
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
    pub(crate) begins_at: Duration,
    /// Each booking and the states that it may end in.
    pub(crate) bookings: Vec<(String, &'static [&'static str])>,
    /// Templates that the guest gets, as often as they stand here.
    pub(crate) gets: Vec<&'static str>,
    /// Templates that the guest may get on top, no more often than they stand here.
    pub(crate) may_get: Vec<&'static str>,
}

impl Expected {
    /// The booking that tells who it is.
    pub(crate) fn name(&self) -> &str {
        self.bookings.last().map_or("", |(booking, _)| booking)
    }

    pub(crate) fn must_get(&self, template: &str) -> usize {
        self.gets.iter().filter(|one| **one == template).count()
    }

    pub(crate) fn may_get_at_most(&self, template: &str) -> usize {
        let may_get = self.may_get.iter().filter(|one| **one == template);
        self.must_get(template) + may_get.count()
    }
}

/// All that happens in a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Season {
    /// In the order of their times.
    pub(crate) webhooks: Vec<Webhook>,
    pub(crate) guests: Vec<Expected>,
}

/// Draws bookings until they make so many events, begun evenly over a time.
pub(crate) fn draw(seed: u64, events: usize, over: Duration) -> Season {
    // Its own stream: another plan of faults makes no other bookings.
    let mut rng = StdRng::seed_from_u64(seed.rotate_left(32) ^ 0xB00C);
    let mut season = Season::default();
    let mut counts = [0_usize; SOURCES.len()];
    while season.webhooks.len() < events {
        let share = f64::from(u32::try_from(season.webhooks.len()).unwrap_or(u32::MAX))
            / f64::from(u32::try_from(events).unwrap_or(u32::MAX));
        let source = season.guests.len() % SOURCES.len();
        let journey = JOURNEYS.choose(&mut rng).copied().unwrap_or(Journey::Drifts);
        let guest = Guest {
            number: season.guests.len(),
            source,
            begins_at: over.mul_f64(share),
        };
        let (mut webhooks, expected) = guest.goes(journey, &mut rng);
        for webhook in &mut webhooks {
            webhook.id = format!("evt-{}", counts.get(source).copied().unwrap_or_default());
            counts
                .iter_mut()
                .skip(source)
                .take(1)
                .for_each(|count| *count += 1);
        }
        season.webhooks.append(&mut webhooks);
        season.guests.push(expected);
    }
    season.webhooks.sort_by_key(|webhook| webhook.at);
    season
}

impl Season {
    /// Leaves out the guests who begin later.
    pub(crate) fn end_at(&mut self, end: Duration) {
        self.webhooks.retain(|webhook| webhook.guest_begins_at <= end);
        self.guests.retain(|guest| guest.begins_at <= end);
    }
}

impl Webhook {
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
mod tests;
