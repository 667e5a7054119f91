//! When in a guest's journey a message goes: a fact, an offset, a time of day, and a condition.
//!
//! The built-in kinds and the moments of a resort's own file are values of the same type, so that one plan serves all.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::condition::Condition;
use crate::duration;
use crate::local_time;
use crate::message::MomentName;
use crate::text_enum::{Unknown, text_enum};

/// A kind of message that a resort sends.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    pub at: MomentTime,
    pub category: Category,
    /// Without a condition it is for every booking.
    pub only_if: Option<Condition>,
    /// Its time and condition as the file writes them: what changes them makes it a new moment. Empty for built-in kinds.
    pub definition: String,
    /// How long after its planned time it is still useful.
    pub expires_after: Duration,
    /// The payloads of the template's quick replies, in the order of its buttons; each guest's choice is a fact of the
    /// booking. Empty: no question.
    pub replies: Vec<Reply>,
}

/// A quick reply that a moment offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// What conditions compare: `answer.<moment> == 'fine'`.
    pub payload: String,
    /// Whether a guest who chooses it needs a person.
    pub alert: bool,
}

impl Reply {
    /// Whether a text can be a payload: 1 to 32 lower-case letters, digits and underscores.
    pub fn is_payload(text: &str) -> bool {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        (1..=32).contains(&text.len()) && text.bytes().all(allowed)
    }
}

/// What a button carries to WhatsApp, and WhatsApp sends back when the guest presses it: `<moment>.<payload>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuickReply {
    pub moment: MomentName,
    pub payload: String,
}

impl fmt::Display for QuickReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.moment, self.payload)
    }
}

impl FromStr for QuickReply {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (moment, payload) = text.split_once('.')?;
            let moment = MomentName::parse(moment).ok()?;
            Reply::is_payload(payload).then(|| Self {
                moment,
                payload: payload.to_owned(),
            })
        };
        read().ok_or(Unknown { what: "quick reply" })
    }
}

text_enum! {
    /// What a message counts as, for WhatsApp and for the guest's consent.
    Category("category") {
        Utility = "utility",
        /// The guest can opt out of it; quiet hours, consent and the day's limit hold.
        Marketing = "marketing",
    }
}

text_enum! {
    /// What a moment's time is counted from.
    Basis("fact") {
        /// The guest's last activity on the cart.
        Started = "started",
        /// Since when the guest counts as absent from the cart.
        Abandoned = "abandoned",
        /// When the first reminder really went. No file can name it: only the second reminder follows the first.
        FirstReminder = "first_reminder",
        Confirmed = "confirmed",
        /// The day of arrival, at noon.
        CheckIn = "check_in",
        /// The arrival that the platform reported.
        CheckedIn = "checked_in",
        /// The day of departure, at noon.
        CheckOut = "check_out",
        /// The departure that the platform reported; without a report, noon of the departure day, if the guest arrived.
        CheckedOut = "checked_out",
    }
}

impl Basis {
    /// Whether the moment belongs to a cart: it asks the guest to finish a booking, so a reservation makes it wrong.
    pub const fn is_of_cart(self) -> bool {
        matches!(self, Self::Started | Self::Abandoned | Self::FirstReminder)
    }
}

impl Moment {
    pub(crate) const fn built_in(
        basis: Basis,
        delay: Duration,
        category: Category,
        expires_after: Duration,
    ) -> Self {
        Self {
            at: MomentTime {
                basis,
                offset: Offset::After(delay),
                time: None,
            },
            category,
            only_if: None,
            definition: String::new(),
            expires_after,
            replies: Vec::new(),
        }
    }

    /// Whether it asks the guest to finish a booking.
    pub const fn is_reminder(&self) -> bool {
        self.at.basis.is_of_cart()
    }

    /// Whether the guest can opt out of it, and quiet hours delay it. A reminder is always marketing.
    pub fn is_marketing(&self) -> bool {
        self.category == Category::Marketing || self.is_reminder()
    }
}

/// `check_in - 1d 18:00`: a fact, an offset, and optionally a time of that day at the resort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MomentTime {
    pub basis: Basis,
    pub offset: Offset,
    pub time: Option<NaiveTime>,
}

/// How far from the fact; a day has 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offset {
    Before(Duration),
    After(Duration),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMomentTime {
    #[error(
        "does not begin with started, abandoned, confirmed, check_in, checked_in, check_out or checked_out"
    )]
    Basis,
    #[error("has an offset that is not + or - and a duration such as 1d or 90m")]
    Offset,
    #[error("has a time that is not a time of day such as 18:00")]
    Time,
    #[error("would go before the fact is known: only check_in and check_out are known in advance")]
    BeforeFact,
}

