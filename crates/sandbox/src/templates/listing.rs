//! The list of an account's templates, as `GET /{account}/message_templates` answers it.

use serde_json::{Map, Value, json};

use super::fill::{self, Form};
use super::{Button, Category, Template, Templates};
use crate::graph::GraphError;

/// Templates of one page, unless `limit` says another number.
const PAGE: usize = 25;
/// Templates of an account whose business is not verified.
const LIMIT: usize = 250;

/// The fields of a template that Meta documents. Those without a value are left out of answers.
const FIELDS: [&str; 18] = [
    "id",
    "name",
    "language",
    "category",
    "status",
    "components",
    "parameter_format",
    "message_send_ttl_seconds",
    "correct_category",
    "previous_category",
    "rejected_reason",
    "library_template_name",
    "quality_score",
    "cta_url_link_tracking_opted_out",
    "sub_category",
    "degrees_of_freedom_spec",
    "specific_rejection_reason",
    "last_updated_time",
];
const DEFAULT_FIELDS: [&str; 7] = [
    "name",
    "parameter_format",
    "components",
    "language",
    "status",
    "category",
    "id",
];

/// A question, with the parameters that it may have.
#[derive(Debug, Default)]
pub(crate) struct Question<'q> {
    pub(crate) fields: Option<&'q str>,
    pub(crate) limit: Option<&'q str>,
    pub(crate) after: Option<&'q str>,
    pub(crate) before: Option<&'q str>,
    pub(crate) summary: Option<&'q str>,
    /// By field: `name` matches a part of it, all others one of several values.
    pub(crate) filters: Vec<(&'q str, &'q str)>,
    /// The address of this page, without `after` and `before`.
    pub(crate) address: &'q str,
}

impl Templates {
    pub(crate) fn list(&self, question: &Question<'_>) -> Result<Value, GraphError> {
        let fields = selected(
            question.fields,
            &FIELDS,
            &DEFAULT_FIELDS,
            "WhatsAppMessageTemplate",
        )?;
        let mut all: Vec<&Template> = self.0.iter().flat_map(|known| known.values()).collect();
        all.sort_by_key(|template| template.key());
        let ids: Vec<(u64, &Template)> = (1_700_000_000_000_001..).zip(all).collect();
        let total = ids.len();
        let found: Vec<Value> = ids
            .into_iter()
            .filter(|(_, template)| question.filters.iter().all(|filter| template.fits(filter)))
            .map(|(id, template)| with_fields(&template.described(id), &fields))
            .collect();
        let (start, limit) = (question.start()?, question.limit()?);
        let page: Vec<Value> = found.iter().skip(start).take(limit).cloned().collect();
        let mut answer = json!({ "data": page });
        if !page.is_empty() {
            put(
                &mut answer,
                "paging",
                question.paging(start, page.len(), found.len()),
            );
        }
        if let Some(summary) = question.summary {
            let all = json!({
                "total_count": total, "message_template_count": total, "message_template_limit": LIMIT,
                "are_translations_complete": true,
            });
            let wanted: Vec<&str> = summary.split(',').map(str::trim).collect();
            put(&mut answer, "summary", with_fields(&all, &wanted));
        }
        Ok(answer)
    }
}

/// Before the place in a cursor, which is opaque to clients.
const CURSOR: &str = "QVFI";

impl Question<'_> {
    fn limit(&self) -> Result<usize, GraphError> {
        let Some(text) = self.limit else { return Ok(PAGE) };
        let limit = text.parse().ok().filter(|limit| *limit > 0);
        limit.ok_or_else(|| GraphError::because(100, "Param limit must be a positive number"))
    }

    /// The place of the page's first template.
    fn start(&self) -> Result<usize, GraphError> {
        let place = |cursor: &str| {
            let place = cursor
                .strip_prefix(CURSOR)
                .and_then(|place| place.parse::<usize>().ok());
            place.ok_or_else(|| GraphError::because(100, "Invalid cursors values"))
        };
        match (self.after, self.before) {
            (Some(last), _) => Ok(place(last)? + 1),
            (None, Some(first)) => Ok(place(first)?.saturating_sub(self.limit()?)),
            (None, None) => Ok(0),
        }
    }

    fn paging(&self, start: usize, on_page: usize, of: usize) -> Value {
        let cursor = |place: usize| format!("{CURSOR}{place}");
        let (before, after) = (cursor(start), cursor(start + on_page - 1));
        let mark = if self.address.contains('?') { '&' } else { '?' };
        let address = |which: &str, cursor: &str| format!("{}{mark}{which}={cursor}", self.address);
        let mut paging = json!({ "cursors": { "before": before, "after": after } });
        if start + on_page < of {
            put(&mut paging, "next", address("after", &after).into());
        }
        if start > 0 {
            put(&mut paging, "previous", address("before", &before).into());
        }
        paging
    }
}

