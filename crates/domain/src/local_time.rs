//! Times of day at a resort.
//!
//! A time that summer time skips is the first instant after the gap; a time that it repeats is the earlier one.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use crate::resort::QuietHours;

/// The time that stands for a day without a time.
pub const NOON: NaiveTime = match NaiveTime::from_hms_opt(12, 0, 0) {
    Some(noon) => noon,
    None => NaiveTime::MIN,
};

/// The first instant at which the day's clock shows `time`, or the first one after it if it never does.
pub fn instant(day: NaiveDate, time: NaiveTime, zone: Tz) -> DateTime<Utc> {
    let wanted = day.and_time(time);
    if let Some(found) = zone.from_local_datetime(&wanted).earliest() {
        return found.with_timezone(&Utc);
    }
    // The time lies in a gap. Gaps begin and end on whole minutes and are never longer than a day (IANA's data).
    let whole_minute = wanted - TimeDelta::seconds(i64::from(time.second()));
    (1..=24 * 60)
        .map(|minutes| whole_minute + TimeDelta::minutes(minutes))
        .find_map(|local| zone.from_local_datetime(&local).earliest())
        .map_or_else(|| wanted.and_utc(), |found| found.with_timezone(&Utc))
}

/// The date at the resort.
pub fn day(at: DateTime<Utc>, zone: Tz) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

/// Adds a duration; saturates instead of overflowing.
pub fn after(at: DateTime<Utc>, duration: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(duration)
        .ok()
        .and_then(|delta| at.checked_add_signed(delta))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

impl QuietHours {
    /// The first time from `at` on that is not quiet: `at` itself, or the end of the quiet hours that it falls
    /// into.
    pub fn shift(&self, at: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        self.around(at, zone).map_or(at, |(_, end)| end)
    }

    /// When the next quiet hours after `at` begin; `at` itself if it is quiet already.
    pub fn next_start(&self, at: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        if self.around(at, zone).is_some() {
            return at;
        }
        let today = day(at, zone);
        (0..=2)
            .filter_map(|ahead| today.checked_add_days(Days::new(ahead)))
            .map(|day| instant(day, self.from, zone))
            .find(|start| *start > at)
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// The quiet hours that `at` falls into; the end is not quiet any more.
    fn around(&self, at: DateTime<Utc>, zone: Tz) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        if self.from == self.to {
            return None;
        }
        let today = day(at, zone);
        // Quiet hours that contain `at` began today or, if they span midnight, yesterday.
        let days = [today.pred_opt(), Some(today)];
        days.into_iter().flatten().find_map(|begins| {
            let ends = if self.from < self.to {
                begins
            } else {
                begins.succ_opt()?
            };
            let hours = (instant(begins, self.from, zone), instant(ends, self.to, zone));
            (hours.0 <= at && at < hours.1).then_some(hours)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATHENS: Tz = chrono_tz::Europe::Athens;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn night() -> QuietHours {
        QuietHours {
            from: time(21, 0),
            to: time(9, 0),
        }
    }

    fn time(hour: u32, minute: u32) -> NaiveTime {
        NaiveTime::from_hms_opt(hour, minute, 0).unwrap()
    }

    #[test]
    fn quiet_hours_are_half_open_and_span_midnight() {
        let check =
            |at: &str, expected: &str| assert_eq!(night().shift(utc(at), ATHENS), utc(expected), "{at}");

        check("2026-11-23T18:59:59Z", "2026-11-23T18:59:59Z");
        check("2026-11-23T19:00:00Z", "2026-11-24T07:00:00Z");
        check("2026-11-24T03:00:00Z", "2026-11-24T07:00:00Z");
        check("2026-11-24T07:00:00Z", "2026-11-24T07:00:00Z");
    }

    #[test]
    fn a_time_that_summer_time_skips_is_the_first_instant_after_it() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 29).unwrap();

        assert_eq!(instant(day, time(3, 30), ATHENS), utc("2026-03-29T01:00:00Z"));
    }

    #[test]
    fn a_time_that_summer_time_repeats_is_the_earlier_one() {
        let day = NaiveDate::from_ymd_opt(2026, 10, 25).unwrap();

        assert_eq!(instant(day, time(3, 30), ATHENS), utc("2026-10-25T00:30:00Z"));
    }

    #[test]
    fn the_end_of_quiet_hours_is_computed_for_the_day_on_which_it_happens() {
        let before_summer_time = utc("2026-03-28T20:00:00Z");

        assert_eq!(
            night().shift(before_summer_time, ATHENS),
            utc("2026-03-29T06:00:00Z")
        );
    }

    #[test]
    fn the_next_quiet_hours_begin_this_evening_or_have_already_begun() {
        assert_eq!(
            night().next_start(utc("2026-11-23T10:00:00Z"), ATHENS),
            utc("2026-11-23T19:00:00Z")
        );
        assert_eq!(
            night().next_start(utc("2026-11-23T20:00:00Z"), ATHENS),
            utc("2026-11-23T20:00:00Z")
        );
    }
}
