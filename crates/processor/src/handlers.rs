//! What each event means: one function for each type, which returns [`Effects`] and reads nothing but the event and the
//! resorts' files. Locking, planning and writing happen for the whole batch at once; what follows from the facts is decided
//! in `domain::plan`.

mod cart;
mod guest;
mod order;
mod whatsapp;

use std::collections::BTreeMap;

use ::whatsapp::notification::Update;
use chrono::{DateTime, Utc};
use domain::event::{Event, EventType};
use domain::facts::Facts;
use domain::ids::BookingKey;
use store::planning::Planner;

use crate::effects::Effects;

/// A platform's event, with when `ingest` accepted it.
pub(crate) struct Arrived<'a> {
    pub(crate) event: &'a Event,
    pub(crate) received_at: DateTime<Utc>,
    /// Up to when its guest was erased, where that was after it was accepted.
    pub(crate) erased_at: Option<DateTime<Utc>>,
}

/// One of WhatsApp's updates, with when `ingest` accepted it.
pub(crate) struct Notified<'a> {
    pub(crate) key: String,
    pub(crate) update: &'a Update,
    pub(crate) received_at: DateTime<Utc>,
    /// As for an event.
    pub(crate) erased_at: Option<DateTime<Utc>>,
}

impl Arrived<'_> {
    /// The facts of its own booking, without the guest if they were erased.
    fn facts(&self) -> Facts {
        let facts = Facts::of_event(self.event, self.received_at);
        match self.erased_at {
            Some(at) => facts.without_guest(at),
            None => facts,
        }
    }

    /// The facts of the cart that it names.
    fn cart(&self) -> Option<(BookingKey, Facts)> {
        let (booking, facts) = Facts::of_cart(self.event, self.received_at)?;
        let resort = self.event.resort.clone();
        Some((BookingKey { resort, booking }, facts))
    }

    /// The bookings whose guest was erased: the erasure itself may have known neither the booking nor its cart.
    fn erased(&self) -> BTreeMap<BookingKey, DateTime<Utc>> {
        let Some(at) = self.erased_at else {
            return BTreeMap::new();
        };
        let cart = self.cart().map(|(cart, _)| cart);
        let keys = self.booking().into_iter().chain(cart);
        keys.map(|key| (key, at)).collect()
    }

    fn booking(&self) -> Option<BookingKey> {
        let resort = self.event.resort.clone();
        self.event
            .booking
            .clone()
            .map(|booking| BookingKey { resort, booking })
    }
}

pub(crate) fn of_event(planner: &Planner, arrived: &Arrived<'_>) -> Effects {
    let effects = match arrived.event.event_type {
        EventType::BookingStarted => cart::process_booking_started(arrived),
        EventType::BookingAbandoned => cart::process_booking_abandoned(arrived),
        EventType::ReservationConfirmed => order::process_reservation_confirmed(arrived),
        EventType::ReservationModified => order::process_reservation_modified(arrived),
        EventType::ReservationCancelled => order::process_reservation_cancelled(arrived),
        EventType::GuestCheckedIn => order::process_guest_checked_in(arrived),
        EventType::GuestCheckedOut => order::process_guest_checked_out(arrived),
        EventType::GuestOptedOut => guest::process_guest_opted_out(planner, arrived),
        EventType::GuestOptedIn => guest::process_guest_opted_in(planner, arrived),
    };
    Effects {
        erased: arrived.erased(),
        ..effects
    }
}

pub(crate) fn of_update(arrived: &Notified<'_>) -> Effects {
    match arrived.update {
        Update::Status(status) => whatsapp::process_status(status, arrived.received_at),
        Update::Inbound(inbound) => whatsapp::process_inbound_message(inbound, arrived),
        Update::Preference(preference) => whatsapp::process_preference(preference, arrived),
        Update::Template(template) => whatsapp::process_template(template, arrived.received_at),
        Update::Number(number) => whatsapp::process_number(number),
        Update::Account(account) => whatsapp::process_account(account),
        Update::Problem(_) | Update::Other(_) | Update::Unreadable(_) => Effects::default(),
    }
}
