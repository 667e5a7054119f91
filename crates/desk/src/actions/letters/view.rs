//! Letters as commands show them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use domain::dead_letter::{self, Advice, LetterKind, Settlement};
use domain::ids::{BookingKey, LetterId, MessageId};
use serde::Serialize;
use store::letters::{self, Filter, Letter};
use store::messages::Message;
use store::notes::NoteKey;
use store::{Connection, Store, StoreError};

use crate::actions::notes::Notes;

/// Letters per query.
const PAGE: i64 = 1_000;

/// A letter with the present state of its message.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(super) letter: Letter,
    pub(super) message: Option<Message>,
    /// The reason of the person who decided; hidden unless it is revealed.
    pub(super) note: Option<String>,
}

impl Kept {
    pub(crate) fn of_booking(
        connection: &mut Connection,
        ring: Option<&KeyRing>,
        key: &BookingKey,
    ) -> Result<Vec<Self>, StoreError> {
        let letters = letters::list_of_booking(connection, key)?;
        Self::of(connection, ring, letters)
    }

    /// Adds each letter's message and its note, opened if there is a key ring.
    pub(super) fn of(
        connection: &mut Connection,
        ring: Option<&KeyRing>,
        letters: Vec<Letter>,
    ) -> Result<Vec<Self>, StoreError> {
        let messages: HashMap<MessageId, Message> = letters::messages_of(connection, &letters)?;
        let notes = Notes::read(connection, ring, letters.iter().filter_map(note_of))?;
        let kept = letters.into_iter().map(|letter| Self {
            message: letter.message.and_then(|id| messages.get(&id).cloned()),
            note: note_of(&letter).map(|key| notes.words(key)),
            letter,
        });
        Ok(kept.collect())
    }
}

fn note_of(letter: &Letter) -> Option<&NoteKey> {
    letter.ending.as_ref()?.note.as_ref()
}

/// Personal only if the note is revealed.
#[derive(Debug, Serialize)]
pub(crate) struct LetterView {
    pub(crate) id: LetterId,
    pub(crate) kind: &'static str,
    pub(crate) reason: String,
    pub(crate) error: String,
    pub(crate) resort: Option<String>,
    pub(crate) booking: Option<String>,
    pub(crate) message_kind: Option<String>,
    pub(crate) event_type: Option<String>,
    /// Of an event.
    pub(crate) source: Option<String>,
    pub(crate) attempts: u32,
    pub(crate) died_at: DateTime<Utc>,
    /// `false`: RabbitMQ dead-lettered it, and `died_at` is when it was imported.
    pub(crate) died_at_is_known: bool,
    pub(crate) state: &'static str,
    pub(crate) settled_as: Option<&'static str>,
    pub(crate) closed_by: Option<String>,
    pub(crate) closed_at: Option<DateTime<Utc>>,
    pub(crate) note: Option<String>,
    /// Who takes care of it.
    pub(crate) assignee: Option<String>,
    pub(crate) assigned_at: Option<DateTime<Utc>>,
    pub(crate) message_id: Option<String>,
    /// The message's present state; also null if the message was erased.
    pub(crate) message_state: Option<&'static str>,
    pub(crate) message_reason: Option<String>,
}

impl LetterView {
    /// The message's kind or the event's type, `?` if it is unknown.
    pub(crate) fn subject(&self) -> &str {
        let known = self.message_kind.as_deref().or(self.event_type.as_deref());
        known.unwrap_or("?")
    }

    /// What it means and what to do, where the reason is known to this program.
    pub(crate) fn advice(&self) -> Option<Advice> {
        let reason = self.reason.parse().ok()?;
        Some(dead_letter::of_code(reason, self.error.parse().ok()))
    }

    /// State, decision and person; also the message's state, unless that is `dead`.
    pub(crate) fn standing(&self) -> String {
        let settled_as = self
            .settled_as
            .map(|settled_as| format!(" as {settled_as}"))
            .unwrap_or_default();
        let by = self
            .closed_by
            .as_ref()
            .map(|by| format!(" by {by}"))
            .unwrap_or_default();
        let now = self.message_state.filter(|state| *state != "dead");
        let now = now
            .map(|state| format!(", the message is {state}"))
            .unwrap_or_default();
        let taken = self
            .assignee
            .as_ref()
            .filter(|_| self.closed_at.is_none())
            .map(|to| format!(", taken by {to}"))
            .unwrap_or_default();
        format!("{}{settled_as}{by}{taken}{now}", self.state)
    }
}

impl From<Kept> for LetterView {
    fn from(kept: Kept) -> Self {
        let Kept {
            letter,
            message,
            note,
        } = kept;
        let state = letter.state().as_str();
        let source = letter.source().map(str::to_owned);
        let ending = letter.ending;
        let subject = Some(letter.subject).filter(|subject| !subject.is_empty());
        let (message_kind, event_type) = match letter.kind {
            LetterKind::Messages => (subject, None),
            LetterKind::Events => (None, subject),
        };
        Self {
            id: letter.id,
            kind: letter.kind.as_str(),
            reason: letter.reason,
            error: letter.error,
            resort: letter.resort.map(String::from),
            booking: letter.booking.map(String::from),
            message_kind,
            event_type,
            source,
            attempts: letter.attempts,
            died_at: letter.died_at,
            died_at_is_known: letter.dated,
            state,
            settled_as: ending
                .as_ref()
                .and_then(|ending| ending.settled_as)
                .map(Settlement::as_str),
            closed_by: ending.as_ref().map(|ending| ending.by.clone()),
            closed_at: ending.as_ref().map(|ending| ending.at),
            note,
            assigned_at: letter.assigned.as_ref().map(|assigned| assigned.at),
            assignee: letter.assigned.map(|assigned| assigned.to),
            message_id: letter.message.map(|id| id.to_string()),
            message_state: message.as_ref().map(|message| message.existing.state.as_str()),
            message_reason: message.and_then(|message| message.reason),
        }
    }
}

/// In the order in which they were imported.
pub(crate) async fn list(store: &Store, filter: Filter) -> Result<Vec<LetterView>, StoreError> {
    let found = store
        .run(move |connection| {
            let mut all: Vec<Kept> = Vec::new();
            loop {
                let after = all.last().map_or(LetterId(0), |last| last.letter.id);
                let page = letters::list(connection, &filter, after, PAGE)?;
                if page.is_empty() {
                    return Ok(all);
                }
                all.extend(Kept::of(connection, None, page)?);
            }
        })
        .await?;
    Ok(found.into_iter().map(LetterView::from).collect())
}

#[derive(Debug, Serialize)]
pub(crate) struct ReasonView {
    pub(crate) reason: String,
    pub(crate) count: i64,
    pub(crate) oldest_died_at: DateTime<Utc>,
}

/// Counts by reason, the most frequent first.
pub(crate) async fn by_reason(store: &Store, filter: Filter) -> Result<Vec<ReasonView>, StoreError> {
    let counts = store
        .run(move |connection| letters::count_by_reason(connection, &filter))
        .await?;
    let view = |one: letters::ReasonCount| ReasonView {
        reason: one.reason,
        count: one.count,
        oldest_died_at: one.oldest_died_at,
    };
    Ok(counts.into_iter().map(view).collect())
}
