//! Countries and their telephone numbering plans.

use std::fmt;
use std::str::FromStr;

use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A country or territory with a numbering plan of its own, named by ISO 3166: `GR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(Region);

/// The text is not the code of a country with telephones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an ISO 3166 country code such as GR")]
pub struct UnknownCountry;

impl Country {
    /// The only country to which Meta delivers no marketing messages.
    pub const UNITED_STATES: Self = Self(Region::US);

    /// Reads two letters, in either case, with blanks around them.
    pub fn parse(text: &str) -> Result<Self, UnknownCountry> {
        let country = Self::named(text.trim())?;
        let has_numbers = PHONE_NUMBER_UTIL.get_country_code_for_region(country.0).is_some();
        has_numbers.then_some(country).ok_or(UnknownCountry)
    }

    /// The library uses three digits for numbering plans that belong to no country, such as satellite phones.
    fn named(code: &str) -> Result<Self, UnknownCountry> {
        match Region::from_code(code) {
            Ok(region) if code.len() == 2 => Ok(Self(region)),
            _ => Err(UnknownCountry),
        }
    }

    pub(crate) fn of_region(region: Region) -> Self {
        Self(region)
    }

    pub(crate) fn region(self) -> Region {
        self.0
    }
}

impl FromStr for Country {
    type Err = UnknownCountry;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Country {
    /// Accepts any two letters: a program with newer metadata may have stored a country that this one does not
    /// know. Numbers without a country code are then invalid, and the rest of the row stays readable.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::named(&code).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_named_by_two_letters_and_has_telephones() {
        for text in ["GR", "gr", " Gr "] {
            assert_eq!(
                Country::parse(text).map(|country| country.to_string()),
                Ok("GR".into())
            );
        }
        for text in ["", "G", "GRC", "001", "30", "ZZ", "AQ", "UK", "Γρ", "G1", "日"] {
            assert_eq!(Country::parse(text), Err(UnknownCountry), "{text}");
        }
        assert_eq!(Country::parse("US"), Ok(Country::UNITED_STATES));
    }

    #[test]
    fn a_stored_country_reads_back_also_where_only_a_newer_program_knows_it() {
        let greece = Country::parse("GR").unwrap();
        let stored = serde_json::to_string(&greece).unwrap();

        assert_eq!(stored, "\"GR\"");
        assert_eq!(serde_json::from_str::<Country>(&stored).unwrap(), greece);
        assert_eq!(
            serde_json::from_str::<Country>("\"ZZ\"").unwrap().to_string(),
            "ZZ"
        );
        for nonsense in ["\"001\"", "\"\"", "30", "null"] {
            assert!(serde_json::from_str::<Country>(nonsense).is_err(), "{nonsense}");
        }
    }
}
