//! What a body is checked against, and what is found.

use chrono_tz::Tz;
use domain::country::Country;
use domain::event::{Event, EventType};
use domain::ids::{BookingId, EventId, ResortId, SourceId};

use super::fields::FieldError;

/// What a body is checked against.
pub struct Rules<'r, 'a> {
    pub source: &'r SourceId,
    /// The id that the scheme signed, for bodies without one.
    pub signed_id: Option<&'r str>,
    /// How an unknown event type is handled.
    pub unknown_types: UnknownTypes,
    /// What an error in an optional field does.
    pub optional_fields: OptionalFields,
    /// What the source may say of a resort.
    pub standing: &'r dyn Fn(&ResortId) -> Standing<'a>,
}

/// What an error in an optional field does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionalFields {
    /// The body is refused: its sender can mend it.
    Refuse,
    /// The field counts as missing: a platform mends nothing after a 400.
    Drop,
}

/// How an unknown event type is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownTypes {
    Refuse,
    Ignore,
}

/// Whether a source may send events for a resort.
#[derive(Debug, Clone, Copy)]
pub enum Standing<'a> {
    Allowed {
        /// The hosts that links may lead to; `None`: any.
        link_hosts: Option<&'a [String]>,
        locale: Locale,
    },
    /// Also where the resort does not exist.
    NotAllowed,
    /// The resort's file is broken, so the event cannot be validated.
    Unavailable,
}

/// Where a resort is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locale {
    /// In which an instant becomes a date.
    pub time_zone: Tz,
    /// Of phone numbers without a country code.
    pub country: Country,
}

#[derive(Debug)]
pub enum Checked {
    Event(Box<Event>),
    /// This version does not handle the type.
    Ignored,
    /// All errors, for the caller.
    Invalid(Vec<FieldError>),
    NotAnObject,
    /// Nothing is wrong with it, but the resort's file is broken.
    ResortUnavailable,
}

/// What is known of a body whatever became of it; for the log and the counters.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The type, where it is one of ours.
    pub event_type: Option<EventType>,
    pub id: Option<EventId>,
    /// The resort, where the source may speak for it.
    pub resort: Option<ResortId>,
    pub booking: Option<BookingId>,
    /// Optional fields that count as missing because of an error.
    pub dropped: Vec<FieldError>,
}
