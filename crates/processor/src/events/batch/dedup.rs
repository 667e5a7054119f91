//! Deduplication: the ids of events are stored, so that each event counts once, however often it is delivered.

use store::events::{self, NewEvent};
use store::{Connection, StoreError};

use super::tombstones::Arrival;
use super::{Effects, EventOutcome};

/// Inserts the events, those of erased guests without their bodies, and returns the outcome of each.
pub(super) fn insert_new(
    connection: &mut Connection,
    arrivals: &[Arrival<'_>],
    effects: &[Effects],
) -> Result<Vec<EventOutcome>, StoreError> {
    let outcome_if_new = |effects: &Effects| match effects.changes_anything() {
        true => EventOutcome::Applied,
        false => EventOutcome::Ignored,
    };
    let if_new: Vec<EventOutcome> = effects.iter().map(outcome_if_new).collect();
    let rows: Vec<NewEvent> = arrivals.iter().zip(&if_new).map(row).collect();
    let mut inserted = events::insert_new(connection, &rows)?;
    // Of two events with one id in a batch, the first is the new one: it takes the id out of the set.
    let outcome = |(row, if_new): (&NewEvent, EventOutcome)| match inserted.remove(&row.key) {
        true => if_new,
        false => EventOutcome::Duplicate,
    };
    Ok(rows.iter().zip(if_new).map(outcome).collect())
}

fn row((arrival, outcome): (&Arrival<'_>, &EventOutcome)) -> NewEvent {
    let opened = arrival.opened;
    let envelope = &opened.envelope;
    let phone_hash = arrival.phone_hash.map(|hash| hash.to_vec());
    NewEvent {
        key: opened.key(),
        source: envelope.source.to_string(),
        event_type: envelope.event_type.clone(),
        booking: opened.booking(),
        received_at: envelope.received_at,
        request_id: envelope.request_id.clone(),
        outcome: outcome.as_str(),
        phone_hash: phone_hash.or_else(|| envelope.phone_hash.clone()),
        name_hashes: opened.stored_names(),
        message: opened.message(),
        sealed_body: arrival.erased_at.is_none().then(|| envelope.sealed.clone()),
    }
}
