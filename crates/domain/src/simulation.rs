//! What guests would get: the bookings of one resort in memory, with a clock that goes forward.
//!
//! A [`World`] does what the programs do, by the same decisions: an event adds [`facts`](crate::facts), every change is
//! [planned](crate::plan) and [carried out](rows), a timer plans again, and a message that is due is
//! [judged](crate::before_call), [claimed](claim) and written. What the programs ask of others is assumed: every event arrives
//! when its caller says, WhatsApp accepts each message at once and delivers it, and no guest answers. A property test of
//! `processor` holds a world and the real store together.

mod booking;
pub mod claim;
pub mod rows;
mod sending;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};

use crate::event::{Event, EventType, Family};
use crate::facts::Facts;
use crate::guest::MarketingConsent;
use crate::ids::{BookingId, MessageId};
use crate::message::{MessageKind, MomentName};
use crate::phone_number::PhoneNumber;
use crate::plan::{Circumstances, Plan, Reservation, order};
use crate::render::Content;
use crate::resort::Resort;

pub use booking::Booking;

/// A message that WhatsApp accepted.
#[derive(Debug, Clone)]
pub struct Sent {
    pub at: DateTime<Utc>,
    pub booking: BookingId,
    pub message: MessageId,
    pub kind: MessageKind,
    pub to: PhoneNumber,
    pub content: Content,
}

/// One resort's bookings and guests.
#[derive(Debug, Clone)]
pub struct World {
    resort: Arc<Resort>,
    now: DateTime<Utc>,
    /// Since when the resort has each of its own moments.
    moments_since: BTreeMap<MomentName, DateTime<Utc>>,
    bookings: BTreeMap<BookingId, Booking>,
    /// The bookings of each guest.
    guests: BTreeMap<PhoneNumber, BTreeSet<BookingId>>,
    consents: BTreeMap<PhoneNumber, MarketingConsent>,
    /// The guests who get no reminders.
    held_out: BTreeSet<PhoneNumber>,
    /// When something is to be done about which booking.
    agenda: BTreeSet<(DateTime<Utc>, BookingId)>,
    sent: Vec<Sent>,
}

impl World {
    /// Nothing has happened; the resort has had its moments since `moments_since`.
    pub fn new(resort: Arc<Resort>, now: DateTime<Utc>, moments_since: DateTime<Utc>) -> Self {
        let names = resort.own_moments().map(|(name, _)| (name, moments_since));
        Self {
            moments_since: names.collect(),
            now,
            bookings: BTreeMap::new(),
            guests: BTreeMap::new(),
            consents: BTreeMap::new(),
            held_out: BTreeSet::new(),
            agenda: BTreeSet::new(),
            sent: Vec::new(),
            resort,
        }
    }

