//! The list of contacts beside an update, which may name its guest otherwise than the update itself.

use domain::phone_number::PhoneNumber;
use serde_json::Value;

use super::json;

/// A guest as the list of contacts beside an update names them.
#[derive(Default)]
pub(super) struct Contact {
    pub(super) user: Option<String>,
    pub(super) number: Option<PhoneNumber>,
}

/// The contact that the update speaks of: the one with its number or its user id, else the only one. Of several others
/// it is not known whose they are.
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
