//! The list of contacts beside an update, which may name its guest differently from the update itself.

use domain::phone_number::PhoneNumber;
use serde_json::Value;

use super::json;

#[derive(Default)]
pub(super) struct Contact {
    pub(super) user: Option<String>,
    pub(super) number: Option<PhoneNumber>,
}

/// The contact that belongs to an update: the one with its number or its user id, else the only one. Several others
/// cannot be assigned.
pub(super) fn contact(value: &Value, number: Option<&str>, user: Option<&str>) -> Option<Contact> {
    let contacts = value.get("contacts")?.as_array()?;
    let is = |contact: &&Value, key: &str, text: Option<&str>| {
        text.is_some() && json::short(contact, key).as_deref() == text
    };
    let named = contacts
        .iter()
        .find(|contact| is(contact, "wa_id", number) || is(contact, "user_id", user));
    let found = match (named, contacts.as_slice()) {
        (Some(named), _) => named,
        (None, [only]) => only,
        _ => return None,
    };
    Some(Contact {
        user: json::short(found, "user_id"),
        number: json::phone(found, "wa_id"),
    })
}
