//! Templates as they are submitted to Meta, the body of `POST /{account}/message_templates`.

use serde::Deserialize;
use serde_json::Value;

use super::fill::{self, Form};
use super::{Button, Category, Template, TemplateStatus};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Submission {
    name: String,
    language: String,
    category: Category,
    #[serde(default)]
    parameter_format: Format,
    #[serde(default)]
    message_send_ttl_seconds: Option<i64>,
    components: Vec<Component>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
enum Format {
    #[default]
    #[serde(alias = "POSITIONAL", alias = "positional")]
    Positional,
    #[serde(alias = "NAMED", alias = "named")]
    Named,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "UPPERCASE", deny_unknown_fields)]
enum Component {
    Header {
        format: HeaderFormat,
        text: String,
        #[serde(default)]
        example: Option<Value>,
    },
    Body {
        text: String,
        #[serde(default)]
        example: Option<Value>,
    },
    Footer {
        text: String,
    },
    Buttons {
        buttons: Vec<SubmittedButton>,
    },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum HeaderFormat {
    Text,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
enum SubmittedButton {
    Url {
        text: String,
        url: String,
        #[serde(default)]
        example: Vec<String>,
    },
    QuickReply {
        text: String,
    },
    PhoneNumber {
        text: String,
        phone_number: String,
    },
}

/// The template, approved, and what Meta would refuse of the form that it was submitted in.
pub(super) fn read(json: Value) -> Result<(Template, Vec<String>), serde_json::Error> {
    let submission: Submission = serde_json::from_value(json)?;
    let mut template = Template {
        name: submission.name,
        language: submission.language,
        category: submission.category,
        header: None,
        body: String::new(),
        footer: None,
        buttons: Vec::new(),
        status: TemplateStatus::Approved,
        message_send_ttl_seconds: submission.message_send_ttl_seconds,
    };
    let mut mistakes = Vec::new();
    for component in submission.components {
        let (is_first, is_well_formed) = match component {
            Component::Header {
                format,
                text,
                example,
            } => {
                let HeaderFormat::Text = format;
                let has_examples = has_examples(
                    &text,
                    "header_text",
                    example.as_ref(),
                    submission.parameter_format,
                );
                (template.header.replace(text).is_none(), has_examples)
            }
            Component::Body { text, example } => {
                let has_examples =
                    has_examples(&text, "body_text", example.as_ref(), submission.parameter_format);
                let before = std::mem::replace(&mut template.body, text);
                (before.is_empty(), has_examples)
            }
            Component::Footer { text } => (template.footer.replace(text).is_none(), true),
            Component::Buttons { buttons } => {
                let have_examples = buttons.iter().all(SubmittedButton::has_examples);
                let before = std::mem::replace(
                    &mut template.buttons,
                    buttons.into_iter().map(Button::from).collect(),
                );
                (before.is_empty(), have_examples)
            }
        };
        if !is_first {
            mistakes.push("each type of component is there once".to_owned());
        }
        if !is_well_formed {
            mistakes.push("every variable has an example, in the form of parameter_format".to_owned());
        }
    }
    Ok((template, mistakes))
}

/// Meta refuses variables without examples. They are `"body_text": [["Ada"]]`, `"header_text": ["Ada"]`, or, for named
/// ones, `"body_text_named_params": [{ "param_name": "first_name", "example": "Ada" }]`.
fn has_examples(text: &str, key: &str, example: Option<&Value>, format: Format) -> bool {
    let variables = fill::variables(text);
    let filled = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    match (fill::form(text), format) {
        (None, _) => variables.is_empty(),
        (Some(Form::Positional), Format::Positional) => {
            let given = example.and_then(|example| example.get(key));
            let given = if key == "body_text" {
                given.and_then(|rows| rows.get(0))
            } else {
                given
            };
            let given = given.and_then(Value::as_array);
            given.is_some_and(|given| given.len() == variables.len() && given.iter().all(filled))
        }
        (Some(Form::Named), Format::Named) => {
            let given = example.and_then(|example| example.get(format!("{key}_named_params")));
            let given = given
                .and_then(Value::as_array)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let has_one = |name: &&str| {
                let of_it = given
                    .iter()
                    .find(|one| one.get("param_name").and_then(Value::as_str) == Some(name));
                of_it.and_then(|one| one.get("example")).is_some_and(filled)
            };
            given.len() == variables.len() && variables.iter().all(has_one)
        }
        _ => false,
    }
}

impl SubmittedButton {
    fn has_examples(&self) -> bool {
        match self {
            Self::Url { url, example, .. } => fill::variables(url).len() == example.len(),
            Self::QuickReply { .. } | Self::PhoneNumber { .. } => true,
        }
    }
}

impl From<SubmittedButton> for Button {
    fn from(button: SubmittedButton) -> Self {
        match button {
            SubmittedButton::Url { text, url, .. } => Self::Url { text, url },
            SubmittedButton::QuickReply { text } => Self::QuickReply { text },
            SubmittedButton::PhoneNumber { text, phone_number } => Self::PhoneNumber { text, phone_number },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::templates::Templates;

    /// In the shape of the example on Meta's page "Utility templates".
    fn published() -> Value {
        json!({ "name": "reservation_confirmation", "language": "en_US", "category": "UTILITY",
                "parameter_format": "named", "components": [
            { "type": "HEADER", "format": "TEXT", "text": "Your stay" },
            { "type": "BODY", "text": "You are confirmed, {{first_name}}. Order {{order_id}} is ready.",
              "example": { "body_text_named_params": [
                { "param_name": "first_name", "example": "Ada" }, { "param_name": "order_id", "example": "1" }] } },
            { "type": "FOOTER", "text": "Lucky Shrub" },
            { "type": "BUTTONS", "buttons": [
                { "type": "URL", "text": "Change", "url": "https://book.example/{{1}}", "example": ["https://book.example/1"] },
                { "type": "QUICK_REPLY", "text": "Cancel" }] }]})
    }

    fn check(change: impl FnOnce(&mut Value), expected: &str) {
        let mut submitted = published();
        change(&mut submitted);

        let result = Templates::parse(&json!([submitted]).to_string());

        let said = result
            .map(|_| String::new())
            .unwrap_or_else(|error| error.to_string());
        assert!(
            said.contains(expected) && said.is_empty() == expected.is_empty(),
            "{said}"
        );
    }

    #[test]
    fn what_is_submitted_to_meta_is_read_as_a_template() {
        let (template, mistakes) = read(published()).unwrap();

        assert_eq!(mistakes, [""; 0]);
        assert_eq!(template.header.as_deref(), Some("Your stay"));
        assert!(template.body.starts_with("You are confirmed"));
        assert_eq!(
            (template.buttons.len(), template.status),
            (2, TemplateStatus::Approved)
        );
        check(|_| {}, "");
    }

    #[test]
    fn a_submission_needs_examples_for_its_variables_and_each_component_once() {
        check(|it| it["components"][1]["example"] = json!({}), "has an example");
        check(
            |it| it["components"][1]["example"]["body_text_named_params"][1]["example"] = json!(""),
            "has an example",
        );
        check(
            |it| it["parameter_format"] = json!("POSITIONAL"),
            "has an example",
        );
        check(
            |it| it["components"][3]["buttons"][0]["example"] = json!([]),
            "has an example",
        );
        check(
            |it| {
                it["parameter_format"] = json!("POSITIONAL");
                it["components"][1] =
                    json!({ "type": "BODY", "text": "Hi {{1}}!", "example": { "body_text": [["Ada"]] } });
            },
            "",
        );
        check(
            |it| it["components"][2] = json!({ "type": "HEADER", "format": "TEXT", "text": "Twice" }),
            "there once",
        );
        check(|it| it["components"] = json!([]), "1 to 1024");
        check(
            |it| it["components"][0]["format"] = json!("IMAGE"),
            "template 1 of the list",
        );
    }
}
