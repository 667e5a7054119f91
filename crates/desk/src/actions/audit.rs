//! The audit trail as people see it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use domain::ids::LetterId;
use serde::Serialize;
use store::audit::{self, Filter, Record};
use store::{Store, StoreError};

use super::notes::Notes;

/// Who did what, when, and why.
#[derive(Debug, Serialize)]
pub(crate) struct RecordView {
    pub(crate) at: DateTime<Utc>,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) resort: Option<String>,
    pub(crate) booking: Option<String>,
    pub(crate) letter: Option<LetterId>,
    /// Keyed hash of the phone number that was named, in hexadecimal.
    pub(crate) phone_hash: Option<String>,
    pub(crate) details: String,
    pub(crate) reason: Option<String>,
}

/// Rows of the trail, newest first, at most so many.
pub(crate) async fn list(
    store: &Store,
    ring: &Arc<KeyRing>,
    filter: Filter,
    most: u32,
) -> Result<Vec<RecordView>, StoreError> {
    let ring = Arc::clone(ring);
    let (found, notes) = store
        .transaction(move |connection| {
            let found = audit::list(connection, &filter, i64::from(most))?;
            let keys = found.iter().filter_map(|record| record.reason.as_ref());
            let notes = Notes::read(connection, Some(&ring), keys)?;
            Ok((found, notes))
        })
        .await?;
    Ok(found.into_iter().map(|record| view(record, &notes)).collect())
}

fn view(record: Record, notes: &Notes) -> RecordView {
    let hex = |hash: Vec<u8>| hash.iter().map(|byte| format!("{byte:02x}")).collect();
    RecordView {
        at: record.at,
        actor: record.actor,
        action: record.action,
        resort: record.resort,
        booking: record.booking,
        letter: record.letter,
        phone_hash: record.phone_hash.map(hex),
        details: record.details,
        reason: record.reason.as_ref().and_then(|key| notes.words(key)),
    }
}
