//! Reads the fields of one JSON object and remembers everything that is wrong with them.

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::InvalidId;
use domain::stay::Personal;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::link::{self, LONGEST_LINK};
use super::text::{self, LONGEST_TEXT};
use crate::draft::Draft;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldProblem {
    Missing,
    Empty,
    /// Not of the JSON type that it must have.
    WrongType,
    /// Not a date or an instant as it must be written.
    NotADate,
    /// Longer than it may be.
    TooLong,
    /// A value that it may not have.
    NotAllowed,
}

impl FieldProblem {
    /// As answers and dead letters name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Empty => "empty",
            Self::WrongType => "wrong type",
            Self::NotADate => "not a date",
            Self::TooLong => "too long",
            Self::NotAllowed => "not allowed",
        }
    }
}

impl Serialize for FieldProblem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One thing that is wrong; it names the field and never its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's path: `guest.phone`.
    pub field: &'static str,
    pub problem: FieldProblem,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
}

/// The errors met so far.
#[derive(Debug, Default)]
pub(super) struct Errors(pub(super) Vec<FieldError>);

/// What fields are read from.
#[derive(Clone, Copy)]
pub(super) enum Fields<'v> {
    /// One object, which knows its fields by the last parts of their paths.
    Object(&'v Map<String, Value>),
    /// An event, which knows all fields by their paths.
    Draft(&'v Draft),
}

/// A field's path and, where it is there and not null, its value.
#[derive(Clone, Copy)]
pub(super) struct Field<'v> {
    path: &'static str,
    value: Option<&'v Value>,
}

impl<'v> Fields<'v> {
    pub(super) fn field(self, path: &'static str) -> Field<'v> {
        let value = match self {
            Self::Object(object) => object.get(path.rsplit('.').next().unwrap_or(path)),
            Self::Draft(draft) => draft.get(path),
        };
        Field {
            path,
            value: value.filter(|value| !value.is_null()),
        }
    }
}

impl<'v> Field<'v> {
    /// A value in place of a field.
    pub(super) fn with(value: &'v Value, path: &'static str) -> Self {
        Self {
            path,
            value: Some(value),
        }
    }

    pub(super) fn value(self) -> Option<&'v Value> {
        self.value
    }

    pub(super) fn is_absent(self) -> bool {
        self.value.is_none()
    }
}

impl Errors {
    pub(super) fn push(&mut self, field: &'static str, problem: FieldProblem) {
        self.0.push(FieldError { field, problem });
    }

