//! What is remembered of events: their ids, so that each counts once; and who was erased since they were accepted.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use store::events::{self, NewEvent};
use store::guest_data::memory::{self, Arrival};
use store::planning::Planner;
use store::{Connection, StoreError};

use super::{Content, Fate, Opened};
use crate::handlers::Handled;

/// An event, with what is known of its guest before it is applied.
pub(super) struct Late<'a> {
    pub(super) opened: &'a Opened,
    /// The keyed hash of a platform's number as this program reads it.
    pub(super) phone_hash: Option<[u8; 32]>,
    /// Up to when its guest was erased after it was accepted.
    pub(super) erased_at: Option<DateTime<Utc>>,
}

/// Finds the events whose guests were erased meanwhile. Nobody is erased from here on until the end of the transaction.
pub(super) fn look_who_was_erased<'a>(
    connection: &mut Connection,
    planner: &Planner,
    batch: &'a [Opened],
) -> Result<Vec<Late<'a>>, StoreError> {
    let reread: Vec<Option<[u8; 32]>> = batch.iter().map(|opened| reread(planner, opened)).collect();
    let arrivals: Vec<Arrival<'_>> = batch.iter().zip(&reread).map(arrival).collect();
    memory::pass(connection, &arrivals)?;
    let erased = memory::erased(connection, &arrivals)?;
    let late = batch.iter().zip(reread).zip(erased);
    Ok(late
        .map(|((opened, phone_hash), erased_at)| Late {
            opened,
            phone_hash,
            erased_at,
        })
        .collect())
}

/// The keyed hash of a platform's number as this program reads it. `ingest` may be an older one, which read it differently,
/// and the guest may have been erased under either reading.
fn reread(planner: &Planner, opened: &Opened) -> Option<[u8; 32]> {
    match &*opened.content {
        Content::Event(event) => planner.hash_of_event(event),
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
    batch: &[Late<'_>],
    handled: &[Handled],
) -> Result<Vec<Fate>, StoreError> {
    let new: Vec<NewEvent> = batch.iter().zip(handled).map(record).collect();
    let fresh = events::insert_new(connection, &new)?;
    Ok(fates(&new, handled, fresh))
}

fn record((late, handled): (&Late<'_>, &Handled)) -> NewEvent {
    let opened = late.opened;
    let envelope = &opened.envelope;
    let phone_hash = late.phone_hash.map(|hash| hash.to_vec());
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
        sealed_body: late.erased_at.is_none().then(|| envelope.sealed.clone()),
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
