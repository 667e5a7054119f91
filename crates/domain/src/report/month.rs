//! A month of the calendar, by a resort's clocks.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

use crate::local_time;

/// How long after its end a month still changes: reservations of its last days, and late events.
const OPEN_FOR: Days = Days::new(14);

/// A month: `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    first: NaiveDate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a month such as 2026-11")]
pub struct InvalidMonth;

impl Month {
    /// The month at a resort at this instant.
    pub fn at(at: DateTime<Utc>, zone: Tz) -> Self {
        Self::of(at.with_timezone(&zone).date_naive())
    }

    /// The month of this day.
    pub fn of(day: NaiveDate) -> Self {
        Self {
            first: day.with_day(1).unwrap_or(day),
        }
    }

    pub fn first_day(self) -> NaiveDate {
        self.first
    }

    pub fn next(self) -> Self {
        Self::of(
            self.first
                .checked_add_months(Months::new(1))
                .unwrap_or(self.first),
        )
    }

    pub fn previous(self) -> Self {
        Self::of(
            self.first
                .checked_sub_months(Months::new(1))
                .unwrap_or(self.first),
        )
    }

    /// For people: `November 2026`.
    pub fn name(self) -> String {
        self.first.format("%B %Y").to_string()
    }

    pub fn begins_at(self, zone: Tz) -> DateTime<Utc> {
        local_time::instant(self.first, NaiveTime::MIN, zone)
    }

    /// The first instant after it.
    pub fn ends_at(self, zone: Tz) -> DateTime<Utc> {
        self.next().begins_at(zone)
    }

    /// When its figures become final.
    pub fn freezes_at(self, zone: Tz) -> DateTime<Utc> {
        let day = self.next().first;
        local_time::instant(
            day.checked_add_days(OPEN_FOR).unwrap_or(day),
            NaiveTime::MIN,
            zone,
        )
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}

impl FromStr for Month {
    type Err = InvalidMonth;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (year, month) = text.split_once('-').ok_or(InvalidMonth)?;
        let is_number = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
        if !is_number(year, 4) || !is_number(month, 2) {
            return Err(InvalidMonth);
        }
        let (year, month) = (year.parse().map_err(|_| InvalidMonth)?, month.parse());
        let first = NaiveDate::from_ymd_opt(year, month.map_err(|_| InvalidMonth)?, 1);
        first.map(|first| Self { first }).ok_or(InvalidMonth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_reads_back_what_it_writes_and_refuses_other_texts() {
        assert_eq!(month("2026-11").to_string(), "2026-11");
        assert_eq!(month("2026-11").name(), "November 2026");
        for text in [
            "2026-13",
            "2026-00",
            "2026-1",
            "26-01",
            "2026/11",
            "2026-+1",
            "",
            "2026-11-01",
        ] {
            assert_eq!(text.parse::<Month>(), Err(InvalidMonth), "{text}");
        }
        assert_eq!(month("2026-12").next(), month("2027-01"));
        assert_eq!(month("2026-01").previous(), month("2025-12"));
    }

    #[test]
    fn a_month_begins_and_ends_by_the_resorts_clocks_and_is_final_14_days_later() {
        let zone = Tz::Europe__Athens;
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();

        assert_eq!(month("2026-10").begins_at(zone), at("2026-09-30T21:00:00Z"));
        assert_eq!(month("2026-10").ends_at(zone), at("2026-10-31T22:00:00Z"));
        assert_eq!(month("2026-10").freezes_at(zone), at("2026-11-14T22:00:00Z"));
        assert_eq!(Month::at(at("2026-10-31T21:59:59Z"), zone), month("2026-10"));
        assert_eq!(Month::at(at("2026-10-31T22:00:00Z"), zone), month("2026-11"));
    }
}
