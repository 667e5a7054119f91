//! What people decide of single letters.

use domain::ids::LetterId;
use domain::phone_number::PhoneNumber;
use store::audit::Actor;
use store::letters::{self, Decided, Word};
use store::{Store, StoreError};

use super::log_decision;
use crate::actions::shelf::{Shelf, transaction};

/// Says what became of a letter's message.
pub(crate) async fn settle(
    shelf: &Shelf,
    id: LetterId,
    by: Actor,
    word: Word,
) -> Result<Decided<()>, StoreError> {
    let (staff, decision) = (by.clone(), word.as_str());
    let decided = shelf
        .transaction(move |connection, planner| letters::settle(connection, planner, id, &by, word))
        .await?;
    Ok(decided.map(|_| log_decision(id, &staff, decision)))
}

/// A booking's number that was put right.
pub(crate) struct Corrected {
    pub(crate) booking: String,
    pub(crate) number: PhoneNumber,
}

/// Puts right the number of a letter's booking.
pub(crate) async fn correct_phone(
    shelf: &Shelf,
    id: LetterId,
    by: Actor,
    phone: String,
) -> Result<Decided<Corrected>, StoreError> {
    let staff = by.clone();
    let decided = shelf
        .transaction(move |connection, planner| letters::correct_phone(connection, planner, id, &by, &phone))
        .await?;
    Ok(decided.map(|corrected| {
        log_decision(id, &staff, "phone_corrected");
        Corrected {
            booking: corrected.booking.to_string(),
            number: corrected.number,
        }
    }))
}

/// Closes a letter, whatever it is about.
pub(crate) async fn close(store: &Store, id: LetterId, by: Actor) -> Result<Decided<()>, StoreError> {
    let staff = by.clone();
    let decided = transaction(store, move |connection| letters::close(connection, id, &by)).await?;
    Ok(decided.map(|()| log_decision(id, &staff, "closed")))
}
