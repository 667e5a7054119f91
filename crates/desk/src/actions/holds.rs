//! Pausing and resuming, and what is held now.

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use domain::audit::Action;
use domain::hold::Coverage;
use serde::Serialize;
use store::audit::{self, Actor, Subject};
use store::holds::{self, Hold};
use store::senders::{self, Sender};
use store::{Connection, Store, StoreError};

use super::names;
use super::notes::{Notes, Reader};
use super::shelf::transaction;

/// The scope of a sender that cannot reach WhatsApp.
pub(crate) const SENDER: &str = "sender";

/// A hold as people see it, or a sender that cannot reach WhatsApp and therefore sends nothing.
#[derive(Debug, Serialize)]
pub(crate) struct HoldView {
    /// Scope and coverage.
    pub(crate) hold: String,
    pub(crate) scope: String,
    pub(crate) resort: Option<String>,
    pub(crate) number: Option<String>,
    pub(crate) template: Option<String>,
    pub(crate) kind: Option<String>,
    /// The sender that cannot reach WhatsApp; null where it is a hold.
    pub(crate) sender: Option<String>,
    /// WhatsApp's code, what was seen in WhatsApp's place, why a sender cannot reach it, or a person's words, hidden unless
    /// they are revealed.
    pub(crate) reason: String,
    /// Nobody: WhatsApp's answer began it.
    pub(crate) by_whom: Option<String>,
    pub(crate) since: DateTime<Utc>,
    /// When one message tries again; null where a person decides.
    pub(crate) tries_at: Option<DateTime<Utc>>,
    /// When WhatsApp accepted the message that tries: the hold ends unless that one is reported as failed.
    pub(crate) judged_since: Option<DateTime<Utc>>,
    /// How many messages wait for it.
    pub(crate) messages: i64,
}

fn view_of_sender(sender: Sender) -> Option<HoldView> {
    let unreachable = sender.unreachable?;
    Some(HoldView {
        hold: format!("{SENDER} {}", sender.name),
        scope: SENDER.to_owned(),
        resort: None,
        number: None,
        template: None,
        kind: None,
        sender: Some(sender.name),
        reason: unreachable.reason,
        by_whom: None,
        since: unreachable.since,
        tries_at: None,
        judged_since: None,
        messages: 0,
    })
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
        sender: None,
        reason: words.unwrap_or(hold.reason),
        by_whom: hold.by_whom,
        since: hold.since,
        tries_at: hold.until,
        judged_since: hold.probe_taken_at,
        messages,
    }
}

/// Everything that is held now, oldest first, then the senders that cannot reach WhatsApp. To whom people's words are revealed stands in the audit trail before anything
/// is returned.
pub(crate) async fn list(store: &Store, reader: Option<Reader>) -> Result<Vec<HoldView>, StoreError> {
    store
        .transaction(move |connection| {
            let mut found = read(connection, reader.as_ref().map(|reader| &reader.key_ring))?;
            let cut_off = senders::list_unreachable(connection)?;
            found.extend(cut_off.into_iter().filter_map(view_of_sender));
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