impl FromStr for MomentTime {
    type Err = InvalidMomentTime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The sign may stand alone or close to its neighbours.
        let spaced = text.replace('+', " + ").replace('-', " - ");
        let mut words = spaced.split_whitespace().peekable();
        let basis = words
            .next()
            .and_then(|word| word.parse().ok())
            .filter(|basis| *basis != Basis::FirstReminder)
            .ok_or(InvalidMomentTime::Basis)?;
        let sign = words.next_if(|word| matches!(*word, "+" | "-"));
        let offset = match sign {
            None => Offset::After(Duration::ZERO),
            Some(sign) => {
                let length = words
                    .next()
                    .and_then(|word| duration::parse(word).ok())
                    .ok_or(InvalidMomentTime::Offset)?;
                match sign {
                    "-" => Offset::Before(length),
                    _ => Offset::After(length),
                }
            }
        };
        let time = words
            .next()
            .map(|word| {
                NaiveTime::parse_from_str(word, "%H:%M")
                    .ok()
                    .filter(|_| word.len() == 5)
                    .ok_or(InvalidMomentTime::Time)
            })
            .transpose()?;
        if words.next().is_some() {
            return Err(InvalidMomentTime::Time);
        }
        let known_before = matches!(basis, Basis::CheckIn | Basis::CheckOut);
        if !known_before && matches!(offset, Offset::Before(_)) {
            return Err(InvalidMomentTime::BeforeFact);
        }
        Ok(Self { basis, offset, time })
    }
}

impl MomentTime {
    /// The time for a fact of an instant.
    pub fn after_instant(&self, fact: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        let moved = self.offset.from(fact);
        match self.time {
            // The local time of the fact's own day may lie before the fact: then it is that time of the next day.
            Some(time) => {
                let day = local_time::day(moved, zone);
                let at = local_time::instant(day, time, zone);
                match day.succ_opt() {
                    Some(next) if at < fact => local_time::instant(next, time, zone),
                    _ => at,
                }
            }
            None => moved,
        }
    }

    /// The time for a day: counted from its noon at the resort.
    pub fn around_day(&self, day: NaiveDate, zone: Tz) -> DateTime<Utc> {
        let noon = local_time::instant(day, local_time::NOON, zone);
        let moved = self.offset.from(noon);
        match self.time {
            Some(time) => local_time::instant(local_time::day(moved, zone), time, zone),
            None => moved,
        }
    }
}

impl Offset {
    /// Saturates instead of overflowing.
    fn from(self, at: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::After(length) => local_time::after(at, length),
            Self::Before(length) => TimeDelta::from_std(length)
                .ok()
                .and_then(|length| at.checked_sub_signed(length))
                .unwrap_or(DateTime::<Utc>::MIN_UTC),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATHENS: Tz = chrono_tz::Europe::Athens;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn time(text: &str) -> MomentTime {
        text.parse().unwrap()
    }

    #[test]
    fn the_evening_before_arrival_and_the_morning_after_the_first_night() {
        let arrival: NaiveDate = "2026-12-20".parse().unwrap();
        let check = |text: &str, expected: &str| {
            assert_eq!(time(text).around_day(arrival, ATHENS), utc(expected), "{text}");
        };

        check("check_in - 1d 18:00", "2026-12-19T16:00:00Z");
        check("check_in + 1d 10:00", "2026-12-21T08:00:00Z");
        check("check_in", "2026-12-20T10:00:00Z");
        check("check_in-90m", "2026-12-20T08:30:00Z");
        check("check_in - 2d", "2026-12-18T10:00:00Z");
        check("check_in + 30h", "2026-12-21T16:00:00Z");
    }

    #[test]
    fn the_day_before_is_the_day_before_when_summer_time_begins() {
        // Clocks in Athens were put forward on 29 March 2026.
        let sunday: NaiveDate = "2026-03-29".parse().unwrap();

        assert_eq!(
            time("check_in - 1d 18:00").around_day(sunday, ATHENS),
            utc("2026-03-28T16:00:00Z")
        );
        assert_eq!(
            time("check_in + 1d 10:00").around_day(sunday, ATHENS),
            utc("2026-03-30T07:00:00Z")
        );
    }

    #[test]
    fn a_local_time_after_a_fact_is_never_before_it() {
        let late = utc("2026-12-20T20:00:00Z");

        assert_eq!(
            time("checked_in 10:00").after_instant(late, ATHENS),
            utc("2026-12-21T08:00:00Z")
        );
        assert_eq!(
            time("checked_in + 2h 10:00").after_instant(late, ATHENS),
            utc("2026-12-21T08:00:00Z")
        );
        assert_eq!(
            time("checked_out + 1d 10:00").after_instant(late, ATHENS),
            utc("2026-12-21T08:00:00Z")
        );
    }

    #[test]
    fn a_quick_reply_reads_back_what_it_writes_and_refuses_other_texts() {
        let reply = QuickReply {
            moment: MomentName::parse("stay_check").unwrap(),
            payload: "help".to_owned(),
        };

        assert_eq!(reply.to_string(), "stay_check.help");
        assert_eq!(reply.to_string().parse(), Ok(reply));
        for other in [
            "fine",
            ".",
            "stay_check.",
            "Stay_check.fine",
            "stay_check.All fine",
            "OPT_OUT",
        ] {
            assert!(other.parse::<QuickReply>().is_err(), "{other}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_what_is_wrong() {
        for (text, error) in [
            ("", InvalidMomentTime::Basis),
            ("arrival + 1d", InvalidMomentTime::Basis),
            ("first_reminder + 1d", InvalidMomentTime::Basis),
            ("check_in +", InvalidMomentTime::Offset),
            ("check_in - soon", InvalidMomentTime::Offset),
            ("check_in 6pm", InvalidMomentTime::Time),
            ("check_in 9:00", InvalidMomentTime::Time),
            ("check_in + 1d 10:00 sharp", InvalidMomentTime::Time),
            ("confirmed - 1h", InvalidMomentTime::BeforeFact),
        ] {
            assert_eq!(text.parse::<MomentTime>(), Err(error), "{text}");
        }
    }
}
