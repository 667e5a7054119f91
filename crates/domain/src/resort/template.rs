//! Templates, and the values that fill their variables.

use std::collections::BTreeMap;

/// A template that Meta approved, with the source of each variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub name: String,
    /// Meta's language code, as Meta writes it: `en_US`, `de`.
    pub language_code: String,
    /// At most one variable; named if those of the body are named.
    pub header: Variables,
    pub body: Variables,
    /// The text after the approved URL of button 0.
    pub button_url: Option<Variable>,
    /// The payloads of the quick replies, in the order of the template's buttons; they follow the URL's button.
    pub replies: Vec<String>,
}

/// Positional (`{{1}}`) or named (`{{first_name}}`) variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variables {
    Positional(Vec<Variable>),
    /// By Meta's parameter name.
    Named(BTreeMap<String, Variable>),
}

impl Variables {
    pub fn count(&self) -> usize {
        match self {
            Self::Positional(variables) => variables.len(),
            Self::Named(variables) => variables.len(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    pub value: Value,
    /// The text to use if the value is missing.
    pub or_else: Option<String>,
}

/// The values that templates may use, by their names in files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `guest.name`
    GuestName,
    /// `guest.first_name`
    GuestFirstName,
    /// `resort.name`
    ResortName,
    /// `values.<name>`
    Own(String),
    /// `booking.id`
    BookingId,
    /// `booking.resume_url`
    ResumeUrl,
    /// `booking.resume_path`
    ResumePath,
    /// `stay.check_in`
    CheckIn,
    /// `stay.check_out`
    CheckOut,
    /// `stay.nights`
    Nights,
    /// `stay.guests`
    Guests,
    /// `stay.room`
    Room,
    /// `stay.total`
    Total,
}

impl Value {
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "guest.name" => Self::GuestName,
            "guest.first_name" => Self::GuestFirstName,
            "resort.name" => Self::ResortName,
            "booking.id" => Self::BookingId,
            "booking.resume_url" => Self::ResumeUrl,
            "booking.resume_path" => Self::ResumePath,
            "stay.check_in" => Self::CheckIn,
            "stay.check_out" => Self::CheckOut,
            "stay.nights" => Self::Nights,
            "stay.guests" => Self::Guests,
            "stay.room" => Self::Room,
            "stay.total" => Self::Total,
            own => {
                return own
                    .strip_prefix("values.")
                    .filter(|n| !n.is_empty())
                    .map(|n| Self::Own(n.to_owned()));
            }
        })
    }
}
