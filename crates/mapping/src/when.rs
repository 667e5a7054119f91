//! The rows of `when`: which of our event types a request is.

use domain::event::EventType;

/// What a row says that a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Event(EventType),
    /// It says too little: `processor` asks the platform for the rest, and the same mapping reads both.
    Fetch,
    /// Nothing that Bellhop acts on.
    Ignored,
    /// The platform tries the address.
    Ping,
}

/// One row. It matches when each of its patterns does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// A text in any letter case, or `*` for anything; one for each expression of `event`.
    pub patterns: Vec<String>,
    pub target: Target,
}

/// What the rows see of a value that is missing.
pub(crate) const MISSING: &str = "-";

impl Target {
    /// Reads the last column of a row.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "fetch" => Ok(Self::Fetch),
            "ignored" => Ok(Self::Ignored),
            "ping" => Ok(Self::Ping),
            _ => text.parse().map(Self::Event).map_err(|_| {
                let types: Vec<_> = EventType::ALL.iter().map(|known| known.as_str()).collect();
                format!("is none of {}, fetch, ignored, ping", types.join(", "))
            }),
        }
    }
}

impl Row {
    /// Whether the row matches these words. Platforms write the same word in different letter cases.
    pub(crate) fn matches(&self, words: &[String]) -> bool {
        self.patterns.len() == words.len()
            && self
                .patterns
                .iter()
                .zip(words)
                .all(|(pattern, word)| pattern == "*" || same_word(pattern, word))
    }

    /// Whether every request that `other` matches is matched by this row.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.patterns.len() == other.patterns.len()
            && self
                .patterns
                .iter()
                .zip(&other.patterns)
                .all(|(mine, theirs)| mine == "*" || (theirs != "*" && same_word(mine, theirs)))
    }
}

fn same_word(one: &str, other: &str) -> bool {
    let is_ascii = one.is_ascii() && other.is_ascii();
    one.eq_ignore_ascii_case(other) || (!is_ascii && one.to_lowercase() == other.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(patterns: &[&str]) -> Row {
        Row {
            patterns: patterns.iter().map(ToString::to_string).collect(),
            target: Target::Ignored,
        }
    }

    fn matches(patterns: &[&str], words: &[&str]) -> bool {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        row(patterns).matches(&words)
    }

    #[test]
    fn a_row_matches_in_any_letter_case_and_a_star_matches_anything() {
        assert!(matches(&["Reservation", "*"], &["reservation", "created"]));
        assert!(matches(&["*", "-"], &["x", "-"]));
        assert!(!matches(&["reservation", "created"], &["reservation", "amended"]));
        assert!(!matches(&["*"], &["x", "y"]));
    }

    #[test]
    fn a_row_covers_what_matches_no_more_than_it_does() {
        assert!(row(&["*", "*"]).covers(&row(&["a", "*"])));
        assert!(row(&["A", "*"]).covers(&row(&["a", "b"])));
        assert!(!row(&["a", "*"]).covers(&row(&["*", "b"])));
        assert!(!row(&["a", "b"]).covers(&row(&["a", "*"])));
    }

    #[test]
    fn a_target_is_an_event_type_or_one_of_three_words() {
        assert_eq!(Target::parse("fetch"), Ok(Target::Fetch));
        assert_eq!(
            Target::parse("guest_checked_in"),
            Ok(Target::Event(EventType::GuestCheckedIn))
        );
        assert!(
            Target::parse("confirmed")
                .unwrap_err()
                .starts_with("is none of booking_started, ")
        );
    }
}
