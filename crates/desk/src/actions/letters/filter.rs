//! The text form of a filter, for addresses of pages and rows of jobs: `reason=refused&resort=azure-bay&older=2d`.
//!
//! Without `state` it means the open letters. A guest is named by the keyed hash of their number, which tells nobody the number. The
//! resorts of the member who asks are not part of the text: they are set by whoever reads it.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use domain::dead_letter::Standing;
use domain::duration;
use domain::ids::{LetterId, NO_RESORT, StaffName};
use store::letters::{Assignee, AtResort, Filter};
use store::staff::NOBODY;
use url::form_urlencoded;

/// The keys that a text may have.
pub(crate) const KEYS: [&str; 11] = [
    "state", "kind", "reason", "resort", "source", "older", "younger", "assignee", "id", "guest", "letters",
];

const ANY_STATE: &str = "all";
const LONGEST_ID: usize = 250;
/// Letters that a text names one by one at most: as many as a page lists, and some.
pub(crate) const MOST_LETTERS: usize = 200;
/// Between the letters that a text names: addresses leave it as it is.
const BETWEEN_LETTERS: char = '.';

/// What is wrong with the text of a filter. The value is not repeated: it may be anything that somebody typed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) struct WrongFilter {
    /// One of [`KEYS`], or the unknown key.
    pub(crate) key: String,
    pub(crate) problem: String,
}

impl fmt::Display for WrongFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key, self.problem)
    }
}

/// Reads a query of an address. An empty value, which a form sends for a field that nobody filled in, asks for nothing.
/// Keys that are not a filter's are refused, apart from those in `others`.
pub(crate) fn parse(query: &str, others: &[&str]) -> Result<Filter, WrongFilter> {
    let mut filter = Filter {
        standing: Some(Standing::Open),
        ..Filter::default()
    };
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        if value.is_empty() || others.contains(&&*key) {
            continue;
        }
        read(&mut filter, &key, value.trim()).map_err(|problem| WrongFilter {
            key: key.into_owned(),
            problem,
        })?;
    }
    Ok(filter)
}

fn read(filter: &mut Filter, key: &str, value: &str) -> Result<(), String> {
    match key {
        "state" if value == ANY_STATE => filter.standing = None,
        "state" => filter.standing = Some(parsed(value)?),
        "kind" => filter.kind = Some(parsed(value)?),
        "reason" => filter.reason = Some(parsed(value)?),
        "resort" if value == NO_RESORT => filter.resort = Some(AtResort::None),
        "resort" => filter.resort = Some(AtResort::One(parsed(value)?)),
        "source" => filter.source = Some(parsed(value)?),
        "older" => filter.older = Some(duration::parse(value).map_err(|error| error.to_string())?),
        "younger" => filter.younger = Some(duration::parse(value).map_err(|error| error.to_string())?),
        "assignee" if value == NOBODY => filter.assignee = Some(Assignee::Nobody),
        "assignee" => filter.assignee = Some(Assignee::Member(parsed::<StaffName>(value)?)),
        "id" if value.chars().any(char::is_control) => return Err("has a control character".to_owned()),
        "id" if value.chars().count() > LONGEST_ID => return Err("is too long for an id".to_owned()),
        "id" => filter.id = Some(value.to_owned()),
        "guest" => filter.guest = Some(hash(value).ok_or("is not the hash of a number")?),
        "letters" => filter.letters = some_letters(value)?,
        _ => return Err("is not a filter".to_owned()),
    }
    Ok(())
}

fn some_letters(value: &str) -> Result<BTreeSet<LetterId>, String> {
    let ids = value.split(BETWEEN_LETTERS).map(str::parse);
    let ids: BTreeSet<LetterId> = ids
        .collect::<Result<_, _>>()
        .map_err(|_| "is not a list of letters".to_owned())?;
    match ids.len() {
        ..=MOST_LETTERS => Ok(ids),
        _ => Err(format!("names more than {MOST_LETTERS} letters")),
    }
}

fn parsed<T: std::str::FromStr<Err: fmt::Display>>(value: &str) -> Result<T, String> {
    value.parse().map_err(|error: T::Err| error.to_string())
}

/// The query that [`parse`] reads as this filter.
pub(crate) fn write(filter: &Filter) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (key, value) in pairs(filter) {
        query.append_pair(key, &value);
    }
    query.finish()
}

