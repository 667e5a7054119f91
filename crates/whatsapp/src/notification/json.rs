//! Reads single members of foreign JSON. A member that is missing or malformed is `None`.

use chrono::{DateTime, Utc};
use domain::ids::{NumberId, WhatsAppMessageId};
use domain::phone_number::PhoneNumber;
use serde_json::Value;

/// The greatest length of names, codes and titles, in characters.
pub(super) const SHORT: usize = 256;
/// WhatsApp's own limit of a text message.
pub(super) const TEXT: usize = 4_096;
/// Times from then on are nonsense.
const YEAR_2100: i64 = 4_102_444_800;

/// A name, code or title without control characters. Numbers count as text.
pub(crate) fn short(object: &Value, key: &str) -> Option<String> {
    let text = match object.get(key)? {
        Value::String(text) => clip(text, SHORT),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(text.replace(char::is_control, " ")).filter(|text| !text.is_empty())
}

/// A text that a guest wrote, unchanged.
pub(super) fn text(object: &Value, pointer: &str) -> Option<String> {
    Some(clip(object.pointer(pointer)?.as_str()?, TEXT))
}

pub(super) fn clip(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}

/// Seconds since 1970, as a number or a text.
pub(crate) fn instant(object: &Value, key: &str) -> Option<DateTime<Utc>> {
    let seconds = crate::answer::integer(object.get(key)?)?;
    if !(0..YEAR_2100).contains(&seconds) {
        return None;
    }
    DateTime::from_timestamp(seconds, 0)
}

pub(super) fn phone(object: &Value, key: &str) -> Option<PhoneNumber> {
    PhoneNumber::from_whatsapp(&short(object, key)?).ok()
}

pub(super) fn message_id(object: &Value, pointer: &str) -> Option<WhatsAppMessageId> {
    WhatsAppMessageId::parse(object.pointer(pointer)?.as_str()?).ok()
}

/// The business number that a change is about.
pub(super) fn number(value: &Value) -> Option<NumberId> {
    NumberId::parse(&short(value.get("metadata")?, "phone_number_id")?).ok()
}
