//! Message templates: the list of `SANDBOX_TEMPLATES`, checked by Meta's rules of approval.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

mod approval;
mod fill;
pub(crate) mod listing;
mod submission;

pub(crate) use fill::{Filled, Parameter, Parameters, QuickReply, Shown};

/// Without a list every template exists, with any parameters.
#[derive(Debug, Clone, Default)]
pub struct Templates(Option<HashMap<(String, String), Template>>);

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Template {
    pub(crate) name: String,
    pub(crate) language: String,
    pub(crate) category: Category,
    #[serde(default)]
    pub(crate) header: Option<String>,
    pub(crate) body: String,
    #[serde(default)]
    pub(crate) footer: Option<String>,
    #[serde(default)]
    pub(crate) buttons: Vec<Button>,
    #[serde(default)]
    pub(crate) status: TemplateStatus,
    /// How long delivery is tried; without it, 30 days.
    #[serde(default)]
    pub(crate) message_send_ttl_seconds: Option<i64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Button {
    Url { text: String, url: String },
    QuickReply { text: String },
    PhoneNumber { text: String, phone_number: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Category {
    Marketing,
    Utility,
    Authentication,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum TemplateStatus {
    #[default]
    Approved,
    Pending,
    Rejected,
    Paused,
    Disabled,
}

/// Every mistake of a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct InvalidTemplates(Vec<String>);

impl Templates {
    /// Every template exists.
    pub fn any() -> Self {
        Self(None)
    }

    /// Reads the JSON list that `--help` describes, and checks each template by Meta's rules.
    pub fn parse(json: &str) -> Result<Self, InvalidTemplates> {
        let list: Vec<Value> = serde_json::from_str(json)
            .map_err(|error| InvalidTemplates(vec![format!("is not a list of templates: {error}")]))?;
        let mut known = HashMap::new();
        let mut mistakes = Vec::new();
        for (index, json) in list.into_iter().enumerate() {
            let (template, mut found) = match Template::read(json) {
                Ok(read) => read,
                Err(error) => {
                    mistakes.push(format!("template {} of the list: {error}", index + 1));
                    continue;
                }
            };
            let key = template.key();
            found.extend(approval::mistakes(&template));
            if known.insert(key.clone(), template).is_some() {
                found.push("is listed twice".to_owned());
            }
            mistakes.extend(
                found
                    .into_iter()
                    .map(|text| format!("template {} ({}): {text}", key.0, key.1)),
            );
        }
        if mistakes.is_empty() {
            Ok(Self(Some(known)))
        } else {
            Err(InvalidTemplates(mistakes))
        }
    }

    pub(crate) fn find(&self, name: &str, language: &str) -> Found<'_> {
        match &self.0 {
            None => Found::Any,
            Some(known) => known
                .get(&(name.to_owned(), language.to_owned()))
                .map_or(Found::Missing, Found::Template),
        }
    }

    /// A template to change; `None` if it is not on the list.
    pub(crate) fn find_mut(&mut self, name: &str, language: &str) -> Option<&mut Template> {
        let known = self.0.as_mut()?;
        known.get_mut(&(name.to_owned(), language.to_owned()))
    }
}

pub(crate) enum Found<'t> {
    Template(&'t Template),
    Any,
    Missing,
}

impl Template {
    /// Our own short form, or what is submitted to Meta; with the mistakes that only the latter can have.
    fn read(json: Value) -> Result<(Self, Vec<String>), serde_json::Error> {
        if json.get("components").is_some() {
            return submission::read(json);
        }
        Ok((serde_json::from_value(json)?, Vec::new()))
    }

    fn key(&self) -> (String, String) {
        (self.name.clone(), self.language.clone())
    }
}

impl Category {
    /// As notifications write it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Marketing => "marketing",
            Self::Utility => "utility",
            Self::Authentication => "authentication",
        }
    }
}

impl TemplateStatus {
    /// As notifications write it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "APPROVED",
            Self::Pending => "PENDING",
            Self::Rejected => "REJECTED",
            Self::Paused => "PAUSED",
            Self::Disabled => "DISABLED",
        }
    }
}
