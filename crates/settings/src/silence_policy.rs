//! The times after which a call counts as lost, silence as evidence, and a person is asked: read by senders, and by the desk
//! when it checks the ledger.

use chrono::TimeDelta;
use domain::duration::InvalidDuration;
use domain::silence_policy::SilencePolicy;

/// Earlier versions read these; now they are constants of [`domain::silence_policy`].
const IGNORED: [&str; 4] = [
    "SENDER_SILENCE_WITNESSES",
    "SENDER_SILENCE_WITHIN",
    "SENDER_SILENCE_EMPTY",
    "SENDER_SILENCE_PACED",
];

/// Reads the sender's variables about unresolved calls. A wrong one is a problem, and counts as left out. One that only
/// earlier versions read is named in a warning.
pub fn read(
    mut given: impl FnMut(&'static str) -> Option<String>,
) -> (SilencePolicy, Vec<(&'static str, InvalidDuration)>) {
    for name in ignored(&mut given) {
        log::warn!(variable = name, event = "setting_ignored"; "environment variable ignored: it is no setting any more");
    }
    let usual = SilencePolicy::default();
    let mut problems = Vec::new();
    let mut duration = |name, usual| {
        let parsed = given(name).map(|text| domain::duration::parse(&text)).transpose();
        let given = parsed.unwrap_or_else(|problem| {
            problems.push((name, problem));
            None
        });
        given.map_or(usual, |given| {
            TimeDelta::from_std(given).unwrap_or(TimeDelta::days(36_500))
        })
    };
    let policy = SilencePolicy {
        lost_after: duration("SENDER_UNKNOWN_AFTER", usual.lost_after),
        counts_after: duration("SENDER_SILENCE_AFTER", usual.counts_after),
        gives_up_after: duration("SENDER_SILENCE_LETTER", usual.gives_up_after),
    };
    (policy, problems)
}

fn ignored(mut given: impl FnMut(&'static str) -> Option<String>) -> Vec<&'static str> {
    IGNORED.into_iter().filter(|name| given(name).is_some()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_holds_what_is_left_out_is_usual_and_what_is_wrong_is_told() {
        let given = |name: &str| match name {
            "SENDER_SILENCE_LETTER" => Some("2h".to_owned()),
            "SENDER_UNKNOWN_AFTER" => Some("soon".to_owned()),
            _ => None,
        };

        let (policy, problems) = read(given);

        assert_eq!(policy.gives_up_after, TimeDelta::hours(2));
        assert_eq!(policy.counts_after, SilencePolicy::default().counts_after);
        assert_eq!(policy.lost_after, SilencePolicy::default().lost_after);
        let names: Vec<_> = problems.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["SENDER_UNKNOWN_AFTER"]);
    }

    #[test]
    fn a_variable_that_is_no_setting_any_more_is_named_where_it_is_set() {
        let given = |name: &str| (name == "SENDER_SILENCE_WITHIN").then(|| "1m".to_owned());

        assert_eq!(ignored(given), ["SENDER_SILENCE_WITHIN"]);
    }
}
