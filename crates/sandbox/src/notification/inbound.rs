//! What guests do: they write, press buttons, change their number, stop marketing.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{GUEST, contact, head, seconds};
use crate::clock::Millis;
use crate::graph::DISPLAY_NUMBER;
use crate::request::Recipient;

/// What `POST /sandbox/inbound` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inbound {
    /// The guest's phone number.
    pub(crate) from: String,
    /// The number written to; the one that last wrote to the guest where it is left out.
    #[serde(default)]
    pub(crate) phone_number_id: Option<String>,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) text: Option<String>,
    /// A template's quick reply that is pressed.
    #[serde(default)]
    pub(crate) button: Option<Button>,
    /// The guest's new number.
    #[serde(default)]
    pub(crate) changed_number_to: Option<String>,
    /// Something that the Cloud API cannot show.
    #[serde(default)]
    pub(crate) unsupported: bool,
    /// `stop` or `resume` of marketing messages.
    #[serde(default)]
    pub(crate) marketing: Option<Marketing>,
    /// How often the notification comes.
    #[serde(default)]
    pub(crate) copies: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Button {
    payload: String,
    text: String,
    /// The message that the button belongs to.
    #[serde(default)]
    wamid: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Marketing {
    Stop,
    Resume,
}

impl Inbound {
    /// Whether it says exactly one thing.
    pub(crate) fn says_one_thing(&self) -> bool {
        let things = [
            self.text.is_some(),
            self.button.is_some(),
            self.changed_number_to.is_some(),
            self.unsupported,
            self.marketing.is_some(),
        ];
        things.into_iter().filter(|thing| *thing).count() == 1
    }

    /// The notification's change. Preferences and changes of number are no messages of the guest.
    pub(crate) fn change(&self, number: &str, digits: &str, wamid: &str, at: Millis) -> Value {
        let recipient = Recipient::Phone {
            digits: digits.to_owned(),
            input: String::new(),
        };
        let mut value = head(number);
        let name = self.name.as_deref().unwrap_or(GUEST);
        if self.changed_number_to.is_none() {
            value.insert(
                "contacts".to_owned(),
                json!([contact(name, Some(digits), &recipient.user_id())]),
            );
        }
        if let Some(wanted) = self.marketing {
            let verb = if wanted == Marketing::Stop {
                "stop"
            } else {
                "resume"
            };
            value.insert(
                "user_preferences".to_owned(),
                json!([{
                    "wa_id": digits, "detail": format!("User requested to {verb} marketing messages"),
                    "category": "marketing_messages", "value": verb, "timestamp": at / 1000,
                }]),
            );
            return json!({ "value": value, "field": "user_preferences" });
        }
        let mut message = Map::new();
        message.insert("from".to_owned(), json!(digits));
        message.insert("id".to_owned(), json!(wamid));
        message.insert("timestamp".to_owned(), json!(seconds(at)));
        self.content(&mut message, digits);
        value.insert("messages".to_owned(), json!([message]));
        json!({ "value": value, "field": "messages" })
    }

    fn content(&self, message: &mut Map<String, Value>, digits: &str) {
        let (kind, content) = if let Some(button) = &self.button {
            if let Some(wamid) = &button.wamid {
                message.insert(
                    "context".to_owned(),
                    json!({ "from": DISPLAY_NUMBER, "id": wamid }),
                );
            }
            (
                "button",
                json!({ "payload": button.payload, "text": button.text }),
            )
        } else if let Some(new) = &self.changed_number_to {
            let new = new.trim_start_matches('+');
            let body = format!("User {GUEST} changed from {digits} to {new}");
            (
                "system",
                json!({ "body": body, "wa_id": new, "type": "user_changed_number" }),
            )
        } else if self.unsupported {
            let details = json!({ "details": "Message type is currently not supported." });
            let error = json!({
                "code": 131_051, "title": "Message type unknown", "message": "Message type unknown", "error_data": details,
            });
            message.insert("errors".to_owned(), json!([error]));
            message.insert("type".to_owned(), json!("unsupported"));
            return;
        } else {
            (
                "text",
                json!({ "body": self.text.as_deref().unwrap_or_default() }),
            )
        };
        message.insert("type".to_owned(), json!(kind));
        message.insert(kind.to_owned(), content);
    }
}
