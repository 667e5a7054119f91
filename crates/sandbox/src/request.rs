//! The body of a call, checked as the Cloud API checks it.

use serde_json::Value;

use crate::graph::{COUNTRY_CODE, DISPLAY_NUMBER, GraphError};
use crate::templates::{Category, Filled, Found, Templates};

mod endpoint;
mod fields;
mod template;

pub(crate) use endpoint::Endpoint;
use fields::Fields;

pub(crate) const TEXT_MAX: usize = 4096;
const CALLBACK_DATA_MAX: usize = 512;
/// Of the user ids that we make from numbers.
const USER_ID_PREFIX: &str = "XX.8";
const USER_ID_DIGITS: usize = 19;
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Valid.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) recipient: Recipient,
    pub(crate) content: Content,
    pub(crate) callback_data: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Recipient {
    /// The digits of a phone number, and what the caller wrote.
    Phone { digits: String, input: String },
    /// A business-scoped user id.
    User { id: String },
}

#[derive(Debug)]
pub(crate) enum Content {
    Text(String),
    Template {
        name: String,
        language: String,
        category: Category,
        filled: Filled,
    },
}

impl Recipient {
    /// The guest's name in the journal, scripts and windows: `+` and digits, or a user id whose number is unknown.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Phone { digits, .. } => format!("+{digits}"),
            Self::User { id } => {
                digits_of_user_id(id).map_or_else(|| id.clone(), |digits| format!("+{digits}"))
            }
        }
    }

    /// The business-scoped id of a guest; derived from the number if only that is known.
    pub(crate) fn user_id(&self) -> String {
        match self {
            Self::User { id } => id.clone(),
            Self::Phone { digits, .. } => format!("{USER_ID_PREFIX}{digits:0>USER_ID_DIGITS$}"),
        }
    }
}

/// The number that a user id of ours is made from: an answer to the id goes to the same guest.
fn digits_of_user_id(id: &str) -> Option<&str> {
    let padded = id.strip_prefix(USER_ID_PREFIX)?;
    let digits = padded.trim_start_matches('0');
    let ours = padded.len() == USER_ID_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    (ours && DIGITS.contains(&digits.len())).then_some(digits)
}

/// Checks a request's body; every refusal is the Cloud API's.
pub(crate) fn check(body: &Value, endpoint: Endpoint, templates: &Templates) -> Result<Message, GraphError> {
    let fields = Fields::of(body, "body")?;
    match fields.optional_text("messaging_product")? {
        Some("whatsapp") => {}
        Some(_) => return Err(invalid("Param messaging_product must be one of {WHATSAPP}")),
        None => return Err(invalid("The parameter messaging_product is required.")),
    }
    let kind = fields.optional_text("type")?.unwrap_or("text");
    let usual = [
        "messaging_product",
        "recipient_type",
        "to",
        "recipient",
        "type",
        "context",
        "biz_opaque_callback_data",
        "recipient_identity_key_hash",
        kind,
    ];
    fields.allow_only(&[&usual, endpoint.own_members()].concat())?;
    if !matches!(
        fields.optional_text("product_policy")?,
        None | Some("CLOUD_API_FALLBACK" | "STRICT")
    ) {
        return Err(invalid(
            "Param product_policy must be one of {CLOUD_API_FALLBACK, STRICT}",
        ));
    }
    if !matches!(fields.optional_text("recipient_type")?, None | Some("individual")) {
        return Err(invalid("Param recipient_type must be one of {INDIVIDUAL}"));
    }
    let recipient = recipient(&fields)?;
    let callback_data = fields
        .optional_text("biz_opaque_callback_data")?
        .map(str::to_owned);
    if callback_data
        .as_ref()
        .is_some_and(|data| data.chars().count() > CALLBACK_DATA_MAX)
    {
        return Err(invalid(
            "Param biz_opaque_callback_data must be at most 512 characters long.",
        ));
    }
    let content = match kind {
        "text" => text(&fields.object("text")?)?,
        "template" => template_content(&fields.object("template")?, templates)?,
        _ => {
            return Err(GraphError::because(
                131_051,
                "Message type is currently not supported by the sandbox.",
            ));
        }
    };
    Ok(Message {
        recipient,
        content,
        callback_data,
    })
}

/// The digits of a number, as the Cloud API understands it: without `+` our own country code goes in front.
pub(crate) fn digits(number: &str) -> Option<String> {
    let international = number.trim_start().starts_with('+');
    let mut digits = if international {
        String::new()
    } else {
        COUNTRY_CODE.to_owned()
    };
    for c in number.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '+' | '-' | '(' | ')' | ' ' => {}
            _ => return None,
        }
    }
    (DIGITS.contains(&digits.len()) && !digits.starts_with('0')).then_some(digits)
}

fn recipient(fields: &Fields<'_>) -> Result<Recipient, GraphError> {
    if let Some(input) = fields.optional_text("to")? {
        let digits = digits(input)
            .ok_or_else(|| GraphError::because(131_009, "Param to must be a valid WhatsApp phone number."))?;
        if digits == DISPLAY_NUMBER {
            return Err(GraphError::new(131_021));
        }
        return Ok(Recipient::Phone {
            digits,
            input: input.to_owned(),
        });
    }
    match fields.optional_text("recipient")? {
        Some(id) if is_user_id(id) => Ok(Recipient::User { id: id.to_owned() }),
        Some(_) => Err(GraphError::because(
            131_009,
            "Param recipient must be a business-scoped user id.",
        )),
        None => Err(GraphError::because(131_008, "The parameter to is required.")),
    }
}

/// `CC.` and up to 128 letters or digits.
fn is_user_id(id: &str) -> bool {
    id.split_once('.').is_some_and(|(country, rest)| {
        country.len() == 2
            && country.chars().all(|c| c.is_ascii_uppercase())
            && (1..=128).contains(&rest.len())
            && rest.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

fn text(fields: &Fields<'_>) -> Result<Content, GraphError> {
    fields.allow_only(&["body", "preview_url"])?;
    let body = fields.text("body")?;
    if body.chars().count() > TEXT_MAX {
        return Err(invalid(
            "Param text['body'] must be at most 4096 characters long.",
        ));
    }
    Ok(Content::Text(body.to_owned()))
}

fn template_content(fields: &Fields<'_>, templates: &Templates) -> Result<Content, GraphError> {
    fields.allow_only(&["name", "language", "components"])?;
    let name = fields.text("name")?;
    let language = fields.object("language")?;
    language.allow_only(&["code", "policy"])?;
    let language = language.text("code")?;
    let found = templates.find(name, language);
    if matches!(found, Found::Missing) {
        let details = format!("template name ({name}) does not exist in {language}");
        return Err(GraphError::because(132_001, details));
    }
    let given = template::parameters(fields.list("components")?)?;
    let (category, filled) = match found {
        Found::Template(template) => (template.category, template.fill(&given)?),
        Found::Any | Found::Missing => (Category::Marketing, template::unfilled(name, &given)),
    };
    Ok(Content::Template {
        name: name.to_owned(),
        language: language.to_owned(),
        category,
        filled,
    })
}

fn invalid(details: &str) -> GraphError {
    GraphError::because(100, details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_without_plus_is_taken_for_one_of_our_country() {
        assert_eq!(digits("+30 691 234-5678").as_deref(), Some("306912345678"));
        assert_eq!(digits("(631) 555-1234").as_deref(), Some("16315551234"));
        assert_eq!(digits("+123"), None);
        assert_eq!(digits("+0691234567"), None);
        assert_eq!(digits("+30691x345678"), None);
    }
}
