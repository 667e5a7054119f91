//! Reads phone numbers as Bellhop does, for the comparison with Google's library by `scripts/test numbers`.
//!
//! Each line of stdin is the resort's country, a tab and a number as it was typed. The answer is a line with the number in
//! E.164 form, its calling code and its country, separated by tabs, or `-` for what is missing.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use domain::country::Country;
use domain::phone_number::PhoneNumber;

fn main() -> ExitCode {
    match answer_all(io::stdin().lock(), io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn answer_all(questions: impl BufRead, mut answers: impl Write) -> io::Result<()> {
    for line in questions.lines() {
        let line = line?;
        let (country, typed) = line.split_once('\t').ok_or(io::ErrorKind::InvalidInput)?;
        let country = Country::parse(country).map_err(io::Error::other)?;
        writeln!(answers, "{}", answer(country, typed))?;
    }
    answers.flush()
}

fn answer(country: Country, typed: &str) -> String {
    match PhoneNumber::parse(typed, Some(country)) {
        Err(_) => "-\t-\t-".to_owned(),
        Ok(number) => {
            let region = number
                .country()
                .map_or_else(|| "-".to_owned(), |country| country.to_string());
            format!("{}\t{}\t{region}", number.reveal(), number.country_code())
        }
    }
}
