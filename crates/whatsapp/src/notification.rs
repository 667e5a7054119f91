//! Reads WhatsApp's notifications. One POST is a batch of updates of many kinds.
//!
//! After any answer but 200, WhatsApp sends the whole batch again for a week. So nothing inside a batch is an
//! error: an unknown update becomes [`Update::Other`], one that makes no sense [`Update::Unreadable`].

mod assessment;
mod business;
mod contact;
mod damage;
mod guest;
pub(crate) mod json;
mod remainder;
mod status;

use domain::guest::GuestName;
use domain::phone_number::PhoneNumber;
use foreign_json::Charset;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub use assessment::Assessment;
pub use business::{Account, Number, Problem, Restriction, Template, TemplateChange};
pub use damage::Damage;
pub use guest::{Choice, Inbound, Media, Preference, happened};
pub use remainder::Remainder;
pub use status::{ReportedError, ReportedStatus, Status};

/// The greatest body that is read, in bytes. WhatsApp promises at most 3 MB.
pub const LONGEST_BODY: usize = 4 << 20;

/// The greatest number of updates that are read from one body; WhatsApp promises at most 1,000. One more update,
/// with [`Damage::TooMany`], stands for all that follow.
pub const MOST_UPDATES: usize = 10_000;

/// Why a body is not a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotANotification {
    #[error("the body is longer than {LONGEST_BODY} bytes")]
    TooLong,
    /// Not JSON, even after repair.
    #[error("the body is not JSON")]
    NotJson,
    #[error("the body has no list of entries")]
    NoEntries,
}

/// One update in a notification.
///
/// It is stored and queued as JSON, whose format only ever gains fields. Personal data: `Debug` shows none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "update", rename_all = "snake_case")]
pub enum Update {
    Status(Status),
    /// A guest wrote, or pressed a button.
    Inbound(Inbound),
    /// A guest changed the choice about marketing in WhatsApp's own settings.
    Preference(Preference),
    /// The state, quality or category of a template changed.
    Template(Template),
    Account(Account),
    Number(Number),
    /// An error that belongs to no single message.
    Problem(Problem),
    /// Well formed, but of a kind that we do not handle.
    Other(Remainder),
    /// Of a kind that we handle, but without a member that this kind needs.
    Unreadable(Remainder),
}

/// Reads a body whose signature was checked before. Damage inside costs only the damaged update.
pub fn parse(body: &[u8]) -> Result<Vec<Update>, NotANotification> {
    if body.len() > LONGEST_BODY {
        return Err(NotANotification::TooLong);
    }
    let body = foreign_json::read(body, Charset::UTF_8).map_err(|_| NotANotification::NotJson)?;
    let entries = body
        .value
        .get("entry")
        .and_then(Value::as_array)
        .ok_or(NotANotification::NoEntries)?;
    let mut updates = Vec::new();
    for entry in entries {
        read_entry(entry, &mut updates);
    }
    Ok(updates)
}

/// Where in the batch an update was.
struct Origin<'a> {
    field: String,
    account: Option<String>,
    at: Option<chrono::DateTime<chrono::Utc>>,
    value: &'a Value,
}

impl Origin<'_> {
    /// Tells pieces without an id of their own apart. The same piece, sent again, has the same fingerprint.
    fn fingerprint(&self, piece: &Value) -> Uuid {
        let at = self.at.map(|at| at.timestamp()).unwrap_or_default();
        fingerprint(&[
            self.account.as_deref().unwrap_or_default(),
            &at.to_string(),
            &self.field,
            &piece.to_string(),
        ])
    }
}

fn read_entry(entry: &Value, updates: &mut Vec<Update>) {
    let origin = |field: &str, value| Origin {
        field: json::clip(field, json::SHORT),
        account: json::short(entry, "id"),
        at: json::instant(entry, "time"),
        value,
    };
    let Some(changes) = entry.get("changes").and_then(Value::as_array) else {
        return push(updates, &origin("", entry), entry, || Err(Damage::Entry));
    };
    for change in changes {
        match (change.get("field").and_then(Value::as_str), change.get("value")) {
            (Some(field), Some(value)) => read_change(&origin(field, value), updates),
            _ => push(updates, &origin("", change), change, || Err(Damage::Change)),
        }
    }
}

/// Adds an update, or the damage that prevented reading it; nothing beyond [`MOST_UPDATES`].
fn push(
    updates: &mut Vec<Update>,
    origin: &Origin<'_>,
    piece: &Value,
    read: impl FnOnce() -> Result<Update, Damage>,
) {
    let read = match updates.len() {
        0..MOST_UPDATES => read(),
        MOST_UPDATES => Err(Damage::TooMany),
        _ => return,
    };
    updates.push(read.unwrap_or_else(|damage| {
        Update::Unreadable(Remainder {
            damage: Some(damage),
            ..Remainder::new(origin, piece)
        })
    }));
}

