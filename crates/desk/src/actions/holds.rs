//! Pausing and resuming, and what is held now.

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use domain::audit::Action;
use domain::hold::Coverage;
use serde::Serialize;
use store::audit::{self, Actor, Subject};
use store::holds::{self, Hold};
use store::{Connection, Store, StoreError};

use super::names;
use super::notes::{Notes, Reader};
use super::shelf::transaction;

/// A hold as people see it.
#[derive(Debug, Serialize)]
pub(crate) struct HoldView {
    /// Scope and coverage.
    pub(crate) hold: String,
    pub(crate) scope: String,
    pub(crate) resort: Option<String>,
    pub(crate) number: Option<String>,
    pub(crate) template: Option<String>,
    pub(crate) kind: Option<String>,
    /// WhatsApp's code, or a person's words, hidden unless they are revealed.
    pub(crate) reason: String,
    /// Nobody: WhatsApp's answer began it.
    pub(crate) by_whom: Option<String>,
    pub(crate) since: DateTime<Utc>,
    /// When one message tries again; null where a person decides.
    pub(crate) tries_at: Option<DateTime<Utc>>,
    /// How many messages wait for it.
    pub(crate) messages: i64,
}

fn view((hold, messages): (Hold, i64), notes: &Notes) -> HoldView {
    let words = hold.note().map(|key| notes.words(&key));
    HoldView {
        hold: hold.key,
        scope: hold.scope,
        resort: hold.resort,
        number: hold.number,
        template: hold.template,
        kind: hold.kind,
        reason: words.unwrap_or(hold.reason),
        by_whom: hold.by_whom,
        since: hold.since,
        tries_at: hold.until,
        messages,
    }
}

/// Everything that is held now, oldest first. To whom people's words are revealed stands in the audit trail before anything
/// is returned.
pub(crate) async fn list(store: &Store, reader: Option<Reader>) -> Result<Vec<HoldView>, StoreError> {
    store
        .transaction(move |connection| {
            let found = read(connection, reader.as_ref().map(|reader| &reader.key_ring))?;
            if let Some(Reader { by, .. }) = &reader {
                audit::append(connection, by, Action::HoldsRevealed, &Subject::default())?;
            }
            Ok(found)
        })
        .await
}

fn read(connection: &mut Connection, ring: Option<&KeyRing>) -> Result<Vec<HoldView>, StoreError> {
    let found = holds::list(connection)?;
    let keys: Vec<_> = found.iter().filter_map(|(hold, _)| hold.note()).collect();
    let notes = Notes::read(connection, ring, &keys)?;
    Ok(found.into_iter().map(|found| view(found, &notes)).collect())
}

/// How many messages wait because their resort's file has nothing to send.
pub(crate) async fn without_template(store: &Store) -> Result<i64, StoreError> {
    store.run(holds::count_without_template).await
}

/// Pauses. `None` when it was not paused before, else the hold that is in force already.
pub(crate) async fn pause(
    store: &Store,
    coverage: Coverage,
    by: Actor,
) -> Result<Option<HoldView>, StoreError> {
    transaction(store, move |connection| {
        if holds::pause(connection, &coverage, &by)? {
            return Ok(None);
        }
        let key = domain::hold::key(domain::hold::PAUSED, &coverage);
        let all = read(connection, None)?;
        Ok(all.into_iter().find(|hold| hold.hold == key))
    })
    .await
}

/// The holds that come nearest to what was named, by their keys.
pub(crate) async fn nearest(store: &Store, named: &Coverage) -> Result<Vec<String>, StoreError> {
    let held = store.run(holds::list).await?;
    let keys = held.into_iter().map(|(hold, _)| hold.key);
    Ok(names::nearest(&named.to_string(), keys))
}

/// Ends every hold that names all that is given; returns their keys.
pub(crate) async fn resume(store: &Store, named: Coverage, by: Actor) -> Result<Vec<String>, StoreError> {
    transaction(store, move |connection| holds::resume(connection, &named, &by)).await
}
