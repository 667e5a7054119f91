//! Phone numbers that are parsed differently than when their bookings were last planned: an older program parsed them, or
//! the resort's file names another country now. The platform's text is unchanged, so it is the same guest, and a stop that is
//! recorded under the old phone hash must apply to the new one.

use std::collections::BTreeSet;

use diesel::PgConnection;
use domain::event::Event;
use domain::ids::BookingKey;

use super::Planner;
use crate::bookings::{self, Booking};
use crate::error::StoreError;
use crate::guests::{self, GuestKey};

impl Planner {
    /// The guest of a booking when it was last planned, and by its number as it is parsed now, if the two differ.
    pub fn changed_guest(&self, booking: &Booking) -> Option<(GuestKey, Option<GuestKey>)> {
        let was = GuestKey {
            phone_hash: booking.phone_hash?,
            resort: booking.key.resort.clone(),
        };
        let now = self.guest_of_facts(booking, booking.stored_facts());
        (now.as_ref() != Some(&was)).then_some((was, now))
    }

    /// The keyed hash of an event's number, as it is parsed now.
    pub fn hash_of_event(&self, event: &Event) -> Option<[u8; 32]> {
        let resort = self.resort(&event.resort).map(|resort| resort.country);
        event.phone_number(resort).map(|number| self.phone_hash(&number))
    }

    /// The guests of some bookings, by the stored phone hashes and by the numbers as they are parsed now. Takes no lock.
    pub fn guests_of(
        &self,
        connection: &mut PgConnection,
        keys: &BTreeSet<BookingKey>,
    ) -> Result<BTreeSet<GuestKey>, StoreError> {
        let mut guests = bookings::guests_of(connection, keys)?;
        let readable = bookings::read_readable(connection, &self.ring, keys)?;
        guests.extend(
            readable
                .iter()
                .filter_map(|booking| self.guest_of_booking(booking)),
        );
        Ok(guests)
    }
}

/// Copies the stops of these bookings' guests to the phone hashes of their numbers as they are parsed now. The old entries
/// stay, since another guest may have that number.
pub(super) fn keep_stops(
    connection: &mut PgConnection,
    planner: &Planner,
    locked: &[Booking],
    hashes: &[Option<[u8; 32]>],
) -> Result<(), StoreError> {
    let changed = locked.iter().zip(hashes);
    let changed = changed.filter(|(booking, hash)| booking.phone_hash != **hash);
    let moved = changed.filter_map(|(booking, _)| planner.changed_guest(booking));
    let moved: Vec<(GuestKey, GuestKey)> = moved.filter_map(|(was, now)| Some((was, now?))).collect();
    guests::copy_stops(connection, &moved)
}
