//! People's decisions about single letters.

use domain::ids::LetterId;
use store::audit::Actor;
use store::letters::{self, Corrected, Decided, Word};
use store::{Store, StoreError};

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