/// What a filter asks for, in the order of [`KEYS`].
pub(crate) fn pairs(filter: &Filter) -> Vec<(&'static str, String)> {
    let state = match filter.standing {
        Some(Standing::Open) => None,
        Some(standing) => Some(standing.to_string()),
        None => Some(ANY_STATE.to_owned()),
    };
    let assignee = |assignee: &Assignee| match assignee {
        Assignee::Nobody => NOBODY.to_owned(),
        Assignee::Member(name) => name.to_string(),
    };
    let resort = |resort: &AtResort| match resort {
        AtResort::None => NO_RESORT.to_owned(),
        AtResort::One(id) => id.to_string(),
    };
    let values = [
        state,
        filter.kind.map(|kind| kind.to_string()),
        filter.reason.map(|reason| reason.to_string()),
        filter.resort.as_ref().map(resort),
        filter.source.as_ref().map(ToString::to_string),
        filter.older.map(age),
        filter.younger.map(age),
        filter.assignee.as_ref().map(assignee),
        filter.id.clone(),
        filter.guest.as_ref().map(hexadecimal),
        Some(&filter.letters)
            .filter(|letters| !letters.is_empty())
            .map(named),
    ];
    let pairs = KEYS.into_iter().zip(values);
    pairs.filter_map(|(key, value)| Some((key, value?))).collect()
}

fn named(letters: &BTreeSet<LetterId>) -> String {
    let ids: Vec<String> = letters.iter().map(ToString::to_string).collect();
    ids.join(&BETWEEN_LETTERS.to_string())
}

/// In the greatest unit in which it is whole.
fn age(age: Duration) -> String {
    let (seconds, millis) = (age.as_secs(), age.subsec_millis());
    if millis > 0 {
        return format!("{}ms", age.as_millis());
    }
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let whole = units.iter().find(|(unit, _)| seconds > 0 && seconds % unit == 0);
    whole.map_or_else(
        || format!("{seconds}s"),
        |(unit, name)| format!("{}{name}", seconds / unit),
    )
}

fn hexadecimal(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hash(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let digits = text.bytes().map(digit).collect::<Option<Vec<u8>>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high * 16 + low).collect();
    if rest.is_empty() {
        bytes.try_into().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use domain::dead_letter::{DeadLetterReason, LetterKind};
    use domain::ids::{ResortId, SourceId};

    use super::*;

    fn full() -> Filter {
        Filter {
            standing: Some(Standing::Settled),
            kind: Some(LetterKind::Events),
            reason: Some(DeadLetterReason::Unmappable),
            resort: ResortId::parse("azure & bay").ok().map(AtResort::One),
            source: SourceId::parse("lodgify").ok(),
            older: Some(Duration::from_secs(2 * 86_400)),
            younger: Some(Duration::from_secs(90)),
            assignee: StaffName::parse("anna=ä").ok().map(Assignee::Member),
            id: Some("BK/1 %".to_owned()),
            guest: Some([0xa7; 32]),
            letters: [LetterId(7), LetterId(12)].into(),
            ..Filter::default()
        }
    }

    // shows: B190
    #[test]
    fn a_filter_is_read_from_the_text_that_is_written_of_it() {
        let open = Filter {
            standing: Some(Standing::Open),
            ..Filter::default()
        };
        let nobodys = Filter {
            assignee: Some(Assignee::Nobody),
            ..open.clone()
        };
        let of_no_resort = Filter {
            resort: Some(AtResort::None),
            ..open.clone()
        };
        assert_eq!(write(&of_no_resort), "resort=none");
        for filter in [open.clone(), Filter::default(), nobodys, of_no_resort, full()] {
            let text = write(&filter);

            assert_eq!(parse(&text, &[]), Ok(filter), "{text}");
        }
        assert_eq!(write(&open), "");
        assert!(write(&full()).ends_with("&letters=7.12"));
        assert!(write(&full()).contains("resort=azure+%26+bay&source=lodgify&older=2d&younger=90s"));
    }

    #[test]
    fn a_field_that_nobody_filled_in_asks_for_nothing_and_a_pages_own_keys_are_left_alone() {
        let read = parse("reason=&resort=&page=3", &["page"]);

        assert_eq!(read, parse("", &[]));
        assert_eq!(read.unwrap().standing, Some(Standing::Open));
    }

    #[test]
    fn what_is_wrong_in_a_filter_is_said_with_its_key_and_without_its_value() {
        for (text, told) in [
            ("state=dead", "state is not a known state of letters"),
            ("kind=sms", "kind is not a known kind of letter"),
            ("reason=why", "reason is not a known dead letter reason"),
            (
                "older=soon",
                "older is not a duration such as 500ms, 90s, 30m, 24h, 2d or 2y",
            ),
            ("guest=12ab", "guest is not the hash of a number"),
            ("id=a%00b", "id has a control character"),
            ("letters=7,8", "letters is not a list of letters"),
            ("colour=red", "colour is not a filter"),
        ] {
            assert_eq!(parse(text, &[]).unwrap_err().to_string(), told);
        }
    }
}
