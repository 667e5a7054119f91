//! How long a call may go without a word, as everybody reads it who judges silence: senders, and the desk over the books.

use std::fmt::Display;
use std::num::NonZeroU32;

use chrono::TimeDelta;
use domain::silence_policy::SilencePolicy;

/// What is wrong with a variable: its name, and a clause that follows it.
pub type Problem = (&'static str, String);

/// Reads the sender's variables about silence; one that is wrong is told, and counts as left out.
pub fn patience(given: impl FnMut(&'static str) -> Option<String>) -> (SilencePolicy, Vec<Problem>) {
    let usual = SilencePolicy::default();
    let mut read = Variables {
        given,
        problems: Vec::new(),
    };
    let patience = SilencePolicy {
        lost_after: read.duration("SENDER_UNKNOWN_AFTER", usual.lost_after),
        counts_after: read.duration("SENDER_SILENCE_AFTER", usual.counts_after),
        witnessed_within: read.duration("SENDER_SILENCE_WITHIN", usual.witnessed_within),
        events_empty_for: read.duration("SENDER_SILENCE_EMPTY", usual.events_empty_for),
        paced_for: read.duration("SENDER_SILENCE_PACED", usual.paced_for),
        gives_up_after: read.duration("SENDER_SILENCE_LETTER", usual.gives_up_after),
        witnesses: read
            .parsed("SENDER_SILENCE_WITNESSES", str::parse::<NonZeroU32>)
            .map_or(usual.witnesses, NonZeroU32::get),
    };
    (patience, read.problems)
}

struct Variables<G> {
    given: G,
    problems: Vec<Problem>,
}

impl<G: FnMut(&'static str) -> Option<String>> Variables<G> {
    fn parsed<T, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = (self.given)(name)?;
        parse(&text)
            .map_err(|error| self.problems.push((name, error.to_string())))
            .ok()
    }

    fn duration(&mut self, name: &'static str, usual: TimeDelta) -> TimeDelta {
        let given = self.parsed(name, domain::duration::parse);
        given.map_or(usual, |given| {
            TimeDelta::from_std(given).unwrap_or(TimeDelta::days(36_500))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_holds_what_is_left_out_is_usual_and_what_is_wrong_is_told() {
        let given = |name: &str| match name {
            "SENDER_SILENCE_LETTER" => Some("2h".to_owned()),
            "SENDER_UNKNOWN_AFTER" => Some("soon".to_owned()),
            "SENDER_SILENCE_WITNESSES" => Some("0".to_owned()),
            _ => None,
        };

        let (patience, problems) = patience(given);

        assert_eq!(patience.gives_up_after, TimeDelta::hours(2));
        assert_eq!(patience.counts_after, SilencePolicy::default().counts_after);
        assert_eq!(patience.lost_after, SilencePolicy::default().lost_after);
        let names: Vec<_> = problems.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["SENDER_UNKNOWN_AFTER", "SENDER_SILENCE_WITNESSES"]);
    }
}
