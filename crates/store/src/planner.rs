//! The key ring and the resorts' files, with which every plan is made: one planner serves a whole transaction.

use std::sync::Arc;

use crypto::key_ring::KeyRing;
use domain::facts::Facts;
use domain::guest::GuestName;
use domain::ids::{BookingKey, NumberId, ResortId};
use domain::phone_number::PhoneNumber;
use domain::resort::{Resort, Resorts};

use crate::bookings::Booking;
use crate::guest_key::GuestKey;

/// What planning needs beside the rows. A clone is cheap.
#[derive(Clone)]
pub struct Planner {
    /// Opens and seals facts, hashes phone numbers.
    pub ring: Arc<KeyRing>,
    /// The resorts' files when the planner was made.
    pub resorts: Arc<Resorts>,
    /// Who publishes the ids of messages that a plan makes due.
    pub due: DueIds,
}

/// Who publishes the ids of messages that a plan makes due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueIds {
    /// A relay, which finds them by their `publish_at`.
    Relay,
    /// The caller, after its commit: they are put off as if a relay had taken them.
    Caller,
}

impl Planner {
    /// The resort, where its file can be read.
    pub fn resort(&self, id: &ResortId) -> Option<&Resort> {
        self.resorts.get(id).map(Arc::as_ref)
    }

    /// The resorts that send from a number.
    pub fn resorts_of(&self, number: &NumberId) -> Vec<ResortId> {
        let sending = self.resorts.values().filter(|resort| resort.number == *number);
        sending.map(|resort| resort.id.clone()).collect()
    }

    /// The keyed hash by which a number is looked up.
    pub fn phone_hash(&self, number: &PhoneNumber) -> [u8; 32] {
        self.ring.lookup(number.reveal())
    }

    /// The keyed hash by which one of WhatsApp's names for a guest is looked up.
    pub fn name_hash(&self, name: &GuestName) -> [u8; 32] {
        self.ring.lookup(name.hash_input())
    }

    /// The guest of a booking as it stands. Where the resort has no readable file, and so no country to read the number
    /// with, it is the guest that the booking had when it was planned last: a search by the number must not lose the guest.
    pub fn guest_of_booking(&self, booking: &Booking) -> Option<GuestKey> {
        self.guest_of_facts(booking, &booking.facts)
    }

    /// As [`guest_of_booking`](Self::guest_of_booking), by facts that the booking has or had.
    pub(crate) fn guest_of_facts(&self, booking: &Booking, facts: &Facts) -> Option<GuestKey> {
        let guest = self.guest_of(&booking.key, facts);
        let is_unreadable = facts.phone.is_some() && self.resort(&booking.key.resort).is_none();
        guest.or_else(|| {
            Some(GuestKey {
                phone_hash: booking.phone_hash.filter(|_| is_unreadable)?,
                resort: booking.key.resort.clone(),
            })
        })
    }

    /// The guest behind a booking's facts; `None` without a valid number.
    pub fn guest_of(&self, booking: &BookingKey, facts: &Facts) -> Option<GuestKey> {
        let country = self.resort(&booking.resort).map(|resort| resort.country);
        let number = facts.phone_number(country)?.ok()?;
        Some(GuestKey {
            phone_hash: self.phone_hash(&number),
            resort: booking.resort.clone(),
        })
    }
}
