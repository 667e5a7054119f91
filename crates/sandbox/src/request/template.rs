//! The components of a template message.

use serde_json::Value;

use super::fields::Fields;
use super::invalid;
use crate::graph::GraphError;
use crate::templates::{Filled, Parameter, Parameters, QuickReply, Shown};

const PAYLOAD_MAX: usize = 256;

pub(super) fn parameters(components: &[Value]) -> Result<Parameters, GraphError> {
    let mut given = Parameters::default();
    for component in components {
        let component = Fields::of(component, "components")?;
        component.allow_only(&["type", "sub_type", "index", "parameters"])?;
        let list = component.list("parameters")?;
        match component.text("type")?.to_ascii_lowercase().as_str() {
            "header" => given.header = texts(list)?,
            "body" => given.body = texts(list)?,
            "button" => button(&component, list, &mut given)?,
            _ => {
                return Err(invalid(
                    "Param components['type'] must be one of {HEADER, BODY, BUTTON}",
                ));
            }
        }
    }
    Ok(given)
}

/// What the guest sees of a template whose text is unknown.
pub(super) fn unfilled(name: &str, given: &Parameters) -> Filled {
    let mut texts = vec![format!("[{name}]")];
    texts.extend(given.body.iter().map(|parameter| parameter.text.clone()));
    let replies: Vec<_> = given
        .replies
        .iter()
        .map(|(_, payload)| QuickReply {
            text: None,
            payload: payload.clone(),
        })
        .collect();
    Filled {
        header: given.header.first().map(|parameter| parameter.text.clone()),
        body: texts.join(" "),
        footer: None,
        button_url: given.urls.first().map(|(_, parameter)| parameter.text.clone()),
        // The address of a link would be a template's, which is not known.
        buttons: replies.iter().cloned().map(Shown::Reply).collect(),
        replies,
    }
}

fn button(component: &Fields<'_>, list: &[Value], given: &mut Parameters) -> Result<(), GraphError> {
    let index = match component.get("index") {
        Some(Value::String(text)) => text.parse().ok(),
        Some(Value::Number(number)) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
        _ => None,
    };
    let index = index.ok_or_else(|| invalid("Param components['index'] must be the number of a button."))?;
    match component.text("sub_type")?.to_ascii_lowercase().as_str() {
        "url" => given
            .urls
            .extend(texts(list)?.into_iter().map(|parameter| (index, parameter))),
        "quick_reply" => {
            for parameter in list {
                let payload = Fields::of(parameter, "parameters")?.text("payload")?;
                if payload.chars().count() > PAYLOAD_MAX {
                    return Err(invalid("Param payload must be at most 256 characters long."));
                }
                given.replies.push((index, payload.to_owned()));
            }
        }
        _ => {
            return Err(GraphError::because(
                132_012,
                "buttons: the sub_type does not fit the template",
            ));
        }
    }
    Ok(())
}

fn texts(list: &[Value]) -> Result<Vec<Parameter>, GraphError> {
    list.iter().map(text).collect()
}

/// A text parameter; other kinds do not fit the templates that the sandbox knows.
fn text(parameter: &Value) -> Result<Parameter, GraphError> {
    let fields = Fields::of(parameter, "parameters")?;
    if fields.text("type")? != "text" {
        return Err(GraphError::because(132_012, "Format mismatch, expected TEXT"));
    }
    fields.allow_only(&["type", "text", "parameter_name"])?;
    let text = fields.text("text")?;
    if text.contains(['\n', '\r', '\t']) || text.contains("     ") {
        return Err(invalid(
            "Param text cannot have new-line/tab characters or more than 4 consecutive spaces",
        ));
    }
    Ok(Parameter {
        name: fields.optional_text("parameter_name")?.map(str::to_owned),
        text: text.to_owned(),
    })
}
