//! Tombstones: which of the arriving events belong to guests who were erased after `ingest` accepted the event.

use chrono::{DateTime, Utc};
use store::guest_data::tombstones;
use store::planning::Planner;
use store::{Connection, StoreError};

use super::{Content, Opened};

/// An event, with what is known of its guest before it is applied.
pub(super) struct Arrival<'a> {
    pub(super) opened: &'a Opened,
    /// The keyed hash of a platform's number as this version reads it.
    pub(super) phone_hash: Option<[u8; 32]>,
    /// Up to when its guest was erased, where that was after the event was accepted.
    pub(super) erased_at: Option<DateTime<Utc>>,
}

/// Waits for erasures of the events' guests, then loads their tombstones. No such erasure can begin before the transaction
/// ends.
pub(super) fn load<'a>(
    connection: &mut Connection,
    planner: &Planner,
    events: &'a [Opened],
) -> Result<Vec<Arrival<'a>>, StoreError> {
    let hashes: Vec<Option<[u8; 32]>> = events.iter().map(|opened| reread(planner, opened)).collect();
    let arrivals: Vec<tombstones::Arrival<'_>> = events.iter().zip(&hashes).map(arrival).collect();
    tombstones::lock_shared(connection, &arrivals)?;
    let erased = tombstones::erased(connection, &arrivals)?;
    let all = events.iter().zip(hashes).zip(erased);
    Ok(all
        .map(|((opened, phone_hash), erased_at)| Arrival {
            opened,
            phone_hash,
            erased_at,
        })
        .collect())
}

/// An older `ingest` may have read the platform's number differently, and the guest may have been erased under either
/// reading.
fn reread(planner: &Planner, opened: &Opened) -> Option<[u8; 32]> {
    match &*opened.content {
        Content::Event(event) => planner.hash_of_event(event),
        Content::Update(_) | Content::Fetch => None,
    }
}

fn arrival<'a>((opened, reread): (&'a Opened, &'a Option<[u8; 32]>)) -> tombstones::Arrival<'a> {
    let envelope = &opened.envelope;
    let names = opened.names.iter().map(Vec::as_slice);
    tombstones::Arrival {
        booking: opened.booking(),
        resort: envelope.resort.as_ref(),
        names: names.chain(reread.as_ref().map(<[u8; 32]>::as_slice)).collect(),
        message: opened.message(),
        received_at: envelope.received_at,
    }
}
