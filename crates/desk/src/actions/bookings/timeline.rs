//! A booking as one line of time: what happened, what staff did, and what is still to come, or why not.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use domain::ids::LetterId;
use domain::message::MessageKind;

use super::{BookingView, EventView, Upcoming};
use crate::actions::audit::RecordView;
use crate::actions::letters::LetterView;
use crate::actions::messages::MessageView;
use crate::actions::words;

/// One point of it. Holds nothing personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// `None`: it has no time, since it will not happen or waits for something.
    pub(crate) at: Option<DateTime<Utc>>,
    pub(crate) tone: Tone,
    /// A sentence without its full stop.
    pub(crate) what: String,
    pub(crate) detail: String,
    pub(crate) letter: Option<LetterId>,
    /// The message that is still to come, which staff can withdraw or send now.
    pub(crate) kind: Option<MessageKind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    /// The guest has it.
    Good,
    /// It needs, or needed, a person.
    Bad,
}

/// What was, the newest last, and what will be, the next first.
#[derive(Debug)]
pub(crate) struct Timeline {
    pub(crate) past: Vec<Entry>,
    pub(crate) future: Vec<Entry>,
    /// What will not be sent, with the reason.
    pub(crate) never: Vec<Entry>,
}

impl Timeline {
    pub(crate) fn of(view: &BookingView, acts: &[RecordView], now: DateTime<Utc>) -> Self {
        let messages = view
            .messages
            .iter()
            .filter_map(|message| message_entry(message, now));
        let mut past: Vec<Entry> = view
            .events
            .iter()
            .map(event_entry)
            .chain(messages)
            .chain(view.letters.iter().flat_map(letter_entries))
            .chain(acts.iter().map(act_entry))
            .collect();
        past.sort_by_key(|entry| entry.at);
        let to_come = view.to_come.iter().flatten();
        let (mut future, never): (Vec<_>, Vec<_>) =
            to_come.map(upcoming_entry).partition(|entry| entry.at.is_some());
        future.sort_by_key(|entry| entry.at);
        Self { past, future, never }
    }
}

fn event_entry(event: &EventView) -> Entry {
    let source = event.event.split_once('/').map_or("", |(source, _)| source);
    let outcome = match event.outcome.as_str() {
        "applied" => String::new(),
        other => format!(", {}", other.replace('_', " ")),
    };
    Entry {
        at: Some(event.received_at),
        tone: Tone::Plain,
        what: words::event(&event.event_type),
        detail: format!("from {source}{outcome}"),
        letter: None,
        kind: None,
    }
}

/// `None`: it has not been called yet and is told by what is to come.
fn message_entry(message: &MessageView, now: DateTime<Utc>) -> Option<Entry> {
    let kind = words::capitalised(&words::kind(message.kind));
    let reason = message.reason.as_deref();
    let because =
        reason.map(|word| words::reason(word).map_or_else(|| word.replace('_', " "), str::to_owned));
    let because = because.unwrap_or_default();
    let (tone, what) = match message.state {
        "sent" => (Tone::Plain, "sent"),
        "delivered" => (Tone::Good, "delivered"),
        "read" => (Tone::Good, "read by the guest"),
        "unknown" => (Tone::Bad, "called, without an answer that says whether it went"),
        "dead" => (Tone::Bad, "could not be sent"),
        "skipped" => (Tone::Plain, "not sent"),
        "withdrawn" => (Tone::Plain, "withdrawn"),
        "expired" => (Tone::Plain, "not sent: too late"),
        "held" => (Tone::Bad, "held"),
        // Waits beyond its time: for the number's pace, or for WhatsApp.
        "queued" | "sending" if message.due_at <= now => (Tone::Plain, "waits for its turn"),
        _ => return None,
    };
    Some(Entry {
        at: Some(message.sent_at.unwrap_or(message.updated_at).min(now)),
        tone,
        what: format!("{kind}: {what}"),
        detail: because,
        letter: None,
        kind: None,
    })
}

fn letter_entries(letter: &LetterView) -> Vec<Entry> {
    let died = Entry {
        at: Some(letter.died_at),
        tone: Tone::Bad,
        what: format!("Dead letter: {}", letter.reason.replace('_', " ")),
        detail: letter.error.clone(),
        letter: Some(letter.id),
        kind: None,
    };
    let ended = letter.closed_at.map(|at| Entry {
        at: Some(at),
        tone: Tone::Plain,
        what: format!("Dead letter {}", letter.standing()),
        detail: String::new(),
        letter: Some(letter.id),
        kind: None,
    });
    std::iter::once(died).chain(ended).collect()
}

fn act_entry(act: &RecordView) -> Entry {
    Entry {
        at: Some(act.at),
        tone: Tone::Plain,
        what: format!("{}: {}", act.actor, act.action.replace('_', " ")),
        detail: act.details.clone(),
        letter: act.letter,
        kind: None,
    }
}

fn upcoming_entry(one: &Upcoming) -> Entry {
    let kind = words::capitalised(&words::kind(one.kind));
    let because = one
        .reason
        .map(|word| words::reason(word).map_or_else(|| word.replace('_', " "), str::to_owned))
        .unwrap_or_default();
    let (at, what) = match one.expected {
        "later" => (one.at, "will be sent"),
        "now" => (one.at, "goes now"),
        "waits" => (None, "waits for another event"),
        "expired" => (None, "will not be sent: its time has passed"),
        _ => (None, "will not be sent"),
    };
    Entry {
        at,
        tone: Tone::Plain,
        what: format!("{kind}: {what}"),
        // Not twice.
        detail: if what.ends_with(&because) {
            String::new()
        } else {
            because
        },
        letter: None,
        kind: at.map(|_| one.kind),
    }
}

/// The audit trail's rows about a booking that its line of time shows: what changed something, the newest first.
pub(crate) fn acts_of(mut records: Vec<RecordView>) -> Vec<RecordView> {
    // Who looked changed nothing for the guest, and a letter tells its own end.
    const TOLD_ELSEWHERE: [&str; 6] = [
        "conversation_opened",
        "booking_revealed",
        "letter_revealed",
        "letter_retried",
        "letter_settled",
        "letter_closed",
    ];
    records.retain(|record| !TOLD_ELSEWHERE.contains(&record.action.as_str()));
    records.sort_by_key(|record| Reverse(record.at));
    records
}
