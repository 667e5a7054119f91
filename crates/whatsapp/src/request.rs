//! The body of a request that sends one message.

use std::fmt;

use domain::endpoint::Endpoint;
use domain::message::CallbackData;
use domain::phone_number::PhoneNumber;
use domain::render::{Content, Parameters};
use domain::trace::TraceContext;
use serde_json::{Value, json};

/// A message to be sent.
///
/// Personal data: `Debug` shows the callback data only.
#[derive(Clone)]
pub struct Outgoing {
    pub to: PhoneNumber,
    /// Each status of the message carries it back.
    pub callback: CallbackData,
    pub content: Content,
    /// [`Endpoint::MarketingMessages`] refuses what is not a marketing template.
    pub endpoint: Endpoint,
    /// The span of the call: the header `traceparent`.
    pub trace: Option<TraceContext>,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("callback", &self.callback)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl Outgoing {
    /// The body in WhatsApp's format.
    ///
    /// The number keeps its `+`: without it WhatsApp would prepend the country code of the business number.
    pub fn to_json(&self) -> Value {
        let mut body = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": self.to.reveal(),
            "biz_opaque_callback_data": self.callback.to_string(),
        });
        if self.endpoint == Endpoint::MarketingMessages {
            // Where Meta cannot optimise the delivery, the message goes as it would by the ordinary endpoint.
            insert(&mut body, "product_policy", "CLOUD_API_FALLBACK".into());
        }
        let (kind, content) = match &self.content {
            // No link preview: to make one, WhatsApp would open the guest's own link.
            Content::Text(text) => ("text", json!({ "body": text })),
            Content::Template {
                name,
                language_code,
                header,
                body,
                button_url,
                replies,
            } => {
                let components = components(header, body, button_url.as_deref(), replies);
                ("template", template(name, language_code, components))
            }
        };
        insert(&mut body, "type", kind.into());
        insert(&mut body, kind, content);
        body
    }
}

fn template(name: &str, language_code: &str, components: Vec<Value>) -> Value {
    let mut template = json!({ "name": name, "language": { "code": language_code } });
    if !components.is_empty() {
        insert(&mut template, "components", components.into());
    }
    template
}

fn components(
    header: &Parameters,
    body: &Parameters,
    button_url: Option<&str>,
    replies: &[String],
) -> Vec<Value> {
    let first_reply = usize::from(button_url.is_some());
    let reply = |(place, payload): (usize, &String)| quick_reply(first_reply + place, payload);
    [
        component("header", header),
        component("body", body),
        button_url.map(url_button),
    ]
    .into_iter()
    .flatten()
    .chain(replies.iter().enumerate().map(reply))
    .collect()
}

fn component(kind: &str, parameters: &Parameters) -> Option<Value> {
    let parameters: Vec<Value> = match parameters {
        Parameters::Positional(values) => values.iter().map(|text| parameter(text)).collect(),
        Parameters::Named(values) => values
            .iter()
            .map(|(name, text)| named_parameter(name, text))
            .collect(),
    };
    (!parameters.is_empty()).then(|| json!({ "type": kind, "parameters": parameters }))
}

/// The text after the approved URL of the template's first button; it is percent-encoded already.
fn url_button(suffix: &str) -> Value {
    json!({ "type": "button", "sub_type": "url", "index": "0", "parameters": [parameter(suffix)] })
}

/// What the button at this place of the template sends back; at most 256 characters.
fn quick_reply(index: usize, payload: &str) -> Value {
    json!({
        "type": "button",
        "sub_type": "quick_reply",
        "index": index.to_string(),
        "parameters": [{ "type": "payload", "payload": payload }],
    })
}

fn parameter(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn named_parameter(name: &str, text: &str) -> Value {
    json!({ "type": "text", "parameter_name": name, "text": text })
}

fn insert(object: &mut Value, key: &str, value: Value) {
    if let Value::Object(members) = object {
        members.insert(key.to_owned(), value);
    }
}