fn read_change(origin: &Origin<'_>, updates: &mut Vec<Update>) {
    let read = || match origin.field.as_str() {
        "message_template_status_update"
        | "message_template_quality_update"
        | "template_category_update"
        | "template_correct_category_detection" => Template::read(origin).map(Update::Template),
        "phone_number_quality_update" | "phone_number_name_update" => {
            Number::read(origin).map(Update::Number)
        }
        "account_update" | "account_alerts" | "account_review_update" | "business_capability_update" => {
            Account::read(origin).map(Update::Account)
        }
        _ => Some(Update::Other(Remainder::new(origin, origin.value))),
    };
    match origin.field.as_str() {
        "messages" | "user_preferences" => read_conversations(origin, updates),
        _ => push(updates, origin, origin.value, || read().ok_or(Damage::Incomplete)),
    }
}

type ReadElement = fn(&Origin<'_>, &Value) -> Option<Update>;

const LISTS: [(&str, ReadElement); 4] = [
    ("statuses", |origin, element| {
        Status::read(origin, element).map(Update::Status)
    }),
    ("messages", |origin, element| {
        Inbound::read(origin, element).map(Update::Inbound)
    }),
    ("user_preferences", |origin, element| {
        Preference::read(origin, element).map(Update::Preference)
    }),
    ("errors", |origin, element| {
        Problem::read(origin, element).map(Update::Problem)
    }),
];

fn read_conversations(origin: &Origin<'_>, updates: &mut Vec<Update>) {
    let Some(value) = origin.value.as_object() else {
        return push(updates, origin, origin.value, || Err(Damage::Change));
    };
    let before = updates.len();
    for (list, read) in LISTS {
        match value.get(list) {
            None | Some(Value::Null) => {}
            Some(Value::Array(elements)) => {
                for element in elements {
                    push(updates, origin, element, || {
                        read(origin, element).ok_or(Damage::Incomplete)
                    });
                }
            }
            Some(other) => push(updates, origin, other, || Err(Damage::List)),
        }
    }
    if updates.len() == before {
        push(updates, origin, origin.value, || {
            Ok(Update::Other(Remainder::new(origin, origin.value)))
        });
    }
}

impl Update {
    /// Every [`kind`](Self::kind), so that each is counted from 0.
    pub const KINDS: [&str; 9] = [
        "whatsapp_status",
        "whatsapp_message",
        "whatsapp_preference",
        "whatsapp_template",
        "whatsapp_account",
        "whatsapp_number",
        "whatsapp_problem",
        "whatsapp_other",
        "whatsapp_unreadable",
    ];

    /// A name for metrics and for the envelope.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Status(_) => "whatsapp_status",
            Self::Inbound(_) => "whatsapp_message",
            Self::Preference(_) => "whatsapp_preference",
            Self::Template(_) => "whatsapp_template",
            Self::Account(_) => "whatsapp_account",
            Self::Number(_) => "whatsapp_number",
            Self::Problem(_) => "whatsapp_problem",
            Self::Other(_) => "whatsapp_other",
            Self::Unreadable(_) => "whatsapp_unreadable",
        }
    }

    /// The damage of an unreadable update.
    pub fn damage(&self) -> Option<Damage> {
        match self {
            // Older programs did not store the damage.
            Self::Unreadable(remainder) => Some(remainder.damage.unwrap_or(Damage::Incomplete)),
            _ => None,
        }
    }

    /// The number of the guest that it is about.
    pub fn guest(&self) -> Option<&PhoneNumber> {
        match self {
            Self::Status(status) => status.recipient.as_ref(),
            Self::Inbound(message) => message.from.as_ref(),
            Self::Preference(preference) => preference.from.as_ref(),
            _ => None,
        }
    }

    /// All names of the guest that it is about.
    pub fn names(&self) -> Vec<GuestName> {
        match self {
            Self::Status(status) => status.names(),
            Self::Inbound(message) => message.names(),
            Self::Preference(preference) => preference.names(),
            _ => Vec::new(),
        }
    }

    /// An event id: the same for each delivery of the same update, and without readable personal data.
    pub fn dedupe_id(&self) -> String {
        let fingerprint = match self {
            Self::Status(status) => status.fingerprint(),
            Self::Inbound(message) => message.fingerprint(),
            Self::Preference(preference) => preference.fingerprint(),
            Self::Template(template) => template.fingerprint,
            Self::Account(account) => account.fingerprint,
            Self::Number(number) => number.fingerprint,
            Self::Problem(problem) => problem.fingerprint,
            Self::Other(remainder) | Self::Unreadable(remainder) => remainder.fingerprint,
        };
        format!("{}.{fingerprint}", self.kind())
    }
}

fn fingerprint(parts: &[&str]) -> Uuid {
    const NAMESPACE: Uuid = Uuid::from_u128(0x5f0c_41d7_9a5e_4c1b_8a43_6a0d_2f7e_b912);
    Uuid::new_v5(&NAMESPACE, parts.join("\u{1f}").as_bytes())
}
