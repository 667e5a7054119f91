//! Updates that one guest causes: messages and preferences.
//!
//! A guest with a user name instead of a number has no phone fields, only a `user`: an id that is valid for this
//! business alone. WhatsApp spells some numbers differently from how people dial them, so a guest has several
//! names; `names` of each update lists all that it contains.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use domain::consent::InboundText;
use domain::guest::GuestName;
use domain::ids::{NumberId, WhatsAppMessageId};
use domain::phone_number::PhoneNumber;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::contact::contact;
use super::{Origin, fingerprint, json};

/// A guest wrote or pressed a button, or WhatsApp reports a change of the guest in the same list.
///
/// Personal data: `Debug` shows neither the guest nor the words.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbound {
    /// The business number that the guest wrote to.
    pub number: Option<NumberId>,
    pub from: Option<PhoneNumber>,
    /// The guest's id for this business.
    pub user: Option<String>,
    /// The guest's number as the list of contacts beside the message spells it, if that differs from `from`.
    pub contact: Option<PhoneNumber>,
    /// Whether it was written in a WhatsApp group, and so not to us alone.
    #[serde(default)]
    pub in_group: bool,
    /// WhatsApp's id of the guest's message.
    pub id: WhatsAppMessageId,
    pub at: Option<DateTime<Utc>>,
    /// `text`, `button`, `interactive`, `image`, `system`, …
    pub message_type: String,
    /// The text, the label of the pressed button, or the caption of a picture.
    pub text: Option<String>,
    /// The file that the guest sent; `None` also in what an older program stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<Media>,
    /// The payload of the pressed button.
    pub payload: Option<String>,
    /// The message of ours that it replies to.
    pub answers: Option<WhatsAppMessageId>,
    /// The guest's new number, if WhatsApp reports a change.
    pub new_number: Option<PhoneNumber>,
    /// The guest's new id for this business, if WhatsApp reports a change.
    pub new_user: Option<String>,
}

/// A file of a guest: WhatsApp's id of it, by which it can be fetched for some days. Personal data: it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    pub id: String,
    /// As WhatsApp says: `image/jpeg`, `audio/ogg; codecs=opus`.
    pub mime_type: Option<String>,
    /// As the guest's phone named it.
    pub file_name: Option<String>,
}

impl Media {
    /// The file of a message of one of WhatsApp's types that have one.
    fn read(message_type: &str, message: &Value) -> Option<Self> {
        let has_file = ["image", "video", "audio", "document", "sticker"].contains(&message_type);
        let file = message.get(message_type).filter(|_| has_file)?;
        Some(Self {
            id: json::short(file, "id")?,
            mime_type: json::short(file, "mime_type"),
            file_name: json::short(file, "filename"),
        })
    }
}

/// When a guest's act happened, at the earliest and at the latest.
///
/// WhatsApp's times are whole seconds, and its clock may run ahead of ours: nothing happened after it was received. A reply
/// counts from the latest time, so that it never seems older than what it followed.
pub fn happened(at: Option<DateTime<Utc>>, received_at: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let earliest = at.unwrap_or(received_at).min(received_at);
    (earliest, (earliest + TimeDelta::seconds(1)).min(received_at))
}

impl Inbound {
    pub(super) fn read(origin: &Origin<'_>, message: &Value) -> Option<Self> {
        let first = |pointers: &[&str]| pointers.iter().find_map(|pointer| json::text(message, pointer));
        let system = message.get("system").unwrap_or(&Value::Null);
        let message_type = json::short(message, "type").unwrap_or_else(|| "unknown".to_owned());
        let (from, from_user) = (json::short(message, "from"), json::short(message, "from_user_id"));
        let contact = contact(origin.value, from.as_deref(), from_user.as_deref()).unwrap_or_default();
        let from = json::phone(message, "from");
        Some(Self {
            number: json::number(origin.value),
            user: from_user
                .or(contact.user)
                .or_else(|| json::short(system, "previous_user_id")),
            contact: contact.number.filter(|number| Some(number) != from.as_ref()),
            from,
            in_group: is_in_group(message),
            id: json::message_id(message, "/id")?,
            at: json::instant(message, "timestamp"),
            text: first(&[
                "/text/body",
                "/button/text",
                "/interactive/button_reply/title",
                "/interactive/list_reply/title",
                "/image/caption",
                "/video/caption",
                "/document/caption",
            ]),
            media: Media::read(&message_type, message),
            payload: first(&[
                "/button/payload",
                "/interactive/button_reply/id",
                "/interactive/list_reply/id",
            ]),
            answers: json::message_id(message, "/context/id"),
            new_number: json::phone(system, "wa_id").or_else(|| json::phone(system, "new_wa_id")),
            new_user: json::short(system, "user_id"),
            message_type,
        })
    }