impl Template {
    fn fits(&self, (field, wanted): &(&str, &str)) -> bool {
        let is_one = |value: &str| wanted.split(',').any(|one| one.trim() == value);
        match *field {
            "name" => self.name.contains(wanted),
            "language" => is_one(&self.language),
            "status" => is_one(self.status.as_str()),
            "category" => is_one(self.category.in_lists()),
            _ => true,
        }
    }

    fn described(&self, id: u64) -> Value {
        let texts = [self.header.as_deref(), Some(self.body.as_str())];
        let is_named = texts
            .into_iter()
            .flatten()
            .any(|text| fill::form(text) == Some(Form::Named));
        let mut found = json!({
            "id": id.to_string(),
            "name": self.name,
            "language": self.language,
            "category": self.category.in_lists(),
            "status": self.status.as_str(),
            "parameter_format": if is_named { "NAMED" } else { "POSITIONAL" },
            "components": self.components(),
            "rejected_reason": "NONE",
            "quality_score": { "score": "UNKNOWN", "date": 1_700_000_000 },
        });
        if let Some(seconds) = self.message_send_ttl_seconds {
            put(&mut found, "message_send_ttl_seconds", seconds.into());
        }
        found
    }

    fn components(&self) -> Vec<Value> {
        let header = self.header.as_deref().map(|text| {
            let mut header = json!({ "type": "HEADER", "format": "TEXT", "text": text });
            add_example(&mut header, "header_text", text, &|values| json!(values));
            header
        });
        let mut body = json!({ "type": "BODY", "text": self.body });
        add_example(&mut body, "body_text", &self.body, &|values| json!([values]));
        let footer = self
            .footer
            .as_deref()
            .map(|text| json!({ "type": "FOOTER", "text": text }));
        let buttons: Vec<Value> = self.buttons.iter().map(button).collect();
        let buttons = (!buttons.is_empty()).then(|| json!({ "type": "BUTTONS", "buttons": buttons }));
        [header, Some(body), footer, buttons]
            .into_iter()
            .flatten()
            .collect()
    }
}

fn add_example(component: &mut Value, key: &str, text: &str, positional: &dyn Fn(Vec<String>) -> Value) {
    let variables = fill::variables(text);
    let values = |of: &[&str]| {
        of.iter()
            .map(|name| format!("example of {name}"))
            .collect::<Vec<_>>()
    };
    let example = match fill::form(text) {
        None => return,
        Some(Form::Positional) => json!({ key: positional(values(&variables)) }),
        Some(Form::Named) => {
            let named = variables
                .iter()
                .map(|name| json!({ "param_name": name, "example": format!("example of {name}") }));
            json!({ format!("{key}_named_params"): named.collect::<Vec<_>>() })
        }
    };
    put(component, "example", example);
}

fn button(button: &Button) -> Value {
    match button {
        Button::Url { text, url } => {
            let mut described = json!({ "type": "URL", "text": text, "url": url });
            if let Some(variable) = fill::variables(url).first() {
                let example = url.replace(&format!("{{{{{variable}}}}}"), "example");
                put(&mut described, "example", json!([example]));
            }
            described
        }
        Button::QuickReply { text } => json!({ "type": "QUICK_REPLY", "text": text }),
        Button::PhoneNumber { text, phone_number } => {
            json!({ "type": "PHONE_NUMBER", "text": text, "phone_number": phone_number })
        }
    }
}

impl Category {
    fn in_lists(self) -> &'static str {
        match self {
            Self::Marketing => "MARKETING",
            Self::Utility => "UTILITY",
            Self::Authentication => "AUTHENTICATION",
        }
    }
}

/// The fields that a question asks for; one that does not exist is refused as Meta does.
pub(crate) fn selected<'f>(
    asked: Option<&'f str>,
    known: &[&str],
    default: &[&'f str],
    node: &str,
) -> Result<Vec<&'f str>, GraphError> {
    let Some(asked) = asked else {
        return Ok(default.to_vec());
    };
    let fields: Vec<&str> = asked
        .split(',')
        .map(str::trim)
        .filter(|field| !field.is_empty())
        .collect();
    match fields.iter().find(|field| !known.contains(field)) {
        None => Ok(fields),
        Some(field) => Err(GraphError {
            message: format!("(#100) Tried accessing nonexisting field ({field}) on node type ({node})"),
            details: None,
            ..GraphError::new(100)
        }),
    }
}

/// An object with these of its members, and always its id.
pub(crate) fn with_fields(object: &Value, fields: &[&str]) -> Value {
    let mut found = Map::new();
    for field in fields.iter().chain(&["id"]) {
        if let Some(value) = object.get(field) {
            found.insert((*field).to_owned(), value.clone());
        }
    }
    Value::Object(found)
}

fn put(object: &mut Value, key: &str, value: Value) {
    if let Value::Object(members) = object {
        members.insert(key.to_owned(), value);
    }
}
