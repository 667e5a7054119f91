//! Days and instants, as platforms write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use domain::local_time;
use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind};

use crate::check::FieldProblem;

/// From here on a number counts milliseconds, not seconds; as seconds it would be a day in the year 5138.
const MILLISECONDS_FROM: f64 = 1e11;

/// Numbers outside of these years are no times; in seconds.
const EARLIEST: f64 = 0.0;
const LATEST: f64 = 7_258_118_400.0; // 2200-01-01

const LENGTH_OF_DAY: usize = "2026-12-20".len();

/// What a text or number says about a moment.
enum Moment {
    Instant(DateTime<Utc>),
    /// Without a zone.
    Local(NaiveDateTime),
    Day(NaiveDate),
}

/// The day of a stay. One without a zone is the day as written; an instant is the day at the resort.
pub(super) fn day(value: &Value, zone: Tz) -> Result<Option<String>, FieldProblem> {
    let day = match read(value)? {
        Moment::Instant(at) => local_time::day(at, zone),
        Moment::Local(local) => local.date(),
        Moment::Day(day) => day,
    };
    // ISO 8601; what `format` interprets costs ten times as much.
    Ok(Some(day.to_string()))
}

/// An instant in RFC 3339. One without a zone is UTC.
pub(super) fn instant(value: &Value) -> Result<Option<String>, FieldProblem> {
    let at = match read(value)? {
        Moment::Instant(at) => at,
        Moment::Local(local) => local.and_utc(),
        Moment::Day(day) => day.and_time(NaiveTime::MIN).and_utc(),
    };
    Ok(Some(written(at)))
}

fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn read(value: &Value) -> Result<Moment, FieldProblem> {
    match value.kind() {
        ValueKind::Number => {
            let number = f64::try_from(value.clone()).map_err(|_| FieldProblem::NotADate)?;
            epoch(number).map(Moment::Instant).ok_or(FieldProblem::NotADate)
        }
        ValueKind::String => parse(value.as_str().unwrap_or_default().trim()).ok_or(FieldProblem::NotADate),
        _ => Err(FieldProblem::WrongType),
    }
}

fn epoch(number: f64) -> Option<DateTime<Utc>> {
    let seconds = if number >= MILLISECONDS_FROM {
        number / 1_000.0
    } else {
        number
    };
    if !(EARLIEST..LATEST).contains(&seconds) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range was checked, and microseconds are enough"
    )]
    let microseconds = (seconds * 1e6).round() as i64;
    DateTime::from_timestamp_micros(microseconds)
}

fn parse(text: &str) -> Option<Moment> {
    let is_number =
        text.len() > LENGTH_OF_DAY - 2 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_number {
        return epoch(text.parse().ok()?).map(Moment::Instant);
    }
    let (day, rest) = text.split_at_checked(LENGTH_OF_DAY)?;
    let day: NaiveDate = day.parse().ok()?;
    let Some(time) = rest.strip_prefix(['T', 't', ' ']) else {
        return rest.is_empty().then_some(Moment::Day(day));
    };
    let time = time.trim();
    if !time.contains(['Z', 'z', '+', '-']) && !time.ends_with(" UTC") {
        return time.parse().ok().map(|time| Moment::Local(day.and_time(time)));
    }
    let written = format!("{day}T{}", time.replace(" UTC", "Z"));
    if let Ok(at) = DateTime::parse_from_rfc3339(&written) {
        return Some(Moment::Instant(at.to_utc()));
    }
    let formats = [
        "%Y-%m-%dT%H:%M:%S%.f%z",
        "%Y-%m-%dT%H:%M:%S%.f %z",
        "%Y-%m-%dT%H:%M%z",
    ];
    let at = formats
        .iter()
        .find_map(|format| DateTime::parse_from_str(&written, format).ok());
    at.map(|at| Moment::Instant(at.to_utc()))
}

/// The filter `date_of`: the first ten characters, for platforms that write `2026-12-20T00:00:00Z` and mean the day.
#[expect(clippy::needless_pass_by_value, reason = "the shape of a filter")]
pub(crate) fn date_of(value: Value) -> Value {
    let text = value.as_str().unwrap_or_default();
    text.get(..LENGTH_OF_DAY).map_or(Value::UNDEFINED, Value::from)
}

/// The filter `in_zone('Europe/Athens')`: the instant at which clocks there show this time. One that has a zone keeps it.
#[expect(clippy::needless_pass_by_value, reason = "the shape of a filter")]
pub(crate) fn in_zone(value: Value, zone: &str) -> Result<Value, Error> {
    let zone: Tz = zone
        .parse()
        .map_err(|_| Error::new(ErrorKind::InvalidOperation, "not a time zone of IANA's"))?;
    if super::is_missing(&value) {
        return Ok(Value::UNDEFINED);
    }
    let at = match read(&value).map_err(|_| Error::new(ErrorKind::InvalidOperation, "not a time"))? {
        Moment::Instant(at) => at,
        Moment::Local(local) => local_time::instant(local.date(), local.time(), zone),
        Moment::Day(day) => local_time::instant(day, NaiveTime::MIN, zone),
    };
    Ok(Value::from(written(at)))
}
