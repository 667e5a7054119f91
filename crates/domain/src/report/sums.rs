//! Sums of money by currency, exact: decimals are added as they were written.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::stay::Money;

/// A decimal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Amount {
    /// In the smallest unit that was written.
    units: i128,
    decimals: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a decimal number")]
pub struct InvalidAmount;

impl Amount {
    /// At least two decimals, so that whole numbers read as money.
    const ZERO: Self = Self {
        units: 0,
        decimals: 2,
    };

    fn with_decimals(self, decimals: u32) -> i128 {
        let more = decimals.saturating_sub(self.decimals);
        self.units.saturating_mul(10_i128.saturating_pow(more))
    }

    /// The part of one of so many, in cents; `None`: there are none.
    pub fn divided_by(self, parts: u64) -> Option<Self> {
        let parts = i128::from(parts).saturating_mul(10_i128.saturating_pow(self.decimals));
        let cents = self.units.saturating_mul(100);
        // Half a cent is rounded up.
        let units = cents.checked_add(parts / 2)?.checked_div_euclid(parts)?;
        Some(Self { units, decimals: 2 })
    }

    /// What so many of `of` equal parts are, in whole units to three digits; `None`: there are no parts.
    pub fn roughly(self, parts: u64, of: u64) -> Option<i128> {
        let of = i128::from(of).checked_mul(10_i128.checked_pow(self.decimals)?)?;
        let exact = self.units.checked_mul(i128::from(parts))?;
        let whole = exact.checked_add(of / 2)?.checked_div_euclid(of)?;
        let digits = whole.unsigned_abs().checked_ilog10().unwrap_or_default();
        let step = 10_i128.checked_pow(digits.saturating_sub(2))?;
        Some((whole + step / 2).div_euclid(step) * step)
    }

    fn plus(self, other: Self) -> Self {
        let decimals = self.decimals.max(other.decimals);
        Self {
            units: self
                .with_decimals(decimals)
                .saturating_add(other.with_decimals(decimals)),
            decimals,
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = 10_u128.saturating_pow(self.decimals);
        let (sign, units) = (if self.units < 0 { "-" } else { "" }, self.units.unsigned_abs());
        let width = usize::try_from(self.decimals).unwrap_or_default();
        write!(f, "{sign}{}.{:0width$}", units / scale, units % scale)
    }
}

impl FromStr for Amount {
    type Err = InvalidAmount;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let decimals = u32::try_from(fraction.len()).map_err(|_| InvalidAmount)?;
        let units = format!("{whole}{fraction}").parse().map_err(|_| InvalidAmount)?;
        Ok(Self::ZERO.plus(Self { units, decimals }))
    }
}

impl From<Amount> for String {
    fn from(amount: Amount) -> Self {
        amount.to_string()
    }
}

impl TryFrom<String> for Amount {
    type Error = InvalidAmount;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A sum for each currency.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sums(BTreeMap<String, Amount>);

impl Sums {
    pub fn add(&mut self, money: &Money) {
        // A domain's amount is a decimal; an unreadable one in a stored row adds nothing.
        if let Ok(amount) = money.amount.parse() {
            self.add_amount(&money.currency, amount);
        }
    }

    fn add_amount(&mut self, currency: &str, amount: Amount) {
        let sum = self.0.entry(currency.to_owned()).or_insert(Amount::ZERO);
        *sum = sum.plus(amount);
    }

    pub fn add_all(&mut self, other: &Self) {
        for (currency, amount) in &other.0 {
            self.add_amount(currency, *amount);
        }
    }

    /// In the order of the currencies.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Amount)> {
        self.0
            .iter()
            .map(|(currency, amount)| (currency.as_str(), *amount))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `1240.00 EUR, 99.50 USD`; `–` where there is none.
impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("–");
        }
        let sums: Vec<String> = self
            .0
            .iter()
            .map(|(currency, amount)| format!("{amount} {currency}"))
            .collect();
        f.write_str(&sums.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_added_to_the_cent_whatever_their_decimals() {
        let mut sums = Sums::default();
        for (amount, currency) in [
            ("0.1", "EUR"),
            ("0.2", "EUR"),
            ("1240", "EUR"),
            ("-0.05", "EUR"),
            ("999999999999999999", "JPY"),
            ("0.12345678901234567", "KWD"),
        ] {
            sums.add(&Money::parse(amount, currency).unwrap());
        }

        assert_eq!(
            sums.to_string(),
            "1240.25 EUR, 999999999999999999.00 JPY, 0.12345678901234567 KWD"
        );
        let mut twice = sums.clone();
        twice.add_all(&sums);
        assert!(twice.to_string().starts_with("2480.50 EUR"), "{twice}");
    }

    #[test]
    fn an_average_is_rounded_to_the_cent() {
        let average = |sum: &str, parts| sum.parse::<Amount>().unwrap().divided_by(parts);
        let shown = |average: Option<Amount>| average.map(|average| average.to_string());

        assert_eq!(shown(average("100", 3)), Some("33.33".to_owned()));
        assert_eq!(shown(average("0.125", 1)), Some("0.13".to_owned()));
        assert_eq!(shown(average("100", 0)), None);
    }

    #[test]
    fn sums_read_back_what_they_write() {
        let mut sums = Sums::default();
        sums.add(&Money::parse("-0.05", "EUR").unwrap());
        let json = serde_json::to_string(&sums).unwrap();

        assert_eq!(json, r#"{"EUR":"-0.05"}"#);
        assert_eq!(serde_json::from_str::<Sums>(&json).unwrap(), sums);
    }

    #[test]
    fn a_part_of_a_sum_is_told_in_whole_units_to_three_digits() {
        let sum: Amount = "35525.00".parse().unwrap();
        assert_eq!(sum.roughly(37, 58), Some(22_700));
        assert_eq!(sum.roughly(0, 58), Some(0));
        assert_eq!(sum.roughly(37, 0), None);
        let small: Amount = "12.49".parse().unwrap();
        assert_eq!(small.roughly(1, 1), Some(12));
    }
}
