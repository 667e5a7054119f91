//! Pauses, and the list of what is held.

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use domain::audit::Action;
use domain::hold::Coverage;
use serde::Serialize;
use store::audit::{self, Actor, Subject};
use store::holds::{self, Hold};
use store::senders::{self, Sender};
use store::{Connection, Store, StoreError};

use super::context::transaction;
use super::notes::{Notes, Reader};

/// The scope of a sender that cannot reach WhatsApp.
pub(crate) const SENDER: &str = "sender";

/// A hold, or a sender that cannot reach WhatsApp and therefore sends nothing.
#[derive(Debug, Serialize)]
pub(crate) struct HoldView {
    /// Scope and coverage, its key.
    pub(crate) hold: String,
    pub(crate) scope: String,
    pub(crate) resort: Option<String>,
    pub(crate) number: Option<String>,
    pub(crate) template: Option<String>,
    pub(crate) kind: Option<String>,
    /// Null for a hold.
    pub(crate) sender: Option<String>,
    /// WhatsApp's code, what answered in WhatsApp's place, why a sender cannot reach it, or a person's note, hidden unless
    /// it is revealed.
    pub(crate) reason: String,
    /// Null for a hold after WhatsApp's answer.
    pub(crate) by_whom: Option<String>,
    pub(crate) since: DateTime<Utc>,
    /// When the probe is sent; null if a person ends the hold.
    pub(crate) tries_at: Option<DateTime<Utc>>,
    /// When WhatsApp accepted the probe: the hold ends unless the probe is reported as failed.
    pub(crate) judged_since: Option<DateTime<Utc>>,
    pub(crate) messages: i64,
}

impl HoldView {
    /// What is held, in words; [`hold`](Self::hold) is the name that commands and forms use.
    pub(crate) fn title(&self) -> String {
        let what = match self.scope.as_str() {
            "paused" => "Paused",
            "token" => "Access token",
            "number" => "Business number",
            "account" => "Business account",
            "country" => "Country",
            "template" => "Template",
            "template_missing" => "Template missing",
            SENDER => "Sender",
            other => other,
        };
        let kind = self.kind.as_deref().map(|kind| kind.replace('_', " "));
        let parts = [&self.resort, &kind, &self.number, &self.template, &self.sender];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        match parts.as_slice() {
            [] => format!("{what}: everything"),
            parts => format!("{what}: {}", parts.join(", ")),
        }
    }

    /// Why it is held, in words.
    pub(crate) fn why(&self) -> String {
        match &self.by_whom {
            Some(person) if self.reason.is_empty() => format!("by {person}"),
            Some(person) => format!("by {person}: {}", self.reason),
            None if self.sender.is_some() => format!("cannot reach WhatsApp: {}", self.reason),
            None if self.reason.parse::<i64>().is_ok() => format!("WhatsApp's code {}", self.reason),
            None => format!("answers that are not WhatsApp's: {}", self.reason),
        }
    }
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

/// The holds, oldest first, then the senders that cannot reach WhatsApp. If notes are revealed, the audit trail has recorded
/// it before this returns.
pub(crate) async fn list(store: &Store, reader: Option<Reader>) -> Result<Vec<HoldView>, StoreError> {
    store
        .transaction(move |connection| {
            let mut found = read(connection, reader.as_ref().map(|reader| &*reader.key_ring))?;
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

/// Pauses; returns the hold if it exists already.
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

/// Ends one hold, a person's or a machine's; `false`: it has ended already.
pub(crate) async fn end(store: &Store, key: String, by: Actor) -> Result<bool, StoreError> {
    transaction(store, move |connection| holds::end(connection, &key, &by)).await
}
