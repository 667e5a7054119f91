//! What a booking says of the stay.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// A text about a person. `Debug` and `Display` show nothing of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Personal(String);

impl Personal {
    /// Marks a text as personal.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for sealing and for the wire.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

impl fmt::Display for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// A decimal number as the platform wrote it: `1240.00`.
    pub amount: String,
    /// ISO 4217: three capital letters.
    pub currency: String,
}

impl Money {
    /// Takes a plain decimal number (at most 18 digits, `.` as the point) and three letters.
    pub fn parse(amount: &str, currency: &str) -> Option<Self> {
        let unsigned = amount.strip_prefix('-').unwrap_or(amount);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let good_amount = digits(whole) && digits(fraction) && unsigned.len() <= 19;
        let good_currency = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_alphabetic());
        (good_amount && good_currency).then(|| Self {
            amount: amount.to_owned(),
            currency: currency.to_ascii_uppercase(),
        })
    }
}

/// Whether two stays can be the same one: they overlap, or one of them names no dates.
/// The departure day is free for the next guest.
pub fn may_overlap(
    one: (Option<NaiveDate>, Option<NaiveDate>),
    other: (Option<NaiveDate>, Option<NaiveDate>),
) -> bool {
    let before = |end: Option<NaiveDate>, start: Option<NaiveDate>| matches!((end, start), (Some(end), Some(start)) if end <= start);
    !before(one.1, other.0) && !before(other.1, one.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(2026, 12, day)
    }

    #[test]
    fn stays_overlap_unless_one_ends_before_the_other_begins() {
        assert!(may_overlap((day(20), day(27)), (day(26), day(28))));
        assert!(!may_overlap((day(20), day(27)), (day(27), day(28))));
        assert!(!may_overlap((day(27), day(28)), (day(20), day(27))));
        assert!(may_overlap((None, None), (day(20), day(27))));
    }

    #[test]
    fn money_is_a_plain_decimal_and_three_letters() {
        assert!(Money::parse("1240.00", "eur").is_some_and(|m| m.currency == "EUR"));
        for (amount, currency) in [
            ("1,240", "EUR"),
            ("", "EUR"),
            ("1.", "EUR"),
            ("12", "EURO"),
            ("1e3", "EUR"),
        ] {
            assert_eq!(Money::parse(amount, currency), None, "{amount} {currency}");
        }
    }
}
