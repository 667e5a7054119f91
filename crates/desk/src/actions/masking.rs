//! What identifies a guest, masked unless it is asked for.

use domain::country::Country;
use domain::phone_number::PhoneNumber;
use store::audit::Actor;

/// Whether what identifies the guest is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Personal {
    Masked,
    Revealed,
}

/// What stands in place of a name, a link or a note.
pub(crate) const HIDDEN: &str = "•••";

impl Personal {
    /// Masked, unless it is revealed to somebody.
    pub(crate) fn to(revealed_to: Option<&Actor>) -> Self {
        match revealed_to {
            Some(_) => Self::Revealed,
            None => Self::Masked,
        }
    }

    /// A name or a link.
    pub(crate) fn text(self, text: &str) -> String {
        match self {
            Self::Revealed => text.to_owned(),
            Self::Masked => HIDDEN.to_owned(),
        }
    }

    /// A phone number as the platform wrote it.
    pub(crate) fn phone(self, text: &str, country: Option<Country>) -> String {
        match (self, PhoneNumber::parse(text, country)) {
            (Self::Revealed, _) => text.to_owned(),
            (Self::Masked, Ok(number)) => number.masked(),
            (Self::Masked, Err(_)) => format!("{HIDDEN} (not a valid number)"),
        }
    }

    /// A phone number.
    pub(crate) fn number(self, number: &PhoneNumber) -> String {
        match self {
            Self::Revealed => number.reveal().to_owned(),
            Self::Masked => number.masked(),
        }
    }
}
