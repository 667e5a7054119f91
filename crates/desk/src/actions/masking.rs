//! Masking of what identifies a guest.

use domain::country::Country;
use domain::phone_number::PhoneNumber;
use store::audit::Actor;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Masking {
    Masked,
    Revealed,
}

/// Replaces a name, a link or a note.
pub(crate) const HIDDEN: &str = "•••";

impl Masking {
    /// Masked, unless the audit trail records a person who views it.
    pub(crate) fn to(revealed_to: Option<&Actor>) -> Self {
        match revealed_to {
            Some(_) => Self::Revealed,
            None => Self::Masked,
        }
    }

    pub(crate) fn text(self, text: &str) -> String {
        match self {
            Self::Revealed => text.to_owned(),
            Self::Masked => HIDDEN.to_owned(),
        }
    }

    /// For a phone number as the platform wrote it.
    pub(crate) fn phone(self, text: &str, country: Option<Country>) -> String {
        match (self, PhoneNumber::parse(text, country)) {
            (Self::Revealed, _) => text.to_owned(),
            (Self::Masked, Ok(number)) => number.masked(),
            (Self::Masked, Err(_)) => format!("{HIDDEN} (not a valid number)"),
        }
    }

    pub(crate) fn number(self, number: &PhoneNumber) -> String {
        match self {
            Self::Revealed => number.reveal().to_owned(),
            Self::Masked => number.masked(),
        }
    }
}