    /// Whether the guest wrote to this number. False for reports of WhatsApp about the guest and for messages to a
    /// group: only a message to us opens the 24-hour window, and only such a message is a reply to us.
    pub fn is_to_us(&self) -> bool {
        self.message_type != "system" && !self.in_group
    }

    /// The words for [`domain::consent`]: `text` holds a button's label if a button was pressed.
    pub fn inbound_text(&self) -> InboundText<'_> {
        let words = self.text.as_deref();
        let is_button = matches!(self.message_type.as_str(), "button" | "interactive");
        InboundText {
            text: words.filter(|_| !is_button),
            label: words.filter(|_| is_button),
            payload: self.payload.as_deref(),
        }
    }

    /// The writer's names.
    pub fn names(&self) -> Vec<GuestName> {
        GuestName::all(self.user.as_deref(), self.contact.iter().chain(&self.from))
    }

    /// The guest's new names, if WhatsApp reports a change.
    pub fn new_names(&self) -> Vec<GuestName> {
        GuestName::all(self.new_user.as_deref(), &self.new_number)
    }

    pub(super) fn fingerprint(&self) -> Uuid {
        fingerprint(&["message", self.id.reveal()])
    }
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound")
            .field("number", &self.number)
            .field("at", &self.at)
            .field("message_type", &self.message_type)
            .finish_non_exhaustive()
    }
}

/// A guest's choice about marketing in WhatsApp's own settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    Stop,
    Resume,
    /// Any other choice, as WhatsApp wrote it.
    Other(String),
}

/// A guest stopped marketing in WhatsApp's own settings, or allowed it again.
///
/// Personal data: `Debug` does not show the guest.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preference {
    pub number: Option<NumberId>,
    pub from: Option<PhoneNumber>,
    /// The guest's id for this business.
    pub user: Option<String>,
    /// See [`Inbound::contact`].
    pub contact: Option<PhoneNumber>,
    /// What is stopped or resumed; so far always `marketing_messages`.
    pub category: Option<String>,
    pub choice: Choice,
    pub at: Option<DateTime<Utc>>,
}

impl Preference {
    pub(super) fn read(origin: &Origin<'_>, preference: &Value) -> Option<Self> {
        let word = json::short(preference, "value")?;
        let choice = match word.to_ascii_lowercase().as_str() {
            "stop" => Choice::Stop,
            "resume" => Choice::Resume,
            _ => Choice::Other(word),
        };
        let (from, from_user) = (
            json::short(preference, "wa_id"),
            json::short(preference, "user_id"),
        );
        let contact = contact(origin.value, from.as_deref(), from_user.as_deref()).unwrap_or_default();
        let from = json::phone(preference, "wa_id");
        Some(Self {
            number: json::number(origin.value),
            user: from_user.or(contact.user),
            contact: contact.number.filter(|number| Some(number) != from.as_ref()),
            from,
            category: json::short(preference, "category"),
            choice,
            at: json::instant(preference, "timestamp"),
        })
    }

    /// The guest's names.
    pub fn names(&self) -> Vec<GuestName> {
        GuestName::all(self.user.as_deref(), self.contact.iter().chain(&self.from))
    }

    pub(super) fn fingerprint(&self) -> Uuid {
        let choice = match &self.choice {
            Choice::Stop => "stop",
            Choice::Resume => "resume",
            Choice::Other(word) => word,
        };
        fingerprint(&[
            "preference",
            self.number.as_ref().map_or("", NumberId::as_str),
            self.from.as_ref().map_or("", PhoneNumber::reveal),
            self.user.as_deref().unwrap_or_default(),
            choice,
            &self.at.map(|at| at.timestamp()).unwrap_or_default().to_string(),
        ])
    }
}

/// A message in a group has the group's id (Meta, "Group messages webhook reference"); a reply in a group also has
/// it in its context.
fn is_in_group(message: &Value) -> bool {
    ["/group_id", "/context/group_id"]
        .into_iter()
        .any(|pointer| message.pointer(pointer).is_some_and(|id| !id.is_null()))
}

impl fmt::Debug for Preference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Preference")
            .field("number", &self.number)
            .field("category", &self.category)
            .field("choice", &self.choice)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
