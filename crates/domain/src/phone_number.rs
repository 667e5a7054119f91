//! Phone numbers in E.164 form.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A valid phone number in E.164 form, `+` first.
///
/// Personal data: `Debug` and `Display` show the masked form only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PhoneNumber(String);

/// The text is no valid phone number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a valid phone number")]
pub struct InvalidPhoneNumber;

impl PhoneNumber {
    /// Reads a number as people write it; one without a country code belongs to `country`.
    pub fn parse(text: &str, country: Option<phonenumber::country::Id>) -> Result<Self, InvalidPhoneNumber> {
        let trimmed = text.trim();
        // Longer than any way of writing 15 digits; keeps hostile input away from the parser.
        if trimmed.len() > 64 {
            return Err(InvalidPhoneNumber);
        }
        let international = trimmed.strip_prefix("00").map(|rest| format!("+{rest}"));
        let number = phonenumber::parse(country, international.as_deref().unwrap_or(trimmed))
            .map_err(|_| InvalidPhoneNumber)?;
        if !number.is_valid() {
            return Err(InvalidPhoneNumber);
        }
        Ok(Self(number.format().mode(phonenumber::Mode::E164).to_string()))
    }

    /// Takes the digits that WhatsApp writes, without `+`.
    pub fn from_whatsapp(digits: &str) -> Result<Self, InvalidPhoneNumber> {
        let bare = digits.strip_prefix('+').unwrap_or(digits);
        let plausible = (7..=15).contains(&bare.len()) && bare.bytes().all(|b| b.is_ascii_digit());
        if plausible {
            Ok(Self(format!("+{bare}")))
        } else {
            Err(InvalidPhoneNumber)
        }
    }

    /// The full number, for the database and the wire.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The calling code of its country: 30 for Greece. 0 where no country has it.
    pub fn country_code(&self) -> u16 {
        phonenumber::parse(None, &self.0).map_or(0, |number| number.country().code())
    }

    /// `+30•••••••678`: enough to tell two guests apart, not enough to call one.
    pub fn masked(&self) -> String {
        let head: String = self.0.chars().take(3).collect();
        let length = self.0.chars().count();
        let tail: String = self.0.chars().skip(length.saturating_sub(3).max(3)).collect();
        let dots = length.saturating_sub(head.chars().count() + tail.chars().count());
        format!("{head}{}{tail}", "•".repeat(dots))
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_knows_the_calling_code_of_its_country() {
        let code = |digits| PhoneNumber::from_whatsapp(digits).unwrap().country_code();

        assert_eq!(
            (code("306912345678"), code("12025550123"), code("0000000")),
            (30, 1, 0)
        );
    }

    #[test]
    fn a_number_is_read_as_people_write_it() {
        let greece = Some(phonenumber::country::GR);
        for text in [
            "+306912345678",
            "+30 691 234 5678",
            "00306912345678",
            "6912345678",
            " 691-234-5678 ",
        ] {
            let number = PhoneNumber::parse(text, greece).map(|n| n.reveal().to_owned());
            assert_eq!(number, Ok("+306912345678".to_owned()), "{text}");
        }
        for text in ["", "+30 691", "hello", "+15550001111", "6912345678901234567890"] {
            assert_eq!(
                PhoneNumber::parse(text, greece),
                Err(InvalidPhoneNumber),
                "{text}"
            );
        }
    }

    #[test]
    fn neither_debug_nor_display_shows_a_number() {
        let number = PhoneNumber::parse("+306912345678", None).unwrap();

        assert_eq!(format!("{number} {number:?}"), "+30•••••••678 +30•••••••678");
    }
}
