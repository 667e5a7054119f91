//! Parsers of arguments that several commands have.

use std::error::Error;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use domain::ids::{BookingId, BookingKey, ResortId};
use service::Problems;

/// One of an enum's names.
pub(super) fn one_of<T>(all: &[T], as_str: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err: Error + Send + Sync + 'static> + Copy + Send + Sync + 'static,
{
    PossibleValuesParser::new(all.iter().map(|one| as_str(*one))).try_map(|name| name.parse::<T>())
}

/// `--booking RESORT BOOKING`
pub(super) fn booking(words: &[String]) -> Result<BookingKey, Problems> {
    let wrong = |error| Problems::one("--booking", error);
    match words {
        [resort, booking] => Ok(BookingKey {
            resort: ResortId::parse(resort).map_err(wrong)?,
            booking: BookingId::parse(booking).map_err(wrong)?,
        }),
        _ => Err(Problems::one("--booking", "wants one resort and one booking")),
    }
}
