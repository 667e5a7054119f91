//! Templates, and where their variables come from.

use std::collections::BTreeMap;

/// A template that Meta approved, and where its variables come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Meta's name.
    pub name: String,
    /// Meta's language code, as written there: `en_US`, `de`.
    pub language_code: String,
    /// At most one variable, named where those of the body are named.
    pub header: Variables,
    /// The text's variables.
    pub body: Variables,
    /// What is put after the approved URL of button 0.
    pub button_url: Option<Variable>,
}

/// Positional (`{{1}}`) or named (`{{first_name}}`) variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variables {
    /// In order.
    Positional(Vec<Variable>),
    /// By Meta's parameter name.
    Named(BTreeMap<String, Variable>),
}

impl Variables {
    /// How many there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Positional(variables) => variables.len(),
            Self::Named(variables) => variables.len(),
        }
    }
}

/// Where one variable's text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Which value.
    pub value: Value,
    /// What stands in for it where it is missing.
    pub or_else: Option<String>,
}

/// The values that templates may use.
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
    /// Reads the name that files use; `None` for an unknown one.
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
