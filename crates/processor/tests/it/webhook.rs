//! A platform's event, as `ingest` validated it.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::event::{Details, Event, EventKey, EventType, GuestDetails};
use domain::ids::{BookingId, EventId, SourceId};
use domain::stay::Personal;
use uuid::Uuid;

use crate::scene::resort;

/// The event, and when `ingest` accepted it.
#[derive(Clone)]
pub(crate) struct Webhook {
    pub(crate) event: Event,
    pub(crate) received_at: DateTime<Utc>,
}

impl Webhook {
    pub(crate) fn new(event_type: EventType, booking: &str) -> Self {
        Self {
            event: Event {
                key: EventKey {
                    source: SourceId::parse("direct").unwrap(),
                    id: EventId::parse(&format!("evt_{}", Uuid::now_v7().simple())).unwrap(),
                },
                event_type,
                occurred_at: Utc::now(),
                resort: resort(),
                notify: true,
                imported: false,
                booking: Some(BookingId::parse(booking).unwrap()),
                details: Details::default(),
                guest: GuestDetails::default(),
            },
            received_at: Utc::now(),
        }
    }

    pub(crate) fn started(booking: &str, phone: &str) -> Self {
        Self::new(EventType::BookingStarted, booking).of(phone)
    }

    pub(crate) fn abandoned(booking: &str, phone: &str) -> Self {
        Self::new(EventType::BookingAbandoned, booking).of(phone)
    }

    pub(crate) fn confirmed(booking: &str, phone: &str) -> Self {
        Self::new(EventType::ReservationConfirmed, booking).of(phone)
    }

    /// A guest's stop or start, which names no booking.
    pub(crate) fn opted(event_type: EventType, phone: &str) -> Self {
        let mut webhook = Self::new(event_type, "none").of(phone);
        webhook.event.booking = None;
        webhook
    }

    pub(crate) fn of(mut self, phone: &str) -> Self {
        self.event.guest.phone = Some(Personal::new(phone));
        self
    }

    pub(crate) fn named(mut self, name: &str) -> Self {
        self.event.guest.name = Some(Personal::new(name));
        self
    }

    pub(crate) fn staying(mut self, check_in: &str, check_out: &str) -> Self {
        let day = |text: &str| Some(text.parse::<NaiveDate>().unwrap());
        self.event.details.check_in = day(check_in);
        self.event.details.check_out = day(check_out);
        self
    }

    pub(crate) fn grown_from(mut self, cart: &str) -> Self {
        self.event.details.cart = Some(BookingId::parse(cart).unwrap());
        self
    }

    pub(crate) fn ago(mut self, ago: TimeDelta) -> Self {
        self.event.occurred_at = Utc::now() - ago;
        self
    }

    pub(crate) fn received(mut self, at: DateTime<Utc>) -> Self {
        self.received_at = at;
        self
    }

    pub(crate) fn with_id(mut self, id: &str) -> Self {
        self.event.key.id = EventId::parse(id).unwrap();
        self
    }

    pub(crate) fn without_messages(mut self) -> Self {
        self.event.notify = false;
        self
    }
}
