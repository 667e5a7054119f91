//! The audit trail as commands show it.

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use domain::audit::Action;
use domain::ids::LetterId;
use serde::Serialize;
use store::audit::{self, Filter, Record, Subject};
use store::{Connection, Store, StoreError};

use super::notes::{Notes, Reader};

#[derive(Debug, Serialize)]
pub(crate) struct RecordView {
    #[serde(skip)]
    pub(crate) id: i64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) resort: Option<String>,
    pub(crate) booking: Option<String>,
    pub(crate) letter: Option<LetterId>,
    /// Keyed hash of the subject's phone number, in hexadecimal.
    pub(crate) phone_hash: Option<String>,
    pub(crate) details: String,
    /// Hidden unless it is revealed.
    pub(crate) reason: Option<String>,
}

/// The newest `most` rows, newest first. If notes are revealed, the trail has recorded it before this returns.
pub(crate) async fn list(
    store: &Store,
    filter: Filter,
    most: u32,
    reader: Option<Reader>,
) -> Result<Vec<RecordView>, StoreError> {
    store
        .transaction(move |connection| {
            let found = audit::list(connection, &filter, i64::from(most))?;
            let found = views(connection, reader.as_ref().map(|reader| &*reader.key_ring), found)?;
            if let Some(Reader { by, .. }) = &reader {
                let about = filter.booking.as_ref().map(Subject::from).unwrap_or_default();
                audit::append(connection, by, Action::AuditRevealed, &about)?;
            }
            Ok(found)
        })
        .await
}

/// Adds the reasons, opened if there is a key ring.
pub(crate) fn views(
    connection: &mut Connection,
    ring: Option<&KeyRing>,
    found: Vec<Record>,
) -> Result<Vec<RecordView>, StoreError> {
    let keys = found.iter().filter_map(|record| record.reason.as_ref());
    let notes = Notes::read(connection, ring, keys)?;
    Ok(found.into_iter().map(|record| view(record, &notes)).collect())
}

fn view(record: Record, notes: &Notes) -> RecordView {
    let hex = |hash: Vec<u8>| hash.iter().map(|byte| format!("{byte:02x}")).collect();
    RecordView {
        id: record.id,
        at: record.at,
        actor: record.actor,
        action: record.action,
        resort: record.resort,
        booking: record.booking,
        letter: record.letter,
        phone_hash: record.phone_hash.map(hex),
        details: record.details,
        reason: record.reason.as_ref().map(|key| notes.words(key)),
    }
}
