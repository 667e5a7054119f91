//! Changes in WhatsApp's notifications, as Meta writes them.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use testkit::world::NUMBER;
use uuid::Uuid;

use crate::scene::Called;

/// A status of a call, with a field of its guest: `recipient_id` or `recipient_user_id`.
pub(crate) fn status_of(called: &Called, status: &str, guest: (&str, &str), more: Value) -> Value {
    let callback = format!("{}.{}", called.id, called.attempt.0);
    let mut fields = json!({
        "id": called.wamid, "status": status, "timestamp": seconds(Utc::now()), "biz_opaque_callback_data": callback,
    });
    let fields_map = fields.as_object_mut().unwrap();
    fields_map.insert(guest.0.to_owned(), json!(guest.1));
    fields_map.extend(more.as_object().unwrap().clone());
    let mut value = head();
    value
        .as_object_mut()
        .unwrap()
        .insert("statuses".to_owned(), json!([fields]));
    json!({ "field": "messages", "value": value })
}

/// A status that names the guest's number.
pub(crate) fn status(called: &Called, status: &str, phone: &str) -> Value {
    status_of(called, status, ("recipient_id", digits(phone)), json!({}))
}

/// A failure with this code.
pub(crate) fn failed(called: &Called, code: i64, phone: &str) -> Value {
    let errors = json!({ "errors": [{ "code": code, "title": "as the test wants it" }] });
    status_of(called, "failed", ("recipient_id", digits(phone)), errors)
}

/// How a guest names themselves in a message.
#[derive(Clone, Copy)]
pub(crate) enum Writer<'a> {
    Number(&'a str),
    /// A user id alone.
    User(&'a str),
}

/// A guest writes this text, with more fields of the message.
pub(crate) fn text_with(writer: Writer<'_>, text: &str, at: DateTime<Utc>, more: Value) -> Value {
    let mut message = json!({
        "id": format!("wamid.{}", Uuid::now_v7().simple()), "timestamp": seconds(at), "type": "text",
        "text": { "body": text },
    });
    let fields = message.as_object_mut().unwrap();
    match writer {
        Writer::Number(phone) => fields.insert("from".to_owned(), json!(digits(phone))),
        Writer::User(user) => fields.insert("from_user_id".to_owned(), json!(user)),
    };
    fields.extend(more.as_object().unwrap().clone());
    let mut value = head();
    value
        .as_object_mut()
        .unwrap()
        .insert("messages".to_owned(), json!([message]));
    json!({ "field": "messages", "value": value })
}

pub(crate) fn text(phone: &str, text: &str) -> Value {
    text_with(Writer::Number(phone), text, Utc::now(), json!({}))
}

/// WhatsApp's own switch for marketing: `stop` or `resume`.
pub(crate) fn preference(phone: &str, choice: &str) -> Value {
    let preference = json!({
        "wa_id": digits(phone), "detail": "as the guest wants it", "category": "marketing_messages", "value": choice,
        "timestamp": Utc::now().timestamp(),
    });
    let mut value = head();
    value
        .as_object_mut()
        .unwrap()
        .insert("user_preferences".to_owned(), json!([preference]));
    json!({ "field": "user_preferences", "value": value })
}

/// A guest changed their number.
pub(crate) fn number_changed(from: &str, to: &str) -> Value {
    let (from, to) = (digits(from), digits(to));
    let system = json!({ "body": "a guest has another number", "wa_id": to, "type": "user_changed_number" });
    let message = json!({
        "from": from, "id": format!("wamid.{}", Uuid::now_v7().simple()), "timestamp": seconds(Utc::now()),
        "type": "system", "system": system,
    });
    let mut value = head();
    value
        .as_object_mut()
        .unwrap()
        .insert("messages".to_owned(), json!([message]));
    json!({ "field": "messages", "value": value })
}

fn head() -> Value {
    json!({ "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "15550100200", "phone_number_id": NUMBER } })
}

pub(crate) fn digits(phone: &str) -> &str {
    phone.trim_start_matches('+')
}

fn seconds(at: DateTime<Utc>) -> String {
    at.timestamp().to_string()
}
