//! Writes dates and money in a language (Unicode's CLDR, through ICU4X).

use chrono::{Datelike, NaiveDate};
use icu_datetime::DateTimeFormatter;
use icu_datetime::fieldsets::YMD;
use icu_datetime::input::Date;
use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;
use icu_locale_core::Locale;

use crate::resort::Language;
use crate::stay::Money;

/// ICU's medium date: `Dec 20, 2026`, `20.12.2026`.
pub(super) fn date(day: NaiveDate, language: &Language) -> Option<String> {
    let formatter = DateTimeFormatter::try_new(locale(language).into(), YMD::medium()).ok()?;
    let month = u8::try_from(day.month()).ok()?;
    let date = Date::try_new_iso(day.year(), month, u8::try_from(day.day()).ok()?).ok()?;
    Some(formatter.format(&date).to_string())
}

/// The number in the language's format, then the ISO code: `1,240.00 EUR`.
pub(super) fn money(money: &Money, language: &Language) -> Option<String> {
    let formatter = DecimalFormatter::try_new(locale(language).into(), Default::default()).ok()?;
    let number: Decimal = money.amount.parse().ok()?;
    Some(format!("{} {}", formatter.format(&number), money.currency))
}

fn locale(language: &Language) -> Locale {
    language.as_str().parse().unwrap_or(Locale::UNKNOWN)
}
