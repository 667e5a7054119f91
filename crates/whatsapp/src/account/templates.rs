//! The templates of a business account, as WhatsApp lists them.

use domain::approved_template::{ApprovedTemplate, Button, Header, variables_of};
use domain::template_text::{ButtonText, TemplateText};
use serde_json::Value;

use super::list;
use crate::answer::integer;
use crate::notification::json::short;

/// The fields of a template. All of them are older than v23.0.
pub(crate) const FIELDS: &str =
    "name,language,category,status,components,parameter_format,message_send_ttl_seconds";

pub(crate) struct Page {
    pub(crate) templates: Vec<ApprovedTemplate>,
    /// The cursor of the next page; `None`: this is the last one.
    pub(crate) next: Option<String>,
}

pub(crate) fn page(json: &Value) -> Option<Page> {
    let templates = json.get("data")?.as_array()?.iter().filter_map(template);
    let cursor = json
        .pointer("/paging/cursors")
        .and_then(|cursors| short(cursors, "after"));
    // The last page has a cursor too, but no address of a next one.
    let has_next = json.pointer("/paging/next").is_some_and(Value::is_string);
    Some(Page {
        templates: templates.collect(),
        next: cursor.filter(|_| has_next),
    })
}

/// `None`: it has no name or no language, so no message can name it.
fn template(json: &Value) -> Option<ApprovedTemplate> {
    let upper = |key| short(json, key).unwrap_or_default().to_ascii_uppercase();
    let mut found = ApprovedTemplate {
        name: short(json, "name")?,
        language_code: short(json, "language")?,
        status: upper("status"),
        category: upper("category"),
        header: Header::None,
        body: variables_of(""),
        buttons: Vec::new(),
        other_components: Vec::new(),
        time_to_live: json.get("message_send_ttl_seconds").and_then(integer),
        text: TemplateText::default(),
    };
    for component in list(json, "components") {
        let text = || component.get("text").and_then(Value::as_str).unwrap_or_default();
        match kind(component).as_str() {
            "HEADER" => {
                found.header = header(component, text());
                found.text.header = matches!(found.header, Header::Text(_)).then(|| text().to_owned());
            }
            "BODY" => {
                found.body = variables_of(text());
                text().clone_into(&mut found.text.body);
            }
            "FOOTER" => found.text.footer = Some(text().to_owned()),
            "BUTTONS" => {
                found.buttons = list(component, "buttons").map(button).collect();
                found.text.buttons = list(component, "buttons").map(button_text).collect();
            }
            other => found.other_components.push(other.to_owned()),
        }
    }
    Some(found)
}

fn header(component: &Value, text: &str) -> Header {
    let format = short(component, "format")
        .unwrap_or_default()
        .to_ascii_uppercase();
    match format.as_str() {
        "TEXT" | "" => Header::Text(variables_of(text)),
        _ => Header::Media(format),
    }
}

fn button(button: &Value) -> Button {
    let url = || button.get("url").and_then(Value::as_str).unwrap_or_default();
    match kind(button).as_str() {
        "URL" => Button::Url {
            has_variable: !variables_of(url()).is_empty(),
        },
        // Without a payload of ours, WhatsApp answers a quick reply with its text.
        "QUICK_REPLY" => Button::QuickReply,
        "PHONE_NUMBER" | "VOICE_CALL" | "CALL_PERMISSION_REQUEST" => Button::Plain,
        other => Button::NeedsParameter(other.to_owned()),
    }
}

fn button_text(button: &Value) -> ButtonText {
    let text = |key| button.get(key).and_then(Value::as_str).map(str::to_owned);
    ButtonText {
        label: text("text").unwrap_or_default(),
        url: text("url"),
    }
}

/// Meta writes types in upper case in answers and in lower case in requests.
fn kind(object: &Value) -> String {
    short(object, "type").unwrap_or_default().to_ascii_uppercase()
}

#[cfg(test)]
mod tests;
