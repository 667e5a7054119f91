//! The journeys of a season's guests: several bookings each, events that come late, stops and starts. The same seed makes
//! the same guests.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use domain::event::{Details, Event, EventKey, EventType, GuestDetails};
use domain::ids::{BookingId, EventId, ResortId, SourceId};
use domain::stay::Personal;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use EventType::{
    BookingAbandoned, BookingStarted, GuestCheckedIn, GuestCheckedOut, GuestOptedIn, GuestOptedOut,
    ReservationCancelled, ReservationConfirmed, ReservationModified,
};

use crate::stories::{Delivery, dawn};

struct Guest {
    random: StdRng,
    details: GuestDetails,
    journey: Vec<Delivery>,
}

/// What reaches the resort of one guest, in the order of its arrival.
pub(super) fn journey(seed: u64, guest: u64) -> Vec<Delivery> {
    let mut random = StdRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(guest));
    let phone = match random.random_range(0..20) {
        0 => None,
        1 => Some(format!("+1202555{:04}", random.random_range(100..200))),
        _ => Some(format!("+3069{:08}", random.random_range(0..100_000_000))),
    };
    let consent = match random.random_range(0..10) {
        0 => Some(false),
        1 | 2 => Some(true),
        _ => None,
    };
    let mut guest = Guest {
        random,
        details: GuestDetails {
            phone: phone.map(Personal::new),
            consent,
            ..GuestDetails::default()
        },
        journey: Vec::new(),
    };
    for booking in 0..guest.random.random_range(1..4) {
        guest.books(booking);
    }
    guest.says();
    guest.journey.sort_by_key(|delivery| delivery.received_at);
    guest.journey
}

impl Guest {
    fn chance(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }

    fn minutes(&mut self, most: i64) -> TimeDelta {
        TimeDelta::minutes(self.random.random_range(0..most))
    }

    fn hears(&mut self, event_type: EventType, at: DateTime<Utc>, booking: Option<&str>, details: &Details) {
        let late = if self.chance(5) {
            self.minutes(600)
        } else {
            TimeDelta::zero()
        };
        let event = Event {
            key: EventKey {
                source: SourceId::parse("direct").unwrap(),
                id: EventId::parse(&self.journey.len().to_string()).unwrap(),
            },
            event_type,
            occurred_at: at,
            resort: ResortId::parse("azure-bay").unwrap(),
            notify: true,
            imported: false,
            booking: booking.map(|id| BookingId::parse(id).unwrap()),
            details: details.clone(),
            guest: self.details.clone(),
        };
        // Timers end at whole minutes: whether a message goes before or after an event is never open.
        let received_at = at + late + TimeDelta::seconds(1 + self.journey.len() as i64);
        self.journey.push(Delivery { event, received_at });
    }

    /// A cart, which may become a reservation, under its own id or another, and what follows.
    fn books(&mut self, number: u32) {
        let cart = format!("C{number}");
        let mut at = dawn() + self.minutes(20 * 1_440);
        let arrival = at.date_naive() + Days::new(self.random.random_range(0..20));
        let nights = self.random.random_range(0..8);
        let dates = self.chance(80).then_some((arrival, nights));
        let mut details = details(dates);
        for _ in 0..self.random.random_range(0..4) {
            self.hears(BookingStarted, at, Some(&cart), &details);
            at += self.minutes(300);
        }
        if self.chance(30) {
            self.hears(BookingAbandoned, at, Some(&cart), &details);
            at += self.minutes(600);
        }
        if self.chance(50) {
            return;
        }
        let reservation = if self.chance(40) {
            format!("R{number}")
        } else {
            cart.clone()
        };
        details.cart = (reservation != cart).then(|| BookingId::parse(&cart).unwrap());
        self.hears(ReservationConfirmed, at, Some(&reservation), &details);
        self.stays(&reservation, at, (arrival, nights), &details);
    }

    fn stays(
        &mut self,
        id: &str,
        mut at: DateTime<Utc>,
        (arrival, nights): (NaiveDate, u64),
        details: &Details,
    ) {
        let id = Some(id);
        if self.chance(20) {
            at += self.minutes(2_000);
            self.hears(ReservationModified, at, id, details);
        }
        if self.chance(30) {
            at += self.minutes(5_000);
            self.hears(ReservationCancelled, at, id, details);
            if self.chance(50) {
                return;
            }
            at += self.minutes(1_000);
            self.hears(ReservationConfirmed, at, id, details);
        }
        let noon = arrival.and_hms_opt(12, 0, 0).unwrap().and_utc();
        if noon < at || self.chance(10) {
            return;
        }
        let arrives = noon + self.minutes(600);
        self.hears(GuestCheckedIn, arrives, id, details);
        if self.chance(70) {
            let leaves = arrives + TimeDelta::days(nights as i64) + self.minutes(300);
            self.hears(GuestCheckedOut, leaves, id, details);
        }
    }

    /// Stops and starts, at any time.
    fn says(&mut self) {
        if self.details.phone.is_none() {
            return;
        }
        for _ in 0..2 {
            if self.chance(15) {
                let at = dawn() + self.minutes(30 * 1_440);
                let stops = if self.chance(75) {
                    GuestOptedOut
                } else {
                    GuestOptedIn
                };
                self.hears(stops, at, None, &Details::default());
            }
        }
    }
}

fn details(dates: Option<(NaiveDate, u64)>) -> Details {
    Details {
        check_in: dates.map(|(arrival, _)| arrival),
        check_out: dates.map(|(arrival, nights)| arrival + Days::new(nights)),
        ..Details::default()
    }
}
