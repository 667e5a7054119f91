//! The journal of all calls of the messages endpoint, for tests to read and for the guest's phone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;

use crate::clock::{self, Millis};
use crate::notification::Taken;
use crate::request::{Content, Message};
use crate::templates::{QuickReply, Shown};

#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    generation: u64,
    list: Vec<Entry>,
}

/// An entry's position; invalid after a clearing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    generation: u64,
    index: usize,
}

/// An accepted message whose statuses are reported.
#[derive(Debug)]
pub(crate) struct Tracked {
    pub(crate) place: Place,
    pub(crate) taken: Arc<Taken>,
}

/// One call, accepted or refused.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Entry {
    pub(crate) at: String,
    pub(crate) path: String,
    pub(crate) phone_number_id: String,
    pub(crate) to: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) template: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) header: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) footer: Option<String>,
    pub(crate) button_url: Option<String>,
    pub(crate) replies: Vec<QuickReply>,
    pub(crate) callback_data: Option<String>,
    pub(crate) traceparent: Option<String>,
    pub(crate) wamid: Option<String>,
    pub(crate) accepted: bool,
    pub(crate) answered: bool,
    pub(crate) message_status: Option<String>,
    pub(crate) error_code: Option<i64>,
    pub(crate) statuses: Vec<&'static str>,
    /// The place among everything that was accepted or written.
    #[serde(skip)]
    pub(crate) order: u64,
    /// For the guest's phone; the fields above say the same to tests.
    #[serde(skip)]
    pub(crate) buttons: Vec<Shown>,
    /// What further statuses are made of.
    #[serde(skip)]
    pub(crate) taken: Option<Arc<Taken>>,
}

impl Journal {
    pub(crate) fn push(&self, entry: Entry) -> Place {
        let mut entries = self.lock();
        entries.list.push(entry);
        Place {
            generation: entries.generation,
            index: entries.list.len() - 1,
        }
    }

    /// Adds a status; `false` after a clearing.
    pub(crate) fn note(&self, place: Place, status: &'static str) -> bool {
        let mut entries = self.lock();
        if entries.generation != place.generation {
            return false;
        }
        if let Some(entry) = entries.list.get_mut(place.index) {
            entry.statuses.push(status);
        }
        true
    }

    /// The messages that were accepted for a guest, oldest first.
    pub(crate) fn accepted_for(&self, guest: &str) -> Vec<Entry> {
        let is_for = |entry: &&Entry| entry.accepted && entry.to.as_deref() == Some(guest);
        self.lock().list.iter().filter(is_for).cloned().collect()
    }

    /// The messages that lie on a guest's phone and are not reported as read, oldest first.
    pub(crate) fn unread_by(&self, guest: &str) -> Vec<Tracked> {
        let entries = self.lock();
        let is_unread =
            |entry: &Entry| entry.statuses.contains(&"delivered") && !entry.statuses.contains(&"read");
        let of_guest = |entry: &Entry| entry.to.as_deref() == Some(guest);
        let unread = entries
            .list
            .iter()
            .enumerate()
            .filter(|(_, entry)| of_guest(entry) && is_unread(entry));
        let tracked = unread.filter_map(|(index, entry)| {
            Some(Tracked {
                place: Place {
                    generation: entries.generation,
                    index,
                },
                taken: entry.taken.clone()?,
            })
        });
        tracked.collect()
    }

    /// The last accepted message for each guest, by the guest's name.
    pub(crate) fn last_accepted(&self) -> BTreeMap<String, Entry> {
        let entries = self.lock();
        let accepted = entries.list.iter().filter(|entry| entry.accepted);
        let last: BTreeMap<&String, &Entry> = accepted
            .filter_map(|entry| Some((entry.to.as_ref()?, entry)))
            .collect();
        last.into_iter()
            .map(|(guest, entry)| (guest.clone(), entry.clone()))
            .collect()
    }

    /// The entries as JSON, oldest first; `to` selects one recipient.
    pub(crate) fn to_json(&self, to: Option<&str>) -> serde_json::Result<Vec<u8>> {
        let entries = self.lock();
        match to {
            None => serde_json::to_vec(&entries.list),
            Some(to) => {
                let to = format!("+{}", to.trim_start_matches(['+', ' ']));
                serde_json::to_vec(
                    &entries
                        .list
                        .iter()
                        .filter(|entry| entry.to.as_ref() == Some(&to))
                        .collect::<Vec<_>>(),
                )
            }
        }
    }

    pub(crate) fn clear(&self) {
        let mut entries = self.lock();
        entries.generation += 1;
        entries.list = Vec::new();
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// The entry of a request that is not checked yet.
    pub(crate) fn sketch(at: Millis, path: &str, number: &str, body: &Value) -> Self {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Self {
            at: clock::text(at),
            path: path.to_owned(),
            phone_number_id: number.to_owned(),
            to: text("/to").or_else(|| text("/recipient")),
            kind: text("/type"),
            template: text("/template/name"),
            language: text("/template/language/code"),
            body: text("/text/body"),
            callback_data: text("/biz_opaque_callback_data"),
            answered: true,
            ..Self::default()
        }
    }

    /// Adds what the guest sees.
    pub(crate) fn show(&mut self, message: &Message) {
        self.to = Some(message.recipient.name());
        match &message.content {
            Content::Text(body) => {
                self.kind = Some("text".to_owned());
                self.body = Some(body.clone());
            }
            Content::Template { filled, .. } => {
                self.header.clone_from(&filled.header);
                self.body = Some(filled.body.clone());
                self.footer.clone_from(&filled.footer);
                self.button_url.clone_from(&filled.button_url);
                self.replies.clone_from(&filled.replies);
                self.buttons.clone_from(&filled.buttons);
            }
        }
    }
}
