//! People's decisions about single letters.

use domain::ids::{BookingKey, LetterId, StaffName};
use domain::phone_number::{PhoneNumber, WhyInvalid};
use store::audit::Actor;
use store::letters::{self, Corrected, Decided, Word};
use store::{Store, StoreError, bookings};

use super::log_decision;
use crate::actions::context::{Context, transaction};

pub(crate) async fn settle(
    context: &Context,
    id: LetterId,
    by: Actor,
    word: Word,
) -> Result<Decided<()>, StoreError> {
    let (staff, decision) = (by.clone(), word.as_str());
    let decided = context
        .transaction(move |connection, planner| letters::settle(connection, planner, id, &by, word))
        .await?;
    Ok(decided.map(|_| log_decision(id, &staff, decision)))
}

pub(crate) async fn correct_phone(
    context: &Context,
    id: LetterId,
    by: Actor,
    phone: String,
) -> Result<Decided<Corrected>, StoreError> {
    let staff = by.clone();
    let decided = context
        .transaction(move |connection, planner| letters::correct_phone(connection, planner, id, &by, &phone))
        .await?;
    Ok(decided.inspect(|_| log_decision(id, &staff, "phone_corrected")))
}

pub(crate) async fn close(store: &Store, id: LetterId, by: Actor) -> Result<Decided<()>, StoreError> {
    let staff = by.clone();
    let decided = transaction(store, move |connection| letters::close(connection, id, &by)).await?;
    Ok(decided.map(|()| log_decision(id, &staff, "closed")))
}

/// Gives letters to a member of the staff, or to nobody, each in a transaction of its own. `false`: it was theirs already.
pub(crate) async fn assign(
    store: &Store,
    ids: Vec<LetterId>,
    to: Option<StaffName>,
    by: Actor,
) -> Result<Vec<(LetterId, Decided<bool>)>, StoreError> {
    let mut decided = Vec::new();
    for id in ids {
        let (who, whom) = (by.clone(), to.clone());
        let assigning = transaction(store, move |connection| {
            letters::assign(connection, id, whom.as_ref(), &who)
        });
        let assigned = assigning.await?;
        if assigned == Ok(true) {
            log_decision(id, &by, "assigned");
        }
        decided.push((id, assigned));
    }
    Ok(decided)
}

/// The number that a correction of a booking's number would be understood as, the way people write it abroad; or what is wrong
/// with it. One without a country code is read as [`correct_phone`] reads it.
pub(crate) async fn check_phone(
    context: &Context,
    key: BookingKey,
    text: &str,
) -> Result<Result<String, WhyInvalid>, StoreError> {
    let resort = context.resort(&key.resort).map(|resort| resort.country);
    let found = context
        .transaction(move |connection, planner| bookings::find(connection, &planner.ring, &key))
        .await?;
    let guests = found.and_then(|booking| booking.facts.country_of_numbers(resort));
    let checked = PhoneNumber::check(text, guests.or(resort));
    Ok(checked.map(|number| number.formatted()))
}
