//! The meaning of WhatsApp's error codes. One table, [`all`], lists them.
//!
//! WhatsApp asks to decide by the code, never by the HTTP status, the sub-code or the wording. There are two
//! exceptions, where the code alone does not decide: the sub-code of 100, and unknown codes.

pub(crate) mod marketing;
mod table;

use std::time::Duration;

use domain::after_call::{Advice, Refusal, Scope};

/// How WhatsApp is known to report a code. A code that arrives in another way is judged alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrives {
    Answer,
    /// As a status `failed`, after WhatsApp accepted the call.
    Status,
    Both,
}

/// One code, or a range of codes with one meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The code, or the first of a range.
    pub code: i64,
    /// The last code of a range; equal to `code` for a single one.
    pub last: i64,
    /// WhatsApp's own title of the code, without personal data.
    pub title: &'static str,
    pub scope: Scope,
    pub advice: Advice,
    /// Whether the same request can succeed later without a change by a person.
    pub passing: bool,
    /// Whether WhatsApp may have accepted the message all the same.
    pub unsure: bool,
    pub arrives: Arrives,
}

/// All known codes, sorted.
pub fn all() -> &'static [Entry] {
    table::TABLE
}

pub fn find(code: i64) -> Option<&'static Entry> {
    let after = table::TABLE.partition_point(|entry| entry.code <= code);
    let entry = table::TABLE.get(after.checked_sub(1)?)?;
    (code <= entry.last).then_some(entry)
}

/// WhatsApp's own title of a code.
pub fn title(code: i64) -> &'static str {
    find(code).map_or("unknown to us", |entry| entry.title)
}

/// An `error` object, as far as decisions need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ErrorObject {
    pub code: i64,
    pub subcode: Option<i64>,
    /// `is_transient`; false if it is missing.
    pub is_transient: bool,
}

/// Judges an error answer.
///
/// A code that is not in the table is retried only if the answer itself hints that the fault will pass.
pub fn refusal(error: ErrorObject, http_status: u16, retry_after: Option<Duration>) -> Refusal {
    let code = match (error.code, error.subcode) {
        (INVALID_PARAMETER, Some(UNKNOWN_OBJECT)) => UNKNOWN_OBJECT,
        (code, _) => code,
    };
    let hints_at_passing = http_status >= 500 || error.is_transient;
    let unknown = if hints_at_passing {
        Advice::Retry
    } else {
        Advice::GiveUp
    };
    Refusal {
        retry_after,
        ..judged(code, unknown)
    }
}

/// Judges a status `failed`. It has no HTTP status, so nothing hints that an unknown fault will pass.
pub fn failure(code: i64) -> Refusal {
    judged(code, Advice::GiveUp)
}

/// What the table says about a code; `unknown` if it does not list it.
fn judged(code: i64, unknown: Advice) -> Refusal {
    let entry = find(code);
    let (scope, advice) = entry.map_or((Scope::Message, unknown), |entry| (entry.scope, entry.advice));
    Refusal {
        code,
        scope,
        advice,
        retry_after: None,
        unsure: entry.is_some_and(|entry| entry.unsure),
    }
}

const INVALID_PARAMETER: i64 = 100;
const UNKNOWN_OBJECT: i64 = 33;

const fn entry(code: i64, title: &'static str, scope: Scope, advice: Advice) -> Entry {
    let passing = matches!(advice, Advice::Retry | Advice::Throttle);
    Entry {
        code,
        last: code,
        title,
        scope,
        advice,
        passing,
        unsure: false,
        arrives: Arrives::Answer,
    }
}

impl Entry {
    const fn to(mut self, last: i64) -> Self {
        self.last = last;
        self
    }

    const fn passing(mut self) -> Self {
        self.passing = true;
        self
    }

    const fn unsure(mut self) -> Self {
        self.unsure = true;
        self
    }

    const fn by_status(mut self) -> Self {
        self.arrives = Arrives::Status;
        self
    }

    const fn both_ways(mut self) -> Self {
        self.arrives = Arrives::Both;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: i64, subcode: Option<i64>, http_status: u16, is_transient: bool) -> (i64, Scope, Advice) {
        let refusal = refusal(
            ErrorObject {
                code,
                subcode,
                is_transient,
            },
            http_status,
            None,
        );
        (refusal.code, refusal.scope, refusal.advice)
    }

    #[test]
    fn the_table_is_sorted_and_lists_no_code_twice() {
        for pair in all().windows(2) {
            assert!(
                pair[0].last < pair[1].code,
                "{} and {}",
                pair[0].code,
                pair[1].code
            );
        }
    }

    #[test]
    fn a_range_holds_its_ends_and_what_lies_between() {
        for code in [200, 210, 299] {
            assert_eq!(find(code).map(|entry| entry.code), Some(200), "{code}");
        }
        for code in [-1, 5, 199, 300, 999_999_999, i64::MIN, i64::MAX] {
            assert_eq!(find(code), None, "{code}");
        }
    }

    #[test]
    fn an_invalid_parameter_with_sub_code_33_is_an_unknown_number() {
        assert_eq!(of(100, Some(33), 400, false), (33, Scope::Number, Advice::Hold));
        assert_eq!(
            of(100, Some(34), 400, false),
            (100, Scope::Message, Advice::GiveUp)
        );
        assert_eq!(of(190, Some(33), 401, false), (190, Scope::Token, Advice::Hold));
    }

    #[test]
    fn an_unknown_code_is_retried_only_when_the_answer_hints_that_it_will_pass() {
        assert_eq!(
            of(77_777, None, 400, false),
            (77_777, Scope::Message, Advice::GiveUp)
        );
        assert_eq!(
            of(77_777, None, 503, false),
            (77_777, Scope::Message, Advice::Retry)
        );
        assert_eq!(
            of(77_777, None, 400, true),
            (77_777, Scope::Message, Advice::Retry)
        );
    }

    #[test]
    fn only_the_codes_of_silent_outages_leave_the_outcome_unsure() {
        let unsure: Vec<_> = all()
            .iter()
            .filter(|entry| entry.unsure)
            .map(|entry| entry.code)
            .collect();

        assert_eq!(unsure, [1, 131_000, 131_016]);
    }
}
