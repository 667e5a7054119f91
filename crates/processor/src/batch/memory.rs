//! What is remembered of events: their ids, so that each counts once; and who was erased since they were accepted.

use std::collections::HashSet;

use store::events::{self, NewEvent};
use store::guest_data::memory::{self, Arrival};
use store::planning::Policies;
use store::{Connection, StoreError};

use super::{Content, Fate, Late, Opened};
use crate::handlers::Handled;

/// Finds the events whose guests were erased meanwhile. Nobody is erased from here on until the end of the transaction.
pub(super) fn look_who_was_erased<'a>(
    connection: &mut Connection,
    policies: &Policies<'_>,
    batch: &'a [Opened],
) -> Result<Vec<Late<'a>>, StoreError> {
    let reread: Vec<Option<[u8; 32]>> = batch.iter().map(|opened| reread(policies, opened)).collect();
    let arrivals: Vec<Arrival<'_>> = batch.iter().zip(&reread).map(arrival).collect();
    memory::pass(connection, &arrivals)?;
    let erased = memory::erased(connection, &arrivals)?;
    Ok(batch.iter().zip(erased).collect())
}

/// The keyed hash of a platform's number as this program reads it. `ingest` may be an older one, which read it differently,
/// and the guest may have been erased under either reading.
fn reread(policies: &Policies<'_>, opened: &Opened) -> Option<[u8; 32]> {
    match &*opened.content {
        Content::Event(event) => policies.hash_of_event(event),
        Content::Update(_) => None,
    }
}

fn arrival<'a>((opened, reread): (&'a Opened, &'a Option<[u8; 32]>)) -> Arrival<'a> {
    let envelope = &opened.envelope;
    let names = opened.names.iter().map(Vec::as_slice);
    Arrival {
        booking: opened.booking(),
        resort: envelope.resort.as_ref(),
        names: names.chain(reread.as_ref().map(<[u8; 32]>::as_slice)).collect(),
        message: opened.message(),
        received_at: envelope.received_at,
    }
}

/// Records the events, those of erased guests without their bodies, and tells what becomes of each.
pub(super) fn remember(
    connection: &mut Connection,
    policies: &Policies<'_>,
    batch: &[Late<'_>],
    handled: &[Handled],
) -> Result<Vec<Fate>, StoreError> {
    let new = batch.iter().zip(handled).map(|one| record(policies, one));
    let new: Vec<NewEvent> = new.collect();
    let fresh = events::insert_new(connection, &new)?;
    Ok(fates(&new, handled, fresh))
}

fn record(policies: &Policies<'_>, ((opened, erased_at), handled): (&Late<'_>, &Handled)) -> NewEvent {
    let envelope = &opened.envelope;
    let phone_hash = reread(policies, opened).map(|hash| hash.to_vec());
    NewEvent {
        key: opened.key(),
        source: envelope.source.to_string(),
        event_type: envelope.event_type.clone(),
        booking: opened.booking(),
        received_at: envelope.received_at,
        request_id: envelope.request_id.clone(),
        outcome: match handled {
            Handled::Applied => "applied",
            Handled::Ignored => "ignored",
        },
        phone_hash: phone_hash.or_else(|| envelope.phone_hash.clone()),
        name_hashes: opened.own_names(),
        message: opened.message(),
        sealed_body: erased_at.is_none().then(|| envelope.sealed.clone()),
    }
}

fn fates(new: &[NewEvent], handled: &[Handled], mut fresh: HashSet<String>) -> Vec<Fate> {
    let fate = |(event, handled): (&NewEvent, &Handled)| {
        // Of two with one id in a batch the first is the new one.
        if !fresh.remove(&event.key) {
            Fate::Duplicate
        } else if *handled == Handled::Applied {
            Fate::Applied
        } else {
            Fate::Ignored
        }
    };
    new.iter().zip(handled).map(fate).collect()
}
