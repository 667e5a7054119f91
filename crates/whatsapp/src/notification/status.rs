//! The statuses of our messages, as WhatsApp reports them.

use std::fmt;

use chrono::{DateTime, Utc};
use domain::guest::GuestName;
use domain::ids::{NumberId, WhatsAppMessageId};
use domain::message::{CallbackData, DeliveryStatus, Pricing};
use domain::phone_number::PhoneNumber;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::contact::contact;
use super::{Origin, fingerprint, json};
use crate::answer::integer;
use crate::error_codes;

/// A status, which may be one that we do not know yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ReportedStatus {
    Known(DeliveryStatus),
    /// As WhatsApp wrote it.
    Other(String),
}

impl ReportedStatus {
    fn from_word(word: String) -> Self {
        match word.as_str() {
            // A voice message that was played was certainly seen.
            "played" => Self::Known(DeliveryStatus::Read),
            _ => word.parse().map_or(Self::Other(word), Self::Known),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Known(status) => status.as_str(),
            Self::Other(word) => word,
        }
    }
}

/// The first error of a failed message. WhatsApp's details are left out: they may quote what we sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedError {
    /// See [`error_codes::find`].
    pub code: i64,
    /// The table's title, else WhatsApp's.
    pub title: String,
}

impl ReportedError {
    pub(super) fn read(error: &Value) -> Option<Self> {
        let code = integer(error.get("code")?)?;
        let title = match error_codes::find(code) {
            Some(entry) => entry.title.to_owned(),
            None => json::short(error, "title").unwrap_or_default(),
        };
        Some(Self { code, title })
    }
}

/// The status of one of our messages. Statuses may arrive twice, out of order, and before the answer to the call
/// itself.
///
/// Personal data: `Debug` shows neither the guest nor the message's id.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The business number that sent the message.
    pub number: Option<NumberId>,
    pub id: WhatsAppMessageId,
    pub status: ReportedStatus,
    pub at: Option<DateTime<Utc>>,
    /// The callback data of the call; see [`Status::call`].
    pub callback: Option<String>,
    /// The guest's number; it may be written differently from the one that we called.
    pub recipient: Option<PhoneNumber>,
    /// The guest's id for this business.
    pub user: Option<String>,
    /// The member of a group that the status is about.
    pub participant: Option<String>,
    pub error: Option<ReportedError>,
    /// Older programs did not read it.
    #[serde(default)]
    pub pricing: Option<Pricing>,
}

/// Reads what a status says of its price; `None` if that is nothing.
fn pricing(status: &Value) -> Option<Pricing> {
    let of = status.get("pricing")?;
    let word = |key| json::short(of, key).map(|word| word.to_ascii_lowercase());
    let read = Pricing {
        category: word("category"),
        type_: word("type"),
        billable: of.get("billable").and_then(Value::as_bool),
    };
    (read.category.is_some() || read.type_.is_some() || read.billable.is_some()).then_some(read)
}

impl Status {
    pub(super) fn read(origin: &Origin<'_>, status: &Value) -> Option<Self> {
        Some(Self {
            number: json::number(origin.value),
            id: json::message_id(status, "/id")?,
            status: ReportedStatus::from_word(json::short(status, "status")?),
            at: json::instant(status, "timestamp"),
            callback: json::short(status, "biz_opaque_callback_data"),
            recipient: json::phone(status, "recipient_id"),
            user: json::short(status, "recipient_user_id").or_else(|| {
                contact(origin.value, json::short(status, "recipient_id").as_deref(), None)?.user
            }),
            participant: json::short(status, "recipient_participant_id"),
            error: status.pointer("/errors/0").and_then(ReportedError::read),
            pricing: pricing(status),
        })
    }

    /// The call, unless another program sent the message.
    pub fn call(&self) -> Option<CallbackData> {
        self.callback.as_deref()?.parse().ok()
    }

    /// The guest's names. The status of a group's member names a person whom we did not call.
    pub fn names(&self) -> Vec<GuestName> {
        if self.participant.is_some() {
            return Vec::new();
        }
        GuestName::all(self.user.as_deref(), &self.recipient)
    }

    pub(super) fn fingerprint(&self) -> Uuid {
        let participant = self.participant.as_deref().unwrap_or_default();
        fingerprint(&["status", self.id.reveal(), self.status.as_str(), participant])
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Status")
            .field("number", &self.number)
            .field("status", &self.status)
            .field("at", &self.at)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
