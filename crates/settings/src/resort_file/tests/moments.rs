//! `[messages.<name>]`: the moments of a resort's own.

use domain::message::MomentName;
use domain::moment::{Category, Reply};

use super::*;

const PRE_ARRIVAL: &str = r#"
[messages.pre_arrival]
at = "check_in - 1d 18:00"
category = "utility"
only_if = "stay.nights >= 2"
expires_after = "6h"
[messages.pre_arrival.templates.en]
name = "pre_arrival"
body = ["guest.first_name", "resort.name"]
"#;

const STAY_CHECK: &str = r#"
[messages.stay_check]
at = "check_in + 1d 10:00"
category = "utility"
replies = ["fine", { payload = "help", alert = true }]
[messages.stay_check.templates.en]
name = "stay_check"
"#;

fn kind(name: &str) -> MessageKind {
    MessageKind::Moment(MomentName::parse(name).unwrap())
}

/// Adds a text to the good file and checks the notes.
fn check_added(text: &str, expected: &[&str]) {
    let said: Vec<String> = noted(&format!("{GOOD}{text}"))
        .into_iter()
        .map(|(_, text)| text)
        .collect();

    assert_eq!(said, expected, "{text}");
}

#[test]
fn a_moment_has_its_time_category_condition_templates_and_expiry() {
    let resort = good(&format!("{GOOD}{PRE_ARRIVAL}"));
    let moment = &resort.moments[&kind("pre_arrival")];

    assert_eq!(moment.at, "check_in - 1d 18:00".parse().unwrap());
    assert_eq!(moment.category, Category::Utility);
    assert_eq!(moment.only_if, Some("stay.nights >= 2".parse().unwrap()));
    assert_eq!(moment.expires_after, Duration::from_secs(6 * 3_600));
    assert_eq!(moment.definition, "check_in - 1d 18:00 if stay.nights >= 2");
    let (_, template) = resort.template(kind("pre_arrival"), None).unwrap();
    assert_eq!(
        (template.name.as_str(), template.body.count()),
        ("pre_arrival", 2)
    );
    assert!(!resort.is_marketing(kind("pre_arrival")));
}

#[test]
fn a_question_names_the_payloads_of_its_quick_replies() {
    let resort = good(&format!("{GOOD}{STAY_CHECK}"));

    let reply = |payload: &str, alert| Reply {
        payload: payload.to_owned(),
        alert,
    };
    let replies = [reply("fine", false), reply("help", true)];
    assert_eq!(resort.moments[&kind("stay_check")].replies, replies);
    let (_, template) = resort.template(kind("stay_check"), None).unwrap();
    assert_eq!(template.replies, ["fine", "help"]);
    check_added(
        &format!(
            "{STAY_CHECK}{}",
            PRE_ARRIVAL.replace("stay.nights >= 2", "answer.stay_check == 'fine'")
        ),
        &[],
    );
}

#[test]
fn a_moment_may_have_a_text_of_the_fallback() {
    let text = GOOD.replace(
        "text.reservation_confirmation.en",
        "text.pre_arrival.en = \"See you tomorrow.\"\ntext.reservation_confirmation.en",
    );

    let resort = good(&format!("{text}{PRE_ARRIVAL}"));

    let (_, text) = resort.fallback_text(kind("pre_arrival"), None).unwrap();
    assert_eq!(text, "See you tomorrow.");
}

#[test]
fn what_is_wrong_with_a_moment_is_named() {
    let changed = |from: &str, to: &str| PRE_ARRIVAL.replace(from, to);
    check_added(
        &changed("messages.pre_arrival", "messages.reminder_1"),
        &["messages.reminder_1 is the name of a built-in kind of message"],
    );
    check_added(
        &changed("messages.pre_arrival", "messages.Pre-arrival"),
        &[
            "messages.Pre-arrival is not 1 to 32 lower-case letters, digits and underscores, beginning with a letter",
        ],
    );
    check_added(
        "\n[messages.empty]\n",
        &[
            "messages.empty.at is missing",
            "messages.empty.category is missing",
        ],
    );
    check_added(
        &changed("check_in - 1d 18:00", "arrival"),
        &[
            "messages.pre_arrival.at does not begin with started, abandoned, confirmed, check_in, checked_in, \
              check_out or checked_out",
        ],
    );
    check_added(
        &changed("\"utility\"", "\"service\""),
        &["messages.pre_arrival.category must be \"utility\" or \"marketing\""],
    );
    check_added(
        &changed("stay.nights >= 2", "values.stars >= 2 and values.pool == 'yes'"),
        &["messages.pre_arrival.only_if names a value that [values] does not have"],
    );
    check_added(
        &changed("stay.nights >= 2", "answer.stay_check == 'fine'"),
        &["messages.pre_arrival asks for answer.stay_check, and no moment stay_check has replies"],
    );
    check_added(
        &changed("expires_after", "expires"),
        &["messages.pre_arrival.expires is not a known key"],
    );
    check_added(
        &changed("templates.en", "templates.fr"),
        &["messages.pre_arrival.templates.en is missing: guests who speak it, or no other, get the fallback"],
    );
}

#[test]
fn replies_are_few_different_and_no_stop() {
    let with = |replies: &str| STAY_CHECK.replace(r#"["fine", { payload = "help", alert = true }]"#, replies);
    let payload = "is not 1 to 32 lower-case letters, digits and underscores";

    check_added(
        &with("[]"),
        &["messages.stay_check.replies is empty: leave it out"],
    );
    check_added(
        &with("['a', 'a']"),
        &["messages.stay_check.replies names a payload twice"],
    );
    check_added(
        &with("['All fine', 'b']"),
        &[&format!("messages.stay_check.replies[0] {payload}")],
    );
    check_added(
        &with("['fine', 'stop']"),
        &[
            "messages.stay_check.replies[1] is a payload by which guests stop or start marketing: choose another",
        ],
    );
    check_added(
        &with(&format!(
            "{:?}",
            (0..11).map(|n| format!("r{n}")).collect::<Vec<_>>()
        )),
        &["messages.stay_check.replies holds more than 10 replies, which WhatsApp refuses"],
    );
}

#[test]
fn the_examples_of_the_page_for_owners_are_read_without_a_complaint() {
    let page = include_str!("../../../../../docs/messages.md");
    let blocks: Vec<&str> = page
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    // The page has these tables too, and none can be written twice.
    let replies = GOOD.find("[replies]").unwrap()..GOOD.find("[templates").unwrap();
    let good = GOOD.replacen(&GOOD[replies], "", 1);
    let without_fallback = good.split("[fallback]").next().unwrap();
    let text = format!("{without_fallback}{}", blocks.concat());

    let resort = super::good(&text);

    assert_eq!(resort.own_moments().count(), 3);
    let warned: Vec<String> = noted(&text).into_iter().map(|(_, text)| text).collect();
    assert_eq!(
        warned,
        [
            "fallback.template.en is missing: a message without a template would be held",
            "messages.last_evening.templates.en is missing: guests who speak it, or no other, get the fallback",
        ]
    );
}
