//! From what an expression finds to what our event takes.
//!
//! Platforms write the same thing in many ways; each way is read here, once. `Ok(None)` is a value that is missing: nothing,
//! blanks, `{}` and `[]`.

mod currency;
mod time;

use domain::country::Country;
use domain::phone_number::PhoneNumber;
use minijinja::value::{Value, ValueKind};
use serde_json::Value as Json;

use crate::check::{FieldProblem, Locale};
use crate::field::Field;

pub(crate) use currency::from_minor_units;
pub(crate) use time::{date_of, in_zone};

/// The most items of a list that are looked at.
const LONGEST_LIST: usize = 100;

/// A field's value as our JSON has it.
pub(crate) type Cast = Result<Option<Json>, FieldProblem>;

/// Casts a value for a field of an event at this resort, of a guest from this country if that is known.
pub(crate) fn cast(field: Field, found: &Value, resort: Locale, guest: Option<Country>) -> Cast {
    if is_missing(found) {
        return Ok(None);
    }
    let text = match field {
        Field::Property | Field::Resort | Field::Id | Field::FetchId | Field::BookingId | Field::CartId => {
            id(found)?
        }
        Field::OccurredAt => time::instant(found)?,
        Field::CheckIn | Field::CheckOut => time::day(found, resort.time_zone)?,
        Field::ResumeUrl | Field::Room | Field::TotalAmount | Field::TotalMinor | Field::TotalCurrency => {
            text(found)?
        }
        Field::GuestName => name(found)?,
        Field::GuestPhone => phone(found, guest.unwrap_or(resort.country))?,
        Field::GuestCountry => text(found)?,
        Field::GuestLanguage => return Ok(language(found).map(Json::String)),
        Field::Guests => return count(found).map(Some),
        Field::Notify | Field::GuestConsent => return Ok(flag(found).map(Json::Bool)),
    };
    Ok(text.map(Json::String))
}

pub(crate) fn is_missing(value: &Value) -> bool {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => true,
        ValueKind::String => value.as_str().is_none_or(|text| text.trim().is_empty()),
        ValueKind::Seq | ValueKind::Map => value.len() == Some(0),
        _ => false,
    }
}

/// What the rows of `when` see: the text of a text, number or bool.
pub(crate) fn word(value: &Value) -> Result<Option<String>, FieldProblem> {
    if is_missing(value) {
        return Ok(None);
    }
    match value.kind() {
        ValueKind::Bool => Ok(Some(value.is_true().to_string())),
        _ => text(value),
    }
}

/// A text, or a number as the platform wrote it.
fn text(value: &Value) -> Result<Option<String>, FieldProblem> {
    match value.kind() {
        ValueKind::String => Ok(value.as_str().map(|text| text.trim().to_owned())),
        ValueKind::Number => Ok(Some(value.to_string())),
        _ => Err(FieldProblem::WrongType),
    }
}

/// An id: a text or a whole number. A fraction is none, and neither is a number whose digits were lost.
pub(crate) fn id(value: &Value) -> Result<Option<String>, FieldProblem> {
    if is_missing(value) {
        return Ok(None);
    }
    if value.kind() == ValueKind::Number && !value.is_integer() {
        return Err(FieldProblem::WrongType);
    }
    text(value)
}

fn items(list: &Value) -> Option<Vec<Value>> {
    match list.kind() {
        ValueKind::Seq | ValueKind::Iterable => Some(list.try_iter().ok()?.take(LONGEST_LIST).collect()),
        _ => None,
    }
}

/// A text, or the parts of a name, joined by a blank.
fn name(value: &Value) -> Result<Option<String>, FieldProblem> {
    let Some(parts) = items(value) else {
        return text(value);
    };
    let parts = parts.iter().filter(|part| !is_missing(part)).map(text);
    let parts: Vec<String> = parts
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .collect();
    let joined = parts.join(" ");
    Ok((!joined.is_empty()).then_some(joined))
}

/// A number, or several: the first valid one, else the first one at all, so that staff see what is wrong with it.
fn phone(value: &Value, country: Country) -> Result<Option<String>, FieldProblem> {
    let Some(numbers) = items(value) else {
        return text(value);
    };
    let numbers = numbers.iter().filter(|number| !is_missing(number));
    let numbers: Vec<String> = numbers.filter_map(|number| text(number).ok().flatten()).collect();
    let valid = numbers
        .iter()
        .find(|number| PhoneNumber::parse(number, Some(country)).is_ok());
    Ok(valid.or_else(|| numbers.first()).cloned())
}

/// A language tag such as `en`, `en-GB` or `en_GB`; nothing else.
fn language(value: &Value) -> Option<String> {
    let tag = value.as_str()?.trim();
    let mut parts = tag.split(['-', '_']);
    let primary = parts.next()?;
    let is_primary =
        (2..=3).contains(&primary.len()) && primary.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_part =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_primary && parts.all(is_part)).then(|| tag.to_owned())
}

/// A whole number, also written as a text.
fn count(value: &Value) -> Result<Json, FieldProblem> {
    match value.kind() {
        ValueKind::Number => serde_json::to_value(value).map_err(|_| FieldProblem::WrongType),
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default().trim();
            text.parse::<u32>()
                .map(Json::from)
                .map_err(|_| FieldProblem::WrongType)
        }
        _ => Err(FieldProblem::WrongType),
    }
}

/// Yes or no, as platforms write it; nothing else.
fn flag(value: &Value) -> Option<bool> {
    match value.kind() {
        ValueKind::Bool => Some(value.is_true()),
        ValueKind::Number => match value.as_i64()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        ValueKind::String => match value.as_str()?.trim().to_ascii_lowercase().as_str() {
            "1" | "yes" | "true" => Some(true),
            "0" | "no" | "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests;