    /// The same with these guests in the hold-out: who is, a keyed hash says, which a world does not have.
    #[must_use]
    pub fn holding_out(self, held_out: BTreeSet<PhoneNumber>) -> Self {
        Self { held_out, ..self }
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    pub fn booking(&self, id: &BookingId) -> Option<&Booking> {
        self.bookings.get(id)
    }

    /// By id.
    pub fn bookings(&self) -> impl Iterator<Item = &Booking> {
        self.bookings.values()
    }

    /// Everything that went, in the order of time.
    pub fn sent(&self) -> &[Sent] {
        &self.sent
    }

    /// The number to which a booking's messages go, if it has a valid one.
    pub fn guest(&self, booking: &Booking) -> Option<PhoneNumber> {
        booking.facts.recipient(self.resort.country).ok()
    }

    /// Explains a booking as it stands.
    pub fn plan(&self, booking: &Booking) -> Plan {
        booking.plan(self.around(booking), &self.resort, self.now)
    }

    /// An event for this resort arrives. What is due before then is done before, what is due then afterwards.
    pub fn hear(&mut self, event: &Event, received_at: DateTime<Utc>) {
        while let Some((at, _)) = self.agenda.first().filter(|(at, _)| *at < received_at) {
            self.run_until(*at);
        }
        self.now = self.now.max(received_at);
        let mut touched = self.learn(event);
        let phone = event.phone_number(Some(self.resort.country));
        if let (Family::Guest, Some(phone)) = (event.event_type.family(), phone) {
            touched.extend(self.guests.get(&phone).into_iter().flatten().cloned());
            self.record_consent(phone, event);
        }
        for id in &touched {
            self.replan(id);
        }
        self.attend();
    }

    /// Lets the time pass until `until`, with everything that is due by then.
    pub fn run_until(&mut self, until: DateTime<Utc>) {
        while let Some((at, _)) = self.agenda.first().filter(|(at, _)| *at <= until) {
            self.now = self.now.max(*at);
            self.attend();
        }
        self.now = self.now.max(until);
    }

    /// Lets the time pass until nothing is left to happen.
    pub fn run_out(&mut self) {
        while let Some((at, _)) = self.agenda.first() {
            self.run_until(*at);
        }
    }

    /// Merges an event's facts, and returns the bookings that it may concern.
    fn learn(&mut self, event: &Event) -> BTreeSet<BookingId> {
        let own = event
            .booking
            .clone()
            .filter(|_| event.event_type.family() != Family::Guest);
        let Some(own) = own else {
            return BTreeSet::new();
        };
        let mut news = vec![(own, Facts::of_event(event, self.now))];
        news.extend(Facts::of_cart(event, self.now));
        let mut touched = BTreeSet::new();
        for (id, facts) in news {
            touched.extend(self.of_same_guest(&id));
            self.change(&id, |known| known.merge(facts));
            touched.extend(self.of_same_guest(&id));
            touched.insert(id);
        }
        // A reservation inherits what its cart knows.
        let grown: Vec<(BookingId, Facts)> = touched.iter().filter_map(|id| self.grown_from(id)).collect();
        for (reservation, cart) in grown {
            touched.extend(self.of_same_guest(&reservation));
            self.change(&reservation, |facts| facts.inherit(&cart));
            touched.extend(self.of_same_guest(&reservation));
            touched.insert(reservation);
        }
        touched
    }

    /// Changes a booking's facts, and notes whose it is then.
    fn change(&mut self, id: &BookingId, learn: impl FnOnce(Facts) -> Facts) {
        let known = self.take(id);
        if let Some(guest) = known.as_ref().and_then(|booking| self.guest(booking))
            && let Some(bookings) = self.guests.get_mut(&guest)
        {
            bookings.remove(id);
        }
        let mut booking = known.unwrap_or_else(|| Booking::new(id.clone()));
        booking.facts = learn(booking.facts);
        if let Some(guest) = self.guest(&booking) {
            self.guests.entry(guest).or_default().insert(id.clone());
        }
        self.put_back(booking);
    }

    fn grown_from(&self, cart: &BookingId) -> Option<(BookingId, Facts)> {
        let facts = &self.bookings.get(cart)?.facts;
        let became = facts.became.as_ref()?;
        Some((became.value.clone(), facts.clone()))
    }

    /// The bookings of a booking's guest.
    fn of_same_guest(&self, id: &BookingId) -> BTreeSet<BookingId> {
        let guest = self.bookings.get(id).and_then(|booking| self.guest(booking));
        let bookings = guest.and_then(|guest| self.guests.get(&guest));
        bookings.cloned().unwrap_or_default()
    }

    fn record_consent(&mut self, phone: PhoneNumber, event: &Event) {
        // As Postgres keeps it.
        let at = Some(event.occurred_at.min(self.now).trunc_subsecs(6));
        let said = match event.event_type {
            EventType::GuestOptedOut => MarketingConsent {
                opted_out_at: at,
                opted_in_at: None,
            },
            _ => MarketingConsent {
                opted_out_at: None,
                opted_in_at: at,
            },
        };
        let known = self.consents.entry(phone).or_default();
        *known = known.and(said);
    }

    /// Everything that a booking's plan depends on beside its facts and messages.
    fn around(&self, booking: &Booking) -> Circumstances {
        let guest = self.guest(booking);
        let consent = guest.as_ref().and_then(|guest| self.consents.get(guest));
        let of_guest = guest.as_ref().and_then(|guest| self.guests.get(guest));
        let others = of_guest.into_iter().flatten().filter(|id| **id != booking.id);
        let others = others.filter_map(|id| self.bookings.get(id));
        Circumstances {
            replied_at: None,
            messages: Vec::new(),
            marketing_consent: consent.copied().unwrap_or_default(),
            elsewhere: others
                .filter(|other| order::has_reservation(&other.facts))
                .map(|other| Reservation {
                    booking: other.id.clone(),
                    dates: other.facts.dates(),
                })
                .collect(),
            moments_since: self.moments_since.clone(),
        }
    }

    fn replan(&mut self, id: &BookingId) {
        let Some(mut booking) = self.take(id) else {
            return;
        };
        let around = self.around(&booking);
        booking.replan(around, &self.resort, self.now);
        self.put_back(booking);
    }

    /// Takes a booking out, with its entry of the agenda.
    fn take(&mut self, id: &BookingId) -> Option<Booking> {
        let booking = self.bookings.remove(id)?;
        if let Some(at) = booking.next_at() {
            self.agenda.remove(&(at, id.clone()));
        }
        Some(booking)
    }

    fn put_back(&mut self, booking: Booking) {
        if let Some(at) = booking.next_at() {
            self.agenda.insert((at, booking.id.clone()));
        }
        self.bookings.insert(booking.id.clone(), booking);
    }
}
