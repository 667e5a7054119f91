//! Carries out the effects of new events: locks the bookings, merges, records stops, plans and writes.

use std::collections::BTreeSet;

use domain::facts::Facts;
use domain::ids::BookingKey;
use store::bookings::{self, Booking};
use store::guests::GuestKey;
use store::planning::{self, Planned, Planner};
use store::{Connection, StoreError, guest_data, guests, holds};

use super::guest_updates::{self, Resolved};
use super::stop_confirmations;
use crate::effects::Effects;
use crate::notices::Notice;

/// Returns what was planned, and what staff should know.
///
/// # Errors
/// [`StoreError::Overtaken`] where a concurrent transaction made more bookings matter than those that were locked: the
/// whole transaction is to be repeated.
pub(super) fn carry_out(
    connection: &mut Connection,
    planner: &Planner,
    effects: &Effects,
    resolved: &[Resolved<'_>],
) -> Result<(Planned, Vec<Notice>), StoreError> {
    for (scope, template) in &effects.recovered {
        holds::try_now(connection, *scope, template.as_deref())?;
    }
    if effects.facts.is_empty() && effects.consents.is_empty() && resolved.is_empty() {
        return Ok((Planned::default(), Vec::new()));
    }
    // Three sets of keys are read before any lock: the bookings with new facts, the reservations among them or grown from
    // them, and all that the guests of both make matter. Locking them together, in order, avoids deadlocks.
    let own: BTreeSet<BookingKey> = effects.facts.keys().cloned().collect();
    let mut reservations = effects.reservations.clone();
    reservations.extend(bookings::reservations_of_carts(connection, &own)?);
    let booked = guests_of_reservations(connection, planner, effects, &reservations)?;
    let keys = keys_to_lock(connection, planner, effects, resolved, (&reservations, &booked))?;
    let mut locked = bookings::lock_or_begin(connection, &planner.ring, &keys, &own)?;
    let now = store::pool::clock(connection)?;
    merge(&mut locked, effects, &reservations)?;
    // The guest of a reservation is known for certain only under its lock. If another transaction changed the guest
    // meanwhile, the carts of the new one are not locked, and locking them now would break the order of locks.
    let mut under_lock = locked.iter().filter(|one| reservations.contains(&one.key));
    if !under_lock.all(|one| {
        planner
            .guest_of(&one.key, &one.facts)
            .is_none_or(|guest| booked.contains(&guest))
    }) {
        return Err(StoreError::Overtaken);
    }
    guest_data::strip(connection, &effects.erased)?;
    for consent in &effects.consents {
        guests::record_consent(connection, &consent.guest, consent.change, consent.at)?;
    }
    let notices = guest_updates::record(connection, planner, resolved)?;
    stop_confirmations::confirm(connection, planner, effects, resolved, &mut locked)?;
    Ok((planning::replan(connection, planner, now, &locked)?, notices))
}

/// Every booking that the effects could touch.
fn keys_to_lock(
    connection: &mut Connection,
    planner: &Planner,
    effects: &Effects,
    resolved: &[Resolved<'_>],
    (reservations, booked): (&BTreeSet<BookingKey>, &BTreeSet<GuestKey>),
) -> Result<BTreeSet<BookingKey>, StoreError> {
    let mut consenting: BTreeSet<GuestKey> = effects.consents.iter().map(|one| one.guest.clone()).collect();
    for one in resolved {
        consenting.extend(one.guests(connection, planner)?);
    }
    let mut keys: BTreeSet<BookingKey> = effects.facts.keys().cloned().collect();
    keys.extend(bookings::carts_of_guests(connection, booked)?);
    keys.extend(bookings::all_of_guests(connection, &consenting)?);
    keys.extend(reservations.iter().cloned());
    Ok(keys)
}

/// The guests whose carts a reservation of this batch could touch: by the numbers that it or its cart brings, and by
/// those that these bookings have already.
fn guests_of_reservations(
    connection: &mut Connection,
    planner: &Planner,
    effects: &Effects,
    reservations: &BTreeSet<BookingKey>,
) -> Result<BTreeSet<GuestKey>, StoreError> {
    if reservations.is_empty() {
        return Ok(BTreeSet::new());
    }
    let brought = effects
        .facts
        .iter()
        .filter_map(|(key, facts)| planner.guest_of(key, facts));
    let mut guests: BTreeSet<GuestKey> = brought.collect();
    let mut related = reservations.clone();
    related.extend(effects.facts.keys().cloned());
    guests.extend(planner.guests_of(connection, &related)?);
    Ok(guests)
}

/// Merges the facts into the locked bookings; then reservations inherit from the carts that they grew from.
fn merge(
    locked: &mut [Booking],
    effects: &Effects,
    reservations: &BTreeSet<BookingKey>,
) -> Result<(), StoreError> {
    for booking in locked.iter_mut() {
        if let Some(facts) = effects.facts.get(&booking.key) {
            booking.learn(|known| known.merge(facts.clone()));
        }
        if let Some(trace) = effects.traces.get(&booking.key) {
            booking.changed_in(*trace);
        }
        if let Some(at) = effects.erased.get(&booking.key) {
            booking.learn(|known| known.without_guest(*at));
        }
    }
    let changed = locked.iter().filter(|cart| effects.facts.contains_key(&cart.key));
    let grown: Vec<(BookingKey, Facts)> = changed
        .filter_map(|cart| Some((cart.became()?, cart.facts.clone())))
        .collect();
    for (key, cart) in &grown {
        match locked.iter_mut().find(|booking| booking.key == *key) {
            Some(reservation) => reservation.learn(|known| known.inherit(cart)),
            // Another transaction has just committed which reservation the cart became, so it is not locked here.
            None if !reservations.contains(key) => return Err(StoreError::Overtaken),
            None => {}
        }
    }
    Ok(())
}
