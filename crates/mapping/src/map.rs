//! What a request is: it is split into its events, and each is [mapped](element) on its own.

mod element;

use std::fmt;

use domain::event::Event;
use domain::ids::{BookingId, ResortId};
use minijinja::value::{Value, ValueKind};
use serde_json::Value as Json;

use crate::casts;
use crate::check::{FieldProblem, Seen, Standing};
use crate::definition::{Definition, ResortOf};
use crate::fault::{Cause, ElementFault, Fault};
use crate::field::Field;
use crate::request::Request;
use crate::scope::Scope;

/// The most events of one request.
pub const MOST_ELEMENTS: usize = 1_000;

/// How a source's requests become events.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    pub definition: Definition,
    pub resort: ResortOf,
    /// Whether the platform can be asked for more; without it a row `fetch` does not count.
    pub can_fetch: bool,
}

/// What a whole request is.
#[derive(Debug)]
pub enum Mapped {
    /// One for each event in it, in their order.
    Elements(Vec<Element>),
    /// The body as a whole cannot be mapped.
    Unmappable(Fault),
}

/// What one event in a request is, and how that was found.
#[derive(Debug)]
pub struct Element {
    /// Its place in the request, counted from 0.
    pub index: usize,
    pub verdict: Verdict,
    /// What the rows of `when` looked at.
    pub words: Vec<String>,
    /// The row that matched, counted from 0.
    pub row: Option<usize>,
    pub readings: Vec<Reading>,
    pub seen: Seen,
}

#[derive(Debug)]
pub enum Verdict {
    Event(Box<Event>),
    Ignored(Ignored),
    /// The platform has to be asked for more about this booking.
    Fetch {
        booking: BookingId,
        resort: ResortId,
        /// What to ask for: usually the booking's id.
        id: String,
    },
    Unmappable(Vec<Fault>),
    /// The file of its resort is broken.
    ResortUnavailable,
}

/// Why an authentic request changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignored {
    /// No row of `when` matches, or one that says so.
    UnmappedType,
    /// The property is none of `[properties]`.
    UnknownProperty,
    /// The platform tries the address.
    Ping,
}

/// How one field was read. `Debug` shows no value.
pub struct Reading {
    pub field: Field,
    /// What the expression gave.
    pub found: Result<Value, Cause>,
    /// What became of it.
    pub cast: Result<Option<Json>, Cause>,
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reading of {}", self.field)
    }
}

impl Ignored {
    /// As answers, logs and metrics name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnmappedType => "unmapped_type",
            Self::UnknownProperty => "unknown_property",
            Self::Ping => "ping",
        }
    }
}

impl Element {
    /// The phone number that was read, whatever became of the rest.
    pub fn phone(&self) -> Option<&str> {
        let reading = self
            .readings
            .iter()
            .find(|reading| reading.field == Field::GuestPhone)?;
        reading.cast.as_ref().ok()?.as_ref()?.as_str()
    }

    /// The fields that have an expression and no value.
    pub fn missing(&self) -> impl Iterator<Item = &'static str> {
        let unread = self
            .readings
            .iter()
            .filter(|reading| !matches!(reading.cast, Ok(Some(_))));
        let dropped = self.seen.dropped.iter().map(|error| error.field);
        unread.map(|reading| reading.field.path()).chain(dropped)
    }
}

/// What is wrong with the events of a request that cannot be mapped.
pub fn faults(elements: &[Element]) -> Vec<ElementFault> {
    let has_several = elements.len() > 1;
    let of_element = |element: &Element| match &element.verdict {
        Verdict::Unmappable(faults) => faults.clone(),
        _ => Vec::new(),
    };
    let of_elements = elements.iter().flat_map(|element| {
        let place = has_several.then_some(element.index);
        let faults = of_element(element).into_iter();
        faults.map(move |fault| ElementFault {
            element: place,
            fault,
        })
    });
    of_elements.collect()
}

impl Mapping {
    /// Maps a request. `standing` says what the source may say of a resort.
    pub fn map<'a>(&self, request: &Request<'_>, standing: &dyn Fn(&ResortId) -> Standing<'a>) -> Mapped {
        let scope = Scope::of(request);
        let elements = match self.split(scope) {
            Ok(elements) => elements,
            Err(cause) => return Mapped::Unmappable(Fault::new("each", cause)),
        };
        let is_meant = |index: &usize| request.kept.element.is_none_or(|only| only == *index);
        let elements = elements
            .into_iter()
            .enumerate()
            .filter(|(index, _)| is_meant(index));
        Mapped::Elements(
            elements
                .map(|(index, scope)| element::map(self, index, &scope, request, standing))
                .collect(),
        )
    }

    /// The scopes of the request's events.
    fn split(&self, scope: Scope) -> Result<Vec<Value>, Cause> {
        let Some(each) = &self.definition.each else {
            return Ok(vec![scope.whole()]);
        };
        let list = each.evaluate(&scope.whole())?;
        if casts::is_missing(&list) {
            return Ok(Vec::new());
        }
        if !matches!(list.kind(), ValueKind::Seq | ValueKind::Iterable) {
            return Err(FieldProblem::WrongType.into());
        }
        let elements: Vec<Value> = list
            .try_iter()
            .map_err(|_| Cause::Failed)?
            .take(MOST_ELEMENTS + 1)
            .collect();
        if elements.len() > MOST_ELEMENTS {
            return Err(Cause::TooMany);
        }
        Ok(elements.into_iter().map(|element| scope.at(element)).collect())
    }
}

#[cfg(test)]
mod tests;
