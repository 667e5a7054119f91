//! Random events of one booking, close in time so that ties and overtaking are common.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::event::{Details, Event, EventKey, EventType, Family, GuestDetails};
use domain::facts::Facts;
use domain::ids::{BookingId, EventId, ResortId, SourceId};
use domain::stay::Personal;
use proptest::prelude::*;

/// An event and its arrival time, which is the same at each delivery.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) event: Event,
    pub(crate) received_at: DateTime<Utc>,
}

impl Delivery {
    /// The facts that it brings for `BK-1`: as its own event, or as the event of a reservation that names it as its
    /// cart.
    pub(crate) fn facts(&self) -> Facts {
        match Facts::of_cart(&self.event, self.received_at) {
            Some((_, of_the_cart)) => of_the_cart,
            None => Facts::of_event(&self.event, self.received_at),
        }
    }
}

/// The first instant of every history.
pub(crate) fn dawn() -> DateTime<Utc> {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

pub(crate) fn minutes(minutes: i64) -> TimeDelta {
    TimeDelta::minutes(minutes)
}

const OF_A_BOOKING: [EventType; 7] = [
    EventType::BookingStarted,
    EventType::BookingAbandoned,
    EventType::ReservationConfirmed,
    EventType::ReservationModified,
    EventType::GuestCheckedIn,
    EventType::GuestCheckedOut,
    EventType::ReservationCancelled,
];

/// Up to seven events with ids of their own.
pub(crate) fn deliveries() -> impl Strategy<Value = Vec<Delivery>> {
    let one = (
        prop::sample::select(OF_A_BOOKING.to_vec()),
        (0..12_i64, 0..3_i64),
        (prop::bool::weighted(0.9), prop::bool::weighted(0.1)),
        guest(),
        prop::option::of((0..6_u64, 1..4_u64)),
    );
    prop::collection::vec(one, 1..8).prop_map(|events| {
        let numbered = events.into_iter().enumerate();
        numbered
            .map(
                |(number, (event_type, (occurred, delay), (notify, elsewhere), guest, stay))| Delivery {
                    event: Event {
                        key: EventKey {
                            source: SourceId::parse("direct").unwrap(),
                            id: EventId::parse(&number.to_string()).unwrap(),
                        },
                        event_type,
                        occurred_at: dawn() + minutes(10 * occurred),
                        resort: ResortId::parse("azure-bay").unwrap(),
                        notify,
                        imported: false,
                        booking: Some(booking(if elsewhere && event_type.family() == Family::Order {
                            "BK-2"
                        } else {
                            "BK-1"
                        })),
                        details: Details {
                            cart: (elsewhere && event_type.family() == Family::Order)
                                .then(|| booking("BK-1")),
                            ..stay.map(details).unwrap_or_default()
                        },
                        guest,
                    },
                    // An event that arrives before it occurred comes from a clock that runs ahead.
                    received_at: dawn() + minutes(10 * (occurred + delay - 1)),
                },
            )
            .collect()
    })
}

fn booking(id: &str) -> BookingId {
    BookingId::parse(id).unwrap()
}

fn details((from, nights): (u64, u64)) -> Details {
    let first = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
    let day = |offset| first.checked_add_days(chrono::Days::new(offset));
    Details {
        check_in: day(from),
        check_out: day(from + nights),
        ..Details::default()
    }
}

fn guest() -> impl Strategy<Value = GuestDetails> {
    let phone = prop_oneof![
        6 => Just(Some("+306912345678")),
        2 => Just(None),
        1 => Just(Some("12")),
    ];
    let consent = prop_oneof![8 => Just(None), 1 => Just(Some(false)), 1 => Just(Some(true))];
    (phone, consent).prop_map(|(phone, consent)| GuestDetails {
        phone: phone.map(Personal::new),
        consent,
        ..GuestDetails::default()
    })
}
