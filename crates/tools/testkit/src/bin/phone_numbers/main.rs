//! Reads phone numbers as Bellhop does, for the comparison with Google's library by `scripts/test numbers`.
//!
//! Each line of stdin is the resort's country, a tab and a number as it was typed. The answer is a line with the number in
//! E.164 form, its calling code and its country, separated by tabs, or `-` for what is missing.

use std::process::ExitCode;

use domain::country::Country;
use domain::phone_number::PhoneNumber;
use testkit::questions::answer_all;

fn main() -> ExitCode {
    answer_all(answer)
}

fn answer(question: &str) -> Option<String> {
    let (country, typed) = question.split_once('\t')?;
    let country = Country::parse(country).ok()?;
    Some(match PhoneNumber::parse(typed, Some(country)) {
        Err(_) => "-\t-\t-".to_owned(),
        Ok(number) => {
            let region = number
                .country()
                .map_or_else(|| "-".to_owned(), |country| country.to_string());
            format!("{}\t{}\t{region}", number.reveal(), number.country_code())
        }
    })
}
