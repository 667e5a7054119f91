//! Guests' actions: a text, a file, a pressed button, a change of number, an opt-out from marketing.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{GUEST, contact, head, seconds};
use crate::clock::Millis;
use crate::graph::DISPLAY_NUMBER;
use crate::media::Sent;
use crate::request::Recipient;

/// The body of `POST /sandbox/inbound`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inbound {
    /// The guest's phone number.
    pub(crate) from: String,
    /// The business number; by default the one that last wrote to the guest.
    #[serde(default)]
    pub(crate) phone_number_id: Option<String>,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) text: Option<String>,
    /// A file, perhaps with a caption.
    #[serde(default)]
    pub(crate) media: Option<Sent>,
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
    /// The id of our message that the guest answers.
    #[serde(default)]
    pub(crate) answers: Option<String>,
    /// The guest has a user name: the notification contains their user id and no number.
    #[serde(default)]
    pub(crate) without_phone: bool,
    #[serde(default)]
    pub(crate) group: Option<String>,
    /// How often the notification is sent.
    #[serde(default)]
    pub(crate) copies: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Button {
    pub(crate) payload: String,
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) wamid: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Marketing {
    Stop,
    Resume,
}

impl Inbound {
    /// A message to us opens the window; one in a group or a change of number does not.
    pub(crate) fn is_to_us(&self) -> bool {
        self.changed_number_to.is_none() && self.group.is_none()
    }

    pub(crate) fn says_one_thing(&self) -> bool {
        let things = [
            self.text.is_some(),
            self.media.is_some(),
            self.button.is_some(),
            self.changed_number_to.is_some(),
            self.unsupported,
            self.marketing.is_some(),
        ];
        things.into_iter().filter(|thing| *thing).count() == 1
    }

    /// What the guest's own phone shows of it.
    pub(crate) fn shown(&self) -> String {
        if let Some(sent) = &self.media {
            let caption = sent.caption.clone();
            return caption.unwrap_or_else(|| format!("({})", sent.kind.as_str()));
        }
        match (&self.text, &self.button, self.marketing) {
            (Some(text), _, _) => text.clone(),
            (_, Some(button), _) => button.text.clone(),
            (_, _, Some(Marketing::Stop)) => "You stopped offers from this business".to_owned(),
            (_, _, Some(Marketing::Resume)) => "You resumed offers from this business".to_owned(),
            _ => "A message of a kind that WhatsApp does not forward".to_owned(),
        }
    }

    /// The id of our message that it answers.
    pub(crate) fn answered(&self) -> Option<&str> {
        let tapped = self.button.as_ref().and_then(|button| button.wamid.as_deref());
        tapped.or(self.answers.as_deref())
    }

    /// The notification's change. `digits` is the number as people dial it, `spelling` as WhatsApp writes it;
    /// `file` the id of the file that is sent.
    pub(crate) fn change(
        &self,
        number: &str,
        (digits, spelling): (&str, &str),
        (wamid, file): (&str, Option<&str>),
        at: Millis,
    ) -> Value {
        let recipient = Recipient::Phone {
            digits: digits.to_owned(),
            input: String::new(),
        };
        let mut value = head(number);
        let name = self.name.as_deref().unwrap_or(GUEST);
        if self.changed_number_to.is_none() {
            value.insert(
                "contacts".to_owned(),
                json!([contact(
                    name,
                    (!self.without_phone).then_some(spelling),
                    &recipient.user_id()
                )]),
            );
        }
        if let Some(wanted) = self.marketing {
            let preference = self.preference(wanted, spelling, at);
            value.insert("user_preferences".to_owned(), json!([preference]));
            return json!({ "value": value, "field": "user_preferences" });
        }
        let mut message = Map::new();
        if self.without_phone {
            message.insert("from_user_id".to_owned(), json!(recipient.user_id()));
        } else {
            message.insert("from".to_owned(), json!(spelling));
        }
        if let Some(group) = &self.group {
            message.insert("group_id".to_owned(), json!(group));
        }
        if let Some(answered) = &self.answers {
            message.insert(
                "context".to_owned(),
                json!({ "from": DISPLAY_NUMBER, "id": answered }),
            );
        }
        message.insert("id".to_owned(), json!(wamid));
        message.insert("timestamp".to_owned(), json!(seconds(at)));
        self.content(&mut message, spelling, file.unwrap_or_default());
        value.insert("messages".to_owned(), json!([message]));
        json!({ "value": value, "field": "messages" })
    }

    fn preference(&self, wanted: Marketing, spelling: &str, at: Millis) -> Value {
        let verb = match wanted {
            Marketing::Stop => "stop",
            Marketing::Resume => "resume",
        };
        let mut preference = json!({
            "wa_id": spelling, "detail": format!("User requested to {verb} marketing messages"),
            "category": "marketing_messages", "value": verb, "timestamp": at / 1000,
        });
        if let Some(fields) = preference.as_object_mut().filter(|_| self.without_phone) {
            fields.remove("wa_id");
        }
        preference
    }

    fn content(&self, message: &mut Map<String, Value>, digits: &str, file: &str) {
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
        } else if let Some(sent) = &self.media {
            (sent.kind.as_str(), sent.content(file))
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
