//! Filling a template's parameters in, or the error that Meta answers.

use serde::Serialize;

use crate::graph::GraphError;

use super::{Button, Template, TemplateStatus};

const BODY_MAX: usize = 1024;
const HEADER_MAX: usize = 60;
const URL_MAX: usize = 2000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Positional,
    Named,
}

/// Has a name in a template with named variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub(crate) name: Option<String>,
    pub(crate) text: String,
}

#[derive(Debug, Default)]
pub(crate) struct Parameters {
    pub(crate) header: Vec<Parameter>,
    pub(crate) body: Vec<Parameter>,
    /// The suffix of a URL, by the button's index.
    pub(crate) urls: Vec<(usize, Parameter)>,
    /// The payload of a quick reply, by the button's index.
    pub(crate) replies: Vec<(usize, String)>,
}

/// What the guest sees.
#[derive(Debug, Default)]
pub(crate) struct Filled {
    pub(crate) header: Option<String>,
    pub(crate) body: String,
    pub(crate) footer: Option<String>,
    pub(crate) button_url: Option<String>,
    pub(crate) replies: Vec<QuickReply>,
    /// All buttons in the template's order, with the address and the reply above among them.
    pub(crate) buttons: Vec<Shown>,
}

/// A button as the guest sees it.
#[derive(Debug, Clone)]
pub(crate) enum Shown {
    Link { text: String, url: String },
    Reply(QuickReply),
    Call { text: String, number: String },
}

/// A button that the guest can press.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct QuickReply {
    /// The label; `None`: the template is not known.
    pub(crate) text: Option<String>,
    /// What WhatsApp sends back: without one of the sender's, the label.
    pub(crate) payload: String,
}

impl Template {
    pub(crate) fn fill(&self, given: &Parameters) -> Result<Filled, GraphError> {
        match self.status {
            TemplateStatus::Approved => {}
            // No translation that may be sent exists.
            TemplateStatus::Pending | TemplateStatus::Rejected => return Err(GraphError::new(132_001)),
            TemplateStatus::Paused => return Err(GraphError::new(132_015)),
            TemplateStatus::Disabled => return Err(GraphError::new(132_016)),
        }
        let header = fill(
            "header",
            self.header.as_deref().unwrap_or_default(),
            &given.header,
        )?;
        let body = fill("body", &self.body, &given.body)?;
        if body.chars().count() > BODY_MAX || header.chars().count() > HEADER_MAX {
            return Err(GraphError::because(132_005, "Translated text too long"));
        }
        let (urls, replies) = (self.urls(given)?, self.replies(given)?);
        Ok(Filled {
            header: self.header.is_some().then_some(header),
            body,
            footer: self.footer.clone(),
            button_url: urls.first().cloned(),
            buttons: self.buttons(&urls, &replies),
            replies,
        })
    }

    /// The buttons in their order, from the filled ones of each kind.
    fn buttons(&self, urls: &[String], replies: &[QuickReply]) -> Vec<Shown> {
        let (mut urls, mut replies) = (urls.iter().cloned(), replies.iter().cloned());
        let shown = |button: &Button| match button {
            Button::Url { text, .. } => urls.next().map(|url| Shown::Link {
                text: text.clone(),
                url,
            }),
            Button::QuickReply { .. } => replies.next().map(Shown::Reply),
            Button::PhoneNumber { text, phone_number } => Some(Shown::Call {
                text: text.clone(),
                number: phone_number.clone(),
            }),
        };
        self.buttons.iter().filter_map(shown).collect()
    }

    fn replies(&self, given: &Parameters) -> Result<Vec<QuickReply>, GraphError> {
        let is_reply = |index: usize| matches!(self.buttons.get(index), Some(Button::QuickReply { .. }));
        if let Some((index, _)) = given.replies.iter().find(|(index, _)| !is_reply(*index)) {
            return Err(no_such_button(*index, "quick_reply"));
        }
        let reply = |(index, button): (usize, &Button)| {
            let Button::QuickReply { text } = button else {
                return None;
            };
            let own = given.replies.iter().find(|(of, _)| *of == index);
            Some(QuickReply {
                text: Some(text.clone()),
                payload: own.map_or(text, |(_, payload)| payload).clone(),
            })
        };
        Ok(self.buttons.iter().enumerate().filter_map(reply).collect())
    }

    /// The address of every button with one.
    fn urls(&self, given: &Parameters) -> Result<Vec<String>, GraphError> {
        if let Some((index, _)) = given
            .urls
            .iter()
            .find(|(index, _)| !matches!(self.buttons.get(*index), Some(Button::Url { .. })))
        {
            return Err(no_such_button(*index, "url"));
        }
        let mut all = Vec::new();
        for (index, button) in self.buttons.iter().enumerate() {
            let Button::Url { url, .. } = button else { continue };
            let mut suffixes = given
                .urls
                .iter()
                .filter(|(of, _)| *of == index)
                .map(|(_, parameter)| parameter);
            let url = full_url(index, url, suffixes.next())?;
            if suffixes.next().is_some() {
                return Err(GraphError::because(
                    132_000,
                    format!("buttons: Button at index {index} takes one parameter"),
                ));
            }
            all.push(url);
        }
        Ok(all)
    }
}

