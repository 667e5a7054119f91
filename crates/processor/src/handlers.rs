//! What each event means. A handler only says what it learnt: locking, planning and writing happen for the whole batch
//! at once, and what follows from the facts stands in `domain::plan`.

mod cart;
mod guest;
mod order;
mod whatsapp;

use ::whatsapp::notification::Update;
use chrono::{DateTime, Utc};
use domain::event::{Event, EventType};
use domain::facts::Facts;
use domain::ids::BookingKey;
use store::planning::Planner;

use crate::work::Work;

/// What handlers may look at.
pub(crate) struct Context<'a> {
    /// Hashes numbers and knows the resorts.
    pub(crate) planner: &'a Planner,
}

/// A platform's event, with when `ingest` took it.
pub(crate) struct Arrived<'a> {
    pub(crate) event: &'a Event,
    pub(crate) received_at: DateTime<Utc>,
    /// Up to when its guest was erased, where that was after it was taken.
    pub(crate) erased_at: Option<DateTime<Utc>>,
}

/// One of WhatsApp's updates, with when `ingest` took it.
pub(crate) struct Notified<'a> {
    /// The event's key.
    pub(crate) key: String,
    pub(crate) update: &'a Update,
    pub(crate) received_at: DateTime<Utc>,
    /// As for an event.
    pub(crate) erased_at: Option<DateTime<Utc>>,
}

impl Arrived<'_> {
    /// What it brings for its own booking; nothing of a guest who was erased.
    fn facts(&self) -> Facts {
        let facts = Facts::of_event(self.event, self.received_at);
        match self.erased_at {
            Some(at) => facts.without_guest(at),
            None => facts,
        }
    }

    /// What it brings for the cart that it names.
    fn cart(&self) -> Option<(BookingKey, Facts)> {
        let (booking, facts) = Facts::of_cart(self.event, self.received_at)?;
        let resort = self.event.resort.clone();
        Some((BookingKey { resort, booking }, facts))
    }

    /// Has the erasure completed for its booking and the cart that it names: neither may have been known then.
    fn complete_erasure(&self, work: &mut Work) {
        let Some(at) = self.erased_at else {
            return;
        };
        let cart = self.cart().map(|(cart, _)| cart);
        for key in self.booking().into_iter().chain(cart) {
            let known = work.erased.entry(key).or_insert(at);
            *known = at.max(*known);
        }
    }

    fn booking(&self) -> Option<BookingKey> {
        let resort = self.event.resort.clone();
        self.event
            .booking
            .clone()
            .map(|booking| BookingKey { resort, booking })
    }
}

/// Whether an event changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handled {
    /// It is part of what we know now.
    Applied,
    /// It is remembered, and nothing follows from it.
    Ignored,
}

/// Gives a platform's event to its handler.
pub(crate) fn handle(work: &mut Work, context: &Context<'_>, arrived: &Arrived<'_>) -> Handled {
    arrived.complete_erasure(work);
    match arrived.event.event_type {
        EventType::BookingStarted => cart::process_booking_started(work, arrived),
        EventType::BookingAbandoned => cart::process_booking_abandoned(work, arrived),
        EventType::ReservationConfirmed => order::process_reservation_confirmed(work, arrived),
        EventType::ReservationModified => order::process_reservation_modified(work, arrived),
        EventType::ReservationCancelled => order::process_reservation_cancelled(work, arrived),
        EventType::GuestCheckedIn => order::process_guest_checked_in(work, arrived),
        EventType::GuestCheckedOut => order::process_guest_checked_out(work, arrived),
        EventType::GuestOptedOut => guest::process_guest_opted_out(work, context, arrived),
        EventType::GuestOptedIn => guest::process_guest_opted_in(work, context, arrived),
    }
}

/// Gives one of WhatsApp's updates to its handler.
pub(crate) fn handle_update(work: &mut Work, arrived: &Notified<'_>) -> Handled {
    let received_at = arrived.received_at;
    match arrived.update {
        Update::Status(status) => whatsapp::process_status(work, status, received_at),
        Update::Inbound(inbound) => whatsapp::process_inbound_message(work, inbound, arrived),
        Update::Preference(preference) => whatsapp::process_preference(work, preference, arrived),
        Update::Template(template) => whatsapp::process_template(work, template),
        Update::Number(number) => whatsapp::process_number(work, number),
        Update::Account(account) => whatsapp::process_account(work, account),
        Update::Problem(_) | Update::Other(_) | Update::Unreadable(_) => Handled::Ignored,
    }
}
