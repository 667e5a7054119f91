//! Deduplication: the ids of events are stored, so that each event counts once, however often it is delivered.

use std::collections::HashSet;

use store::events::{self, NewEvent};
use store::fetches::{self, NewFetch};
use store::{Connection, StoreError};

use super::tombstones::Arrival;
use super::{Effects, EventOutcome};

/// Inserts the events, those of erased guests without their bodies, and returns the outcome of each.
///
/// What a platform is to be asked for is new as long as it is not recorded as work: a person may have it tried again.
pub(super) fn insert_new(
    connection: &mut Connection,
    arrivals: &[Arrival<'_>],
    effects: &[Effects],
) -> Result<Vec<EventOutcome>, StoreError> {
    let outcome_if_new = |(arrival, effects): (&Arrival<'_>, &Effects)| match effects.changes_anything() {
        true => EventOutcome::Applied,
        false if is_work(arrival) => EventOutcome::Applied,
        false => EventOutcome::Ignored,
    };
    let if_new: Vec<EventOutcome> = arrivals.iter().zip(effects).map(outcome_if_new).collect();
    let rows: Vec<NewEvent> = arrivals.iter().zip(&if_new).map(row).collect();
    let mut inserted = events::insert_new(connection, &rows)?;
    insert_fetches(connection, arrivals, &mut inserted)?;
    // Of two events with one id in a batch, the first is the new one: it takes the id out of the set.
    let outcome = |(row, if_new): (&NewEvent, EventOutcome)| match inserted.remove(&row.key) {
        true => if_new,
        false => EventOutcome::Duplicate,
    };
    Ok(rows.iter().zip(if_new).map(outcome).collect())
}

/// Whether its platform is to be asked. An erased guest's request was not kept.
fn is_work(arrival: &Arrival<'_>) -> bool {
    arrival.opened.is_fetch() && arrival.erased_at.is_none()
}

fn insert_fetches(
    connection: &mut Connection,
    arrivals: &[Arrival<'_>],
    inserted: &mut HashSet<String>,
) -> Result<(), StoreError> {
    let work = arrivals.iter().filter(|arrival| is_work(arrival));
    let rows: Vec<NewFetch> = work
        .map(|arrival| NewFetch {
            key: arrival.opened.key(),
            source: arrival.opened.envelope.source.to_string(),
            sealed_body: arrival.opened.envelope.sealed.clone(),
        })
        .collect();
    let added = fetches::insert_new(connection, &rows)?;
    for row in rows {
        inserted.remove(&row.key);
    }
    inserted.extend(added);
    Ok(())
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
        trace: Some(opened.trace),
        outcome: outcome.as_str(),
        phone_hash: phone_hash.or_else(|| envelope.phone_hash.clone()),
        name_hashes: opened.stored_names(),
        message: opened.message(),
        sealed_body: arrival.erased_at.is_none().then(|| envelope.sealed.clone()),
    }
}
