//! The bodies of notifications: statuses, guests' messages, and updates of templates and accounts.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::clock::Millis;
use crate::graph::{ACCOUNT_ID, DISPLAY_NUMBER, title_in_notification};
use crate::request::Recipient;

pub(crate) mod escaped;
pub(crate) mod inbound;

const GUEST: &str = "Guest";
const HELP_URL: &str = "/documentation/business-messaging/whatsapp/support/error-codes";
const DAY_MS: Millis = 24 * 60 * 60 * 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Sent,
    Delivered,
    Read,
    Failed,
}

impl Status {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Sent, Self::Delivered, Self::Read, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == text)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
        }
    }
}

/// An accepted message, with what its statuses contain.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) wamid: String,
    pub(crate) number: String,
    pub(crate) recipient: Recipient,
    /// The guest's number as WhatsApp spells it; empty for a user id.
    pub(crate) spelling: String,
    pub(crate) callback_data: Option<String>,
    /// The template's category, or `service` for free text.
    pub(crate) category: &'static str,
    /// Notifications of old versions contain a conversation.
    pub(crate) with_conversation: bool,
    pub(crate) without_phone: bool,
}

/// A status of a message; `error` is the code of one that failed.
pub(crate) fn status(taken: &Taken, status: Status, error: i64, at: Millis) -> Value {
    let mut fields = Map::new();
    fields.insert("id".to_owned(), json!(taken.wamid));
    fields.insert("status".to_owned(), json!(status.as_str()));
    fields.insert("timestamp".to_owned(), json!(seconds(at)));
    let user = taken.recipient.user_id();
    match &taken.recipient {
        Recipient::Phone { .. } if !taken.without_phone => {
            fields.insert("recipient_id".to_owned(), json!(taken.spelling))
        }
        _ => fields.insert("recipient_user_id".to_owned(), json!(user)),
    };
    if let Some(data) = &taken.callback_data {
        fields.insert("biz_opaque_callback_data".to_owned(), json!(data));
    }
    if status == Status::Failed {
        let (title, details) = title_in_notification(error);
        fields.insert("errors".to_owned(), json!([{
            "code": error, "title": title, "message": title, "error_data": { "details": details }, "href": HELP_URL,
        }]));
    } else {
        if taken.with_conversation {
            fields.insert("conversation".to_owned(), conversation(taken, status, at));
        }
        let free = taken.category == "service";
        fields.insert("pricing".to_owned(), json!({
            "billable": !free, "pricing_model": "PMP", "type": if free { "free_customer_service" } else { "regular" },
            "category": taken.category,
        }));
    }
    let mut value = head(&taken.number);
    if !taken.with_conversation {
        let wa_id = match &taken.recipient {
            Recipient::Phone { .. } if !taken.without_phone => Some(taken.spelling.as_str()),
            _ => None,
        };
        value.insert("contacts".to_owned(), json!([contact(GUEST, wa_id, &user)]));
    }
    value.insert("statuses".to_owned(), json!([fields]));
    json!({ "value": value, "field": "messages" })
}

/// The body of a request; each change is already in Meta's form.
pub(crate) fn envelope<'c>(
    changes: impl Iterator<Item = &'c str>,
    account_event_at: Option<Millis>,
) -> String {
    let changes = changes.collect::<Vec<_>>().join(",");
    let time = account_event_at
        .map(|at| format!(r#""time":{},"#, at / 1000))
        .unwrap_or_default();
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{ACCOUNT_ID}",{time}"changes":[{changes}]}}]}}"#
    )
}

fn conversation(taken: &Taken, status: Status, at: Millis) -> Value {
    let mut conversation = Map::new();
    conversation.insert("id".to_owned(), json!("0123456789abcdef0123456789abcdef"));
    if status == Status::Sent {
        conversation.insert("expiration_timestamp".to_owned(), json!(seconds(at + DAY_MS)));
    }
    conversation.insert("origin".to_owned(), json!({ "type": taken.category }));
    Value::Object(conversation)
}

fn head(number: &str) -> Map<String, Value> {
    let mut value = Map::new();
    value.insert("messaging_product".to_owned(), json!("whatsapp"));
    value.insert(
        "metadata".to_owned(),
        json!({ "display_phone_number": DISPLAY_NUMBER, "phone_number_id": number }),
    );
    value
}

fn contact(name: &str, wa_id: Option<&str>, user_id: &str) -> Value {
    let mut contact = Map::new();
    contact.insert("profile".to_owned(), json!({ "name": name }));
    if let Some(wa_id) = wa_id {
        contact.insert("wa_id".to_owned(), json!(wa_id));
    }
    contact.insert("user_id".to_owned(), json!(user_id));
    Value::Object(contact)
}

fn seconds(at: Millis) -> String {
    (at / 1000).to_string()
}