    /// A string as it came, not blank.
    pub(super) fn string<'v>(&mut self, field: Field<'v>, need: Need) -> Option<&'v str> {
        let text = match field.value {
            Some(Value::String(text)) => text.as_str(),
            Some(_) => return self.none(field, FieldProblem::WrongType),
            None if need == Need::Required => return self.none(field, FieldProblem::Missing),
            None => return None,
        };
        match (text.trim().is_empty(), need) {
            (false, _) => Some(text),
            (true, Need::Required) => self.none(field, FieldProblem::Empty),
            (true, Need::Optional) => None,
        }
    }

    pub(super) fn id<T>(
        &mut self,
        field: Field<'_>,
        need: Need,
        parse: impl Fn(&str) -> Result<T, InvalidId>,
    ) -> Option<T> {
        let text = self.string(field, need)?;
        // A guest may read a booking's id, and people compare ids by eye.
        if text.chars().any(text::is_invisible) {
            return self.none(field, FieldProblem::NotAllowed);
        }
        match parse(text) {
            Ok(id) => Some(id),
            Err(InvalidId::Empty) => self.none(field, FieldProblem::Empty),
            Err(InvalidId::TooLong) => self.none(field, FieldProblem::TooLong),
            Err(InvalidId::ControlCharacter) => self.none(field, FieldProblem::NotAllowed),
        }
    }

    /// An id of the platform's: an integer counts as its digits, with its sign. One that is beyond 64 bits is none: its
    /// digits are lost before we see it.
    pub(super) fn foreign_id<T>(
        &mut self,
        field: Field<'_>,
        need: Need,
        parse: impl Fn(&str) -> Result<T, InvalidId>,
    ) -> Option<T> {
        match field.value {
            Some(Value::Number(number)) if number.is_i64() || number.is_u64() => {
                let digits = Value::String(number.to_string());
                self.id(Field::with(&digits, field.path), need, parse)
            }
            _ => self.id(field, need, parse),
        }
    }

    /// A text for people, cleaned.
    pub(super) fn text(&mut self, field: Field<'_>, need: Need) -> Option<String> {
        let cleaned = text::clean(self.string(field, need)?);
        if cleaned.chars().count() > LONGEST_TEXT {
            return self.none(field, FieldProblem::TooLong);
        }
        match (cleaned.is_empty(), need) {
            (false, _) => Some(cleaned),
            (true, Need::Required) => self.none(field, FieldProblem::Empty),
            (true, Need::Optional) => None,
        }
    }

    pub(super) fn link(&mut self, field: Field<'_>, hosts: Option<&[String]>) -> Option<Personal> {
        let text = self.string(field, Need::Optional)?.trim_matches(' ');
        if text.chars().count() > LONGEST_LINK {
            return self.none(field, FieldProblem::TooLong);
        }
        if !link::is_allowed(text, hosts) {
            return self.none(field, FieldProblem::NotAllowed);
        }
        Some(Personal::new(text))
    }

    /// An instant of RFC 3339; a leap second is the last nanosecond before it, since not every reader knows such.
    pub(super) fn instant(&mut self, field: Field<'_>) -> Option<DateTime<Utc>> {
        let text = self.string(field, Need::Required)?;
        match DateTime::parse_from_rfc3339(text) {
            Ok(instant) => {
                let nanoseconds = instant.timestamp_subsec_nanos().min(999_999_999);
                DateTime::from_timestamp(instant.timestamp(), nanoseconds)
            }
            Err(_) => self.none(field, FieldProblem::NotADate),
        }
    }

    /// A day, `2026-12-20`. The parser would also read `2026-12- 1`.
    pub(super) fn day(&mut self, field: Field<'_>) -> Option<NaiveDate> {
        const LENGTH: usize = "2026-12-20".len();
        let text = self.string(field, Need::Optional)?;
        let day: Option<NaiveDate> = text.parse().ok();
        let is_plain = text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(char::is_whitespace);
        match day.filter(|_| text.len() == LENGTH && is_plain) {
            Some(day) => Some(day),
            None => self.none(field, FieldProblem::NotADate),
        }
    }

    pub(super) fn flag(&mut self, field: Field<'_>) -> Option<bool> {
        match field.value? {
            Value::Bool(flag) => Some(*flag),
            _ => self.none(field, FieldProblem::WrongType),
        }
    }

    /// How many people: a whole number that a column can hold, also written as `2.0`.
    pub(super) fn count(&mut self, field: Field<'_>) -> Option<u32> {
        let number = foreign_json::integer(field.value?).filter(|number| *number >= 0);
        let Some(number) = number else {
            return self.none(field, FieldProblem::WrongType);
        };
        match i32::try_from(number)
            .ok()
            .and_then(|small| u32::try_from(small).ok())
        {
            Some(count) => Some(count),
            None => self.none(field, FieldProblem::NotAllowed),
        }
    }

    /// The fields of an object that is a field itself.
    pub(super) fn object<'v>(&mut self, fields: Fields<'v>, path: &'static str) -> Option<Fields<'v>> {
        if let Fields::Draft(draft) = fields {
            return draft.has_within(path).then_some(fields);
        }
        let field = fields.field(path);
        match field.value? {
            Value::Object(object) => Some(Fields::Object(object)),
            _ => self.none(field, FieldProblem::WrongType),
        }
    }

    fn none<T>(&mut self, field: Field<'_>, problem: FieldProblem) -> Option<T> {
        self.push(field.path, problem);
        None
    }
}
