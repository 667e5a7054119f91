//! `[limits]`

use super::*;

/// The good file with these limits instead of its own.
fn with_limits(limits: &str) -> String {
    let (before, own) = GOOD.split_once("[limits]").unwrap();
    let (_, after) = own.split_once("\n\n").unwrap();
    format!("{before}[limits]\n{limits}\n\n{after}")
}

#[test]
fn marketing_to_the_united_states_is_off_unless_the_file_asks_for_it() {
    let with = with_limits;
    let limits = |text: &str| good(text).limits.us_marketing;

    assert!(!limits(GOOD));
    assert!(!limits(&with("")));
    assert!(!limits(&with("us_marketing = false")));
    assert!(limits(&with("us_marketing = true")));
    let refused = |limits: &str| noted(&with(limits)).remove(0).1;
    assert_eq!(
        refused("us_marketing = \"yes\""),
        "limits.us_marketing must be true or false"
    );
    assert_eq!(
        refused("us_marketting = true"),
        "limits.us_marketting is not a known key; did you mean us_marketing?"
    );
}

#[test]
fn a_guest_gets_one_reminder_a_day_and_rests_a_day_after_a_confirmation_unless_the_file_says_otherwise() {
    let with = with_limits;
    let limits = |text: &str| {
        let limits = good(text).limits;
        let rest = limits.rest_after_confirmation.as_secs();
        (limits.reminders_per_day.get(), rest)
    };

    assert_eq!(limits(GOOD), (1, 86_400));
    assert_eq!(limits(&with("")), (1, 86_400));
    assert_eq!(
        limits(&with("reminders_per_day = 3\nrest_after_confirmation = \"0s\"")),
        (3, 0)
    );
    for wrong in ["0", "-1", "1.5", "\"1\""] {
        assert_eq!(
            noted(&with(&format!("reminders_per_day = {wrong}"))).remove(0).1,
            "limits.reminders_per_day must be a whole number of at least 1"
        );
    }
    assert_eq!(
        noted(&with("rest_after_confirmation = \"1 day\"")).remove(0).1,
        "limits.rest_after_confirmation is not a duration such as 500ms, 90s, 30m, 24h, 2d or 2y"
    );
}
