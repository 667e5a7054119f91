//! Phone numbers, read as Google's libphonenumber reads them.

use std::fmt;

use rlibphonenumber::{
    CountryCodeSource, PHONE_NUMBER_UTIL, ParseError, PhoneNumber as Parsed, PhoneNumberFormat, Region,
    ValidationError,
};
use serde::{Deserialize, Serialize};

use crate::country::Country;

/// A valid phone number in E.164 form, `+` first.
///
/// Personal data: `Debug` and `Display` show the masked form only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PhoneNumber(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a valid phone number")]
pub struct InvalidPhoneNumber;

/// Why a text is no valid phone number, for who types it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WhyInvalid {
    #[error("type the number")]
    Empty,
    #[error("this is no phone number")]
    NoNumber,
    #[error("which country? Begin with + and the country code")]
    WithoutCountry,
    #[error("no country has this code")]
    UnknownCountry,
    #[error("digits are missing")]
    TooShort,
    #[error("there are too many digits")]
    TooLong,
    #[error("letters are not allowed in a number")]
    Letters,
    #[error("no such number exists in its country")]
    NoSuchNumber,
}

/// The longest text that Google's own libraries read, in characters: long enough for an extension and words around
/// the number.
const LONGEST: usize = 250;

impl PhoneNumber {
    /// Reads a number as people write it; one without a country code belongs to `country`. An extension is dropped:
    /// WhatsApp reaches the number without it.
    pub fn parse(text: &str, country: Option<Country>) -> Result<Self, InvalidPhoneNumber> {
        if text.chars().nth(LONGEST).is_some() {
            return Err(InvalidPhoneNumber);
        }
        let parsed = PHONE_NUMBER_UTIL
            .parse_and_keep_raw_input(text, country.map(Country::region))
            .map_err(|_| InvalidPhoneNumber)?;
        if !parsed.is_valid() || dials_letters(text, &parsed) {
            return Err(InvalidPhoneNumber);
        }
        Ok(Self(parsed.format_as(PhoneNumberFormat::E164).into_owned()))
    }

    /// As [`parse`](Self::parse), and says why a text is not valid.
    pub fn check(text: &str, country: Option<Country>) -> Result<Self, WhyInvalid> {
        Self::parse(text, country).map_err(|_| why_invalid(text, country))
    }

    /// As people of its country write it abroad: `+30 691 234 5678`.
    pub fn formatted(&self) -> String {
        let parsed = PHONE_NUMBER_UTIL.parse(&self.0, None);
        parsed.map_or_else(
            |_| self.0.clone(),
            |parsed| parsed.format_as(PhoneNumberFormat::International).into_owned(),
        )
    }

    /// Accepts the digits that WhatsApp writes, with or without `+`.
    pub fn from_whatsapp(digits: &str) -> Result<Self, InvalidPhoneNumber> {
        let bare = digits.strip_prefix('+').unwrap_or(digits);
        let plausible = (7..=15).contains(&bare.len()) && bare.bytes().all(|b| b.is_ascii_digit());
        if plausible {
            Ok(Self(format!("+{bare}")))
        } else {
            Err(InvalidPhoneNumber)
        }
    }

    /// The full number, for the database and for requests.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The calling code of the number's country: 30 for Greece. 0 if no country has it.
    pub fn country_code(&self) -> u16 {
        // No calling code is a prefix of another.
        let codes = (1..=LONGEST_CALLING_CODE).filter_map(|length| self.0.get(1..=length)?.parse().ok());
        let mut known = codes.filter(|code| {
            PHONE_NUMBER_UTIL
                .get_region_for_country_code(i32::from(*code))
                .is_some()
        });
        known.next().unwrap_or_default()
    }

    /// The country of the number; `None` for satellite phones and other numbers without one. Calling code 1 is
    /// shared: a number of Canada or the Caribbean is not one of the United States, a toll-free one is.
    pub fn country(&self) -> Option<Country> {
        let parsed = PHONE_NUMBER_UTIL.parse(&self.0, None).ok()?;
        let region = parsed.get_region_code()?;
        (region != Region::World).then(|| Country::of_region(region))
    }

    /// `+30•••••••678`: enough to tell two guests apart, too little to call one. A short number shows less, so that
    /// at least five digits stay hidden.
    pub fn masked(&self) -> String {
        let length = self.0.chars().count();
        let tail = length.saturating_sub(HEAD + FEWEST_HIDDEN).min(LONGEST_TAIL);
        let shown = |index: usize| index < HEAD || index + tail >= length;
        let characters = self.0.chars().enumerate();
        characters
            .map(|(index, character)| if shown(index) { character } else { '•' })
            .collect()
    }
}

fn why_invalid(text: &str, country: Option<Country>) -> WhyInvalid {
    if text.trim().is_empty() {
        return WhyInvalid::Empty;
    }
    if text.chars().nth(LONGEST).is_some() {
        return WhyInvalid::TooLong;
    }
    let parsed = match PHONE_NUMBER_UTIL.parse_and_keep_raw_input(text, country.map(Country::region)) {
        Ok(parsed) => parsed,
        Err(error) => return unread(text, country, &error),
    };
    if dials_letters(text, &parsed) {
        return WhyInvalid::Letters;
    }
    match parsed.is_possible_with_reason() {
        Err(ValidationError::TooShort) => WhyInvalid::TooShort,
        Err(ValidationError::TooLong) => WhyInvalid::TooLong,
        Err(ValidationError::InvalidCountryCode) => WhyInvalid::UnknownCountry,
        _ => WhyInvalid::NoSuchNumber,
    }
}

fn unread(text: &str, country: Option<Country>, error: &ParseError) -> WhyInvalid {
    match error {
        ParseError::InvalidCountryCode if text.trim_start().starts_with('+') => WhyInvalid::UnknownCountry,
        ParseError::InvalidCountryCode if country.is_none() => WhyInvalid::WithoutCountry,
        ParseError::InvalidCountryCode => WhyInvalid::UnknownCountry,
        ParseError::TooShortAfterIdd | ParseError::TooShortNsn => WhyInvalid::TooShort,
        ParseError::TooLongNsn => WhyInvalid::TooLong,
        ParseError::NotANumber(_) => WhyInvalid::NoNumber,
    }
}

/// How many characters of a masked number are shown before the dots, the `+` included.
const HEAD: usize = 3;
const LONGEST_TAIL: usize = 3;
const FEWEST_HIDDEN: usize = 5;

const LONGEST_CALLING_CODE: usize = 3;

/// Whether letters became digits of a number with a country code. Google reads three letters or more as the keys of
/// a telephone, which would turn `+43 664 1234567 Ada` into another guest's number.
fn dials_letters(text: &str, parsed: &Parsed) -> bool {
    let bears_country_code = matches!(
        parsed.country_code_source(),
        CountryCodeSource::FromNumberWithPlusSign | CountryCodeSource::FromNumberWithIdd
    );
    let letters = text.chars().filter(char::is_ascii_alphabetic).count();
    if !bears_country_code || letters < 3 {
        return false;
    }
    let without_letters = text.replace(|c: char| c.is_ascii_alphabetic(), "-");
    let typed = PHONE_NUMBER_UTIL.normalize(&without_letters);
    let number = parsed.get_national_significant_number();
    // Only the last six digits are compared, since what precedes them may be rewritten: trunk prefixes are dropped,
    // Argentina's mobile prefix moves, San Marino's area code is added.
    let last_digits = number.get(number.len().saturating_sub(6)..).unwrap_or_default();
    !typed.contains(last_digits)
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
mod tests;
