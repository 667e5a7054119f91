//! What a booking says about the stay.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// A text about a person. `Debug` and `Display` show nothing of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Personal(String);

impl Personal {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for sealing and for requests.
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

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// A decimal number, as the platform wrote it: `1240.00`.
    pub amount: String,
    /// ISO 4217: three capital letters.
    pub currency: String,
}

impl Money {
    /// Accepts a plain decimal number (at most 18 digits, `.` as the point) and three letters.
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

/// Arrival and departure day, as far as they are known.
pub type Dates = (Option<NaiveDate>, Option<NaiveDate>);

/// Whether two stays can be the same one: they share a day, or their dates leave that open.
///
/// A stay covers the days from its arrival to the day before its departure, and at least its arrival day: a day
/// room overlaps itself, and reversed dates count as a day room. A missing date can be any day.
pub fn may_overlap(one: Dates, other: Dates) -> bool {
    let is_over_when =
        |stay: Dates, begins: Option<NaiveDate>| begins.is_some_and(|day| is_over_on(stay, day));
    !is_over_when(one, other.0) && !is_over_when(other, one.0)
}

/// Whether a stay covers neither this day nor a later one.
fn is_over_on((arrival, departure): Dates, day: NaiveDate) -> bool {
    match (arrival, departure) {
        (_, None) => false,
        (Some(arrival), Some(departure)) if departure <= arrival => arrival < day,
        (_, Some(departure)) => departure <= day,
    }
}

/// The day on which the guest leaves, never before the arrival.
pub fn departure((arrival, departure): Dates) -> Option<NaiveDate> {
    departure.map(|left| arrival.map_or(left, |arrived| arrived.max(left)))
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
        assert!(may_overlap((day(26), None), (day(20), day(27))));
        assert!(!may_overlap((day(27), None), (day(20), day(27))));
        assert!(may_overlap((None, day(21)), (day(20), day(27))));
        assert!(!may_overlap((None, day(20)), (day(20), day(27))));
    }

    // shows: B22
    #[test]
    fn a_day_room_covers_its_day() {
        let day_room = (day(1), day(1));

        assert!(may_overlap(day_room, day_room));
        for (stay, overlaps) in [
            ((day(1), day(3)), true),
            ((NaiveDate::from_ymd_opt(2026, 11, 28), day(1)), false),
            ((day(2), day(2)), false),
            ((day(2), day(4)), false),
            ((None, None), true),
        ] {
            assert_eq!(may_overlap(day_room, stay), overlaps, "{stay:?}");
            assert_eq!(may_overlap(stay, day_room), overlaps, "{stay:?}");
        }
    }

    // shows: B22
    #[test]
    fn a_stay_with_reversed_dates_covers_its_arrival_day_and_ends_no_earlier() {
        let reversed = (day(27), day(20));

        assert!(may_overlap(reversed, (day(27), day(28))));
        assert!(!may_overlap(reversed, (day(20), day(27))));
        assert_eq!(departure(reversed), day(27));
        assert_eq!(departure((day(20), day(27))), day(27));
        assert_eq!(departure((None, day(27))), day(27));
        assert_eq!(departure((day(20), None)), None);
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