fn full_url(index: usize, url: &str, suffix: Option<&Parameter>) -> Result<String, GraphError> {
    let variables = variables(url);
    match (variables.first(), suffix) {
        (None, None) => Ok(url.to_owned()),
        (None, Some(_)) => Err(GraphError::because(
            132_000,
            format!("buttons: Button at index {index} of type Url takes no parameter"),
        )),
        (Some(_), None) => Err(GraphError::because(
            131_008,
            format!("buttons: Button at index {index} of type Url requires a parameter"),
        )),
        (Some(variable), Some(suffix)) => {
            let full = url.replace(&format!("{{{{{variable}}}}}"), &suffix.text);
            if suffix.text.chars().any(must_be_encoded) || full.chars().count() > URL_MAX {
                let details = format!("buttons: the URL of the button at index {index} is not valid");
                return Err(GraphError::because(131_009, details));
            }
            Ok(full)
        }
    }
}

/// Characters that a URL's suffix may only hold percent-encoded.
fn must_be_encoded(c: char) -> bool {
    !c.is_ascii_graphic() || matches!(c, ':' | '|')
}

fn no_such_button(index: usize, kind: &str) -> GraphError {
    GraphError::because(
        131_009,
        format!("components: there is no button of type {kind} at index {index}"),
    )
}

/// The variables of a text, without their braces, each once.
pub(super) fn variables(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for part in text.split("{{").skip(1) {
        if let Some((name, _)) = part.split_once("}}")
            && !found.contains(&name)
        {
            found.push(name);
        }
    }
    found
}

/// `None` without variables, or with a mixture of both forms.
pub(super) fn form(text: &str) -> Option<Form> {
    let variables = variables(text);
    let numbers = variables
        .iter()
        .filter(|name| name.parse::<u16>().is_ok())
        .count();
    match numbers {
        _ if variables.is_empty() => None,
        0 => Some(Form::Named),
        count if count == variables.len() => Some(Form::Positional),
        _ => None,
    }
}

fn fill(part: &str, text: &str, given: &[Parameter]) -> Result<String, GraphError> {
    let expected = variables(text);
    if expected.len() != given.len() {
        let details = format!(
            "{part}: number of localizable_params ({}) does not match the expected number of params ({})",
            given.len(),
            expected.len()
        );
        return Err(GraphError::because(132_000, details));
    }
    let named = form(text) == Some(Form::Named);
    let mut filled = String::with_capacity(text.len());
    for (index, piece) in text.split("{{").enumerate() {
        let Some((variable, rest)) = piece.split_once("}}").filter(|_| index > 0) else {
            filled.push_str(piece);
            continue;
        };
        let parameter = match variable.parse::<usize>() {
            Ok(number) => given
                .get(number.wrapping_sub(1))
                .filter(|parameter| parameter.name.is_none()),
            Err(_) => given
                .iter()
                .find(|parameter| parameter.name.as_deref() == Some(variable)),
        };
        let Some(parameter) = parameter else {
            let details = if named {
                "parameter_name does not match the template"
            } else {
                "the template has positional parameters"
            };
            return Err(GraphError::because(132_012, format!("{part}: {details}")));
        };
        filled.push_str(&parameter.text);
        filled.push_str(rest);
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(texts: &[(Option<&str>, &str)]) -> Vec<Parameter> {
        let own = |(name, text): &(Option<&str>, &str)| Parameter {
            name: name.map(str::to_owned),
            text: (*text).to_owned(),
        };
        texts.iter().map(own).collect()
    }

    fn code(result: Result<String, GraphError>) -> i64 {
        result.unwrap_err().code
    }

    #[test]
    fn parameters_replace_their_variables() {
        let positional = fill(
            "body",
            "Hi {{1}} of {{2}}, {{1}}!",
            &parameters(&[(None, "Ada"), (None, "A{{1}}")]),
        );
        let named = fill(
            "body",
            "Hi {{first_name}}!",
            &parameters(&[(Some("first_name"), "Ada")]),
        );

        assert_eq!(positional.unwrap(), "Hi Ada of A{{1}}, Ada!");
        assert_eq!(named.unwrap(), "Hi Ada!");
    }

    #[test]
    fn parameters_that_do_not_fit_are_refused() {
        assert_eq!(code(fill("body", "Hi {{1}}!", &[])), 132_000);
        assert_eq!(code(fill("body", "Hi!", &parameters(&[(None, "Ada")]))), 132_000);
        assert_eq!(
            code(fill(
                "body",
                "Hi {{1}}!",
                &parameters(&[(Some("first_name"), "Ada")])
            )),
            132_012
        );
        for (part, text) in [("body", "Hi {{first_name}}!"), ("header", "{{place}}")] {
            assert_eq!(code(fill(part, text, &parameters(&[(None, "Ada")]))), 132_012);
            assert_eq!(
                code(fill(part, text, &parameters(&[(Some("other"), "Ada")]))),
                132_012
            );
        }
        assert_eq!(
            code(fill(
                "header",
                "{{1}}",
                &parameters(&[(Some("place"), "Azure Bay")])
            )),
            132_012
        );
    }

    #[test]
    fn what_follows_a_url_must_be_percent_encoded() {
        let suffix = |text: &str| parameters(&[(None, text)]).pop();
        let url = |text: &str| full_url(0, "https://book.example/{{1}}", suffix(text).as_ref());

        assert_eq!(url("r/BK%201?k=1").unwrap(), "https://book.example/r/BK%201?k=1");
        for wrong in ["r/BK 1", "r/é", "a:b", "a|b", &"x".repeat(2000)] {
            assert_eq!(url(wrong).unwrap_err().code, 131_009);
        }
        assert_eq!(
            full_url(0, "https://book.example/{{1}}", None).unwrap_err().code,
            131_008
        );
        assert_eq!(
            full_url(0, "https://book.example/", suffix("x").as_ref())
                .unwrap_err()
                .code,
            132_000
        );
    }
}
