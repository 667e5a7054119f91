//! A guest, across bookings: the names by which WhatsApp knows them, and what they said about marketing.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::phone_number::PhoneNumber;
use crate::text_enum::text_enum;

text_enum! {
    /// The kinds of names that one guest has at WhatsApp, the most trusted first.
    NameKind("kind of a guest's name") {
        /// The guest's id for this business. A guest with a user name has only this one.
        User = "user",
        /// The number as WhatsApp spells it: Brazil's without the ninth digit, Mexico's with 521, Argentina's with
        /// 549.
        WhatsAppNumber = "whatsapp_number",
        Number = "number",
    }
}

const WHATSAPP_NUMBER: &str = "wa_id:";

/// One name by which WhatsApp refers to a guest.
///
/// Personal data: `Debug` shows the kind only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GuestName {
    kind: NameKind,
    text: String,
}

impl GuestName {
    pub fn user(id: &str) -> Self {
        Self {
            kind: NameKind::User,
            text: format!("user_id:{id}"),
        }
    }

    /// The number as WhatsApp spells it: Brazil's without the ninth digit, Mexico's with 521, Argentina's with 549.
    pub fn whatsapp_number(number: &PhoneNumber) -> Self {
        let digits = number.reveal().trim_start_matches('+');
        Self {
            kind: NameKind::WhatsAppNumber,
            text: format!("{WHATSAPP_NUMBER}{digits}"),
        }
    }

    pub fn number(number: &PhoneNumber) -> Self {
        Self {
            kind: NameKind::Number,
            text: number.reveal().to_owned(),
        }
    }

    /// Every name that follows from what WhatsApp says of a guest, the most trusted first.
    pub fn all<'a>(user: Option<&'a str>, numbers: impl IntoIterator<Item = &'a PhoneNumber>) -> Vec<Self> {
        let mut names: Vec<Self> = user.map(Self::user).into_iter().collect();
        for number in numbers {
            names.extend([Self::whatsapp_number(number), Self::number(number)]);
        }
        names.sort();
        names.dedup();
        names
    }

    /// If this is a number as WhatsApp spells it: the same digits as a number that people dial.
    pub fn as_dialled(&self) -> Option<Self> {
        let digits = self.text.strip_prefix(WHATSAPP_NUMBER)?;
        Some(Self {
            kind: NameKind::Number,
            text: format!("+{digits}"),
        })
    }

    pub fn kind(&self) -> NameKind {
        self.kind
    }

    /// The input of the keyed hash. Each kind has a prefix of its own (a number its `+`), so that a name of one
    /// kind never equals one of another.
    pub fn hash_input(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for GuestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GuestName({})", self.kind)
    }
}

/// What a guest last said about marketing, at one resort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MarketingConsent {
    pub opted_out_at: Option<DateTime<Utc>>,
    pub opted_in_at: Option<DateTime<Utc>>,
}

impl MarketingConsent {
    /// Whether reminders and review requests must not be sent. If both times are equal, the stop wins.
    pub fn is_opted_out(&self) -> bool {
        self.opted_out_at
            .is_some_and(|out| self.opted_in_at.is_none_or(|back| out >= back))
    }

    /// The newer of both in each sense: one guest may have said them under several names.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            opted_out_at: self.opted_out_at.max(other.opted_out_at),
            opted_in_at: self.opted_in_at.max(other.opted_in_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_digits_are_three_different_names_and_none_is_shown() {
        let number = PhoneNumber::from_whatsapp("551187654321").unwrap();

        let names = GuestName::all(Some("551187654321"), [&number, &number]);

        let inputs: Vec<&str> = names.iter().map(GuestName::hash_input).collect();
        assert_eq!(
            inputs,
            ["user_id:551187654321", "wa_id:551187654321", "+551187654321"]
        );
        assert!(!format!("{names:?}").contains("8765"), "{names:?}");
    }

    #[test]
    fn what_a_guest_said_under_several_names_is_combined() {
        let at = |second| DateTime::from_timestamp(second, 0);
        let said = |opted_out_at, opted_in_at| MarketingConsent {
            opted_out_at,
            opted_in_at,
        };

        assert!(said(at(5), None).and(said(None, at(4))).is_opted_out());
        assert!(!said(at(5), None).and(said(at(1), at(6))).is_opted_out());
    }

    #[test]
    fn the_newer_of_opt_out_and_opt_in_counts_and_opt_out_wins_a_tie() {
        let at = |second| DateTime::from_timestamp(second, 0);
        let opted_out = |out, back| {
            MarketingConsent {
                opted_out_at: out,
                opted_in_at: back,
            }
            .is_opted_out()
        };

        assert!(opted_out(at(5), None) && opted_out(at(5), at(5)) && opted_out(at(6), at(5)));
        assert!(!opted_out(None, None) && !opted_out(at(5), at(6)));
    }
}
