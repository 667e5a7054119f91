//! Corrects the phone number of a dead letter's booking by a decision of staff.

use std::collections::BTreeSet;

use diesel::PgConnection;
use domain::audit::Action;
use domain::dead_letter::DecisionRefused;
use domain::facts::Facts;
use domain::ids::{BookingKey, LetterId};
use domain::message::Reason;
use domain::phone_number::PhoneNumber;

use super::case::{self, Case};
use super::{Decided, Declined};
use crate::audit::{self, Actor, Subject};
use crate::bookings::{self, Booking};
use crate::error::StoreError;
use crate::guests::GuestKey;
use crate::planning::{Planned, Planner};

/// What a correction came to.
#[derive(Debug)]
pub struct Corrected {
    pub booking: BookingKey,
    /// The number as it was understood.
    pub number: PhoneNumber,
    pub planned: Planned,
}

/// Stores the corrected number, in any usual spelling, as a fact of the booking. The dead letter stays open: retrying the
/// message is a separate decision.
pub fn correct_phone(
    connection: &mut PgConnection,
    planner: &Planner,
    id: LetterId,
    by: &Actor,
    phone: &str,
) -> Result<Decided<Corrected>, StoreError> {
    let key = match case::subject(connection, id)? {
        Ok((_, key)) => key,
        Err(declined) => return Ok(Err(declined)),
    };
    let Some(resort) = planner.resort(&key.resort) else {
        return Ok(Err(Declined::Refused(DecisionRefused::WithoutResort)));
    };
    let known = bookings::find(connection, &planner.ring, &key)?;
    // A staff member writes the number as the guest would.
    let country = known.and_then(|booking| booking.facts.country_of_numbers(Some(resort.country)));
    let Ok(number) = PhoneNumber::parse(phone, country.or(Some(resort.country))) else {
        return Ok(Err(Declined::Refused(DecisionRefused::NotWanted(
            Reason::InvalidPhone,
        ))));
    };
    let related = related(connection, planner, &key, &number)?;
    let mut case = match Case::open(connection, planner, id, related)? {
        Ok(case) => case,
        Err(declined) => return Ok(Err(declined)),
    };
    let is_erased = |booking: &Booking| booking.key == key && booking.facts.is_without_guest();
    if case.bookings.iter().any(is_erased) {
        return Ok(Err(Declined::Refused(DecisionRefused::NotWanted(Reason::Erased))));
    }
    let now = case.now;
    correct(&mut case.bookings, &key, |facts| {
        facts.corrected(number.clone(), Some(resort.country), by.name.as_str(), now)
    });
    let subject = Subject {
        phone_hash: Some(planner.phone_hash(&number)),
        ..Subject::from(&case.letter)
    };
    audit::append(connection, by, Action::PhoneCorrected, &subject)?;
    let planned = case.replan(connection, planner)?;
    Ok(Ok(Corrected {
        booking: key,
        number,
        planned,
    }))
}

/// Bookings that the number matters to as well: the reservation that inherits it from its cart, and the carts of
/// the guests that the old and the new number stand for.
fn related(
    connection: &mut PgConnection,
    planner: &Planner,
    key: &BookingKey,
    number: &PhoneNumber,
) -> Result<BTreeSet<BookingKey>, StoreError> {
    let own = BTreeSet::from([key.clone()]);
    let mut related = bookings::reservations_of_carts(connection, &own)?;
    let mut guests = planner.guests_of(connection, &own)?;
    guests.insert(GuestKey {
        phone_hash: planner.phone_hash(number),
        resort: key.resort.clone(),
    });
    related.extend(bookings::carts_of_guests(connection, &guests)?);
    Ok(related)
}

/// Adds the correction to its booking, and to the reservation that the booking became.
fn correct(bookings: &mut [Booking], key: &BookingKey, correction: impl FnOnce(&Facts) -> Facts) {
    let Some(corrected) = bookings.iter_mut().find(|booking| booking.key == *key) else {
        return;
    };
    let news = correction(&corrected.facts);
    corrected.learn(|known| known.merge(news));
    let (became, cart) = (corrected.became(), corrected.facts.clone());
    let reservation = bookings
        .iter_mut()
        .find(|booking| became.as_ref() == Some(&booking.key));
    if let Some(reservation) = reservation {
        reservation.learn(|known| known.inherit(&cart));
    }
}
