//! The templates of `deploy/templates`: Meta's rules, and the block of a resort's file that uses them.
//!
//! The sandbox checks lengths, variables, buttons, examples and times to live, as Meta does, when it reads the pack.

use std::collections::BTreeSet;

use domain::consent::{ConsentChange, InboundText, RepliesTo, change_in};
use serde_json::Value;

use crate::preview::{PACK, PackWorld, pack};

const LANGUAGES: [&str; 10] = ["ar", "de", "el", "en", "es", "fr", "it", "nl", "pt_BR", "tr"];
const NAMES: [&str; 7] = [
    "booking_confirmed",
    "booking_reminder_1",
    "booking_reminder_2",
    "pre_arrival",
    "resort_contact",
    "stay_check",
    "stay_review",
];
const MARKETING: [&str; 3] = ["booking_reminder_1", "booking_reminder_2", "stay_review"];
const KINDS: [&str; 6] = [
    "reminder_1",
    "reminder_2",
    "reservation_confirmation",
    "review_request",
    "pre_arrival",
    "stay_check",
];

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn component<'v>(template: &'v Value, kind: &str) -> Option<&'v Value> {
    let components = template["components"].as_array().unwrap();
    components.iter().find(|one| text(one, "type") == kind)
}

#[test]
fn every_template_exists_in_every_language_and_in_the_file_of_its_language() {
    let all: BTreeSet<(String, String)> = pack()
        .iter()
        .map(|one| (text(one, "language").to_owned(), text(one, "name").to_owned()))
        .collect();
    let expected = LANGUAGES.iter().flat_map(|language| {
        NAMES
            .iter()
            .map(|name| ((*language).to_owned(), (*name).to_owned()))
    });
    assert_eq!(all, expected.collect());

    for language in LANGUAGES {
        let file = std::fs::read_to_string(format!("{PACK}/{language}.json")).unwrap();
        let list: Vec<Value> = serde_json::from_str(&file).unwrap();
        assert!(
            list.iter().all(|one| text(one, "language") == language),
            "{language}"
        );
    }
}

#[test]
fn marketing_ends_with_a_button_that_stops_it_and_has_a_time_to_live_and_utility_names_the_booking() {
    for template in pack() {
        let is_marketing = text(&template, "category") == "MARKETING";
        assert_eq!(
            is_marketing,
            MARKETING.contains(&text(&template, "name")),
            "{template}"
        );
        let last = component(&template, "BUTTONS").and_then(|all| all["buttons"].as_array()?.last());
        // Without a payload of the sender's, WhatsApp sends the label back as the payload.
        let label = last.map(|button| text(button, "text"));
        let pressed = InboundText {
            text: None,
            label,
            payload: label,
        };
        let change = change_in(&pressed, RepliesTo::Marketing);
        let expected = is_marketing.then_some(ConsentChange::Stop);
        assert_eq!(change, expected, "{template}");
        let examples = &component(&template, "BODY").unwrap()["example"]["body_text"][0];
        let names_booking = examples.as_array().unwrap().contains(&Value::from("BK-1001"));
        assert_eq!(names_booking, !is_marketing, "{template}");
        let time_to_live = &template["message_send_ttl_seconds"];
        assert_eq!(
            time_to_live.as_i64(),
            is_marketing.then_some(43_200),
            "{template}"
        );
    }
}

#[test]
fn variables_come_in_their_order_and_neither_first_nor_last_in_header_and_body() {
    for template in pack() {
        for kind in ["HEADER", "BODY"] {
            let Some(component) = component(&template, kind) else {
                continue;
            };
            let words = text(component, "text");
            assert!(!words.starts_with("{{") && !words.ends_with("}}"), "{words}");
            let between: Vec<&str> = words
                .split("}}")
                .skip(1)
                .map(|rest| rest.split("{{").next().unwrap())
                .collect();
            assert!(between.iter().all(|words| words.trim() != ""), "{words}");
            let numbers: Vec<usize> = words
                .split("{{")
                .skip(1)
                .map(|rest| rest.split_once("}}").unwrap().0.parse().unwrap())
                .collect();
            assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>(), "{words}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_block_of_the_resorts_file_has_no_finding_and_fits_every_template() {
    let world = PackWorld::start();
    let folder = world.folder.path().display().to_string();

    let files = world.desk(&["config", "check", &folder], &[]).await;
    let account = world.desk(&["whatsapp", "check", "--json"], &[]).await;

    let said = format!("{}{}", files.check(0).stdout, files.stderr);
    assert!(said.contains("0 errors, 0 warnings"), "{said}");
    let findings: Vec<Value> = serde_json::from_str(&account.stdout).unwrap();
    let about_templates: Vec<_> = findings
        .iter()
        .filter(|one| text(one, "check") == "templates")
        .collect();
    assert_eq!(about_templates.len(), LANGUAGES.len() * NAMES.len());
    for finding in about_templates {
        assert_eq!(finding["severity"], "ok", "{finding}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn marketing_is_shown_whole_to_an_ordinary_guest_and_nothing_is_too_long_for_any() {
    let world = PackWorld::start();

    let mut asked: Vec<Vec<&str>> = KINDS.iter().map(|kind| vec![*kind]).collect();
    asked.push(vec!["reservation_confirmation", "--fallback"]);
    for arguments in asked {
        let (kind, shown) = (arguments[0], world.previews(&arguments).await);
        assert_eq!(shown.len(), LANGUAGES.len() * 4, "{kind}");
        for preview in &shown {
            assert_eq!(preview["problems"], Value::Array(Vec::new()), "{preview}");
            let is_named = text(preview, "guest") == "ordinary";
            let cut = &preview["message"]["cut_after"];
            assert!(!is_named || cut.is_null(), "{preview}");
            let body = text(&preview["message"], "body");
            let asks_at = body.chars().position(|one| matches!(one, '?' | '؟' | ';'));
            if preview["category"] == "marketing" && is_named {
                assert!(asks_at.is_some_and(|place| place < 3 * 35), "{body}");
            }
            // Without a name, dates and a room all but the note before the arrival have words of their own.
            let has_nothing_to_say = kind == "pre_arrival" && text(preview, "guest") == "incomplete";
            assert_eq!(preview["not_sent"].is_string(), has_nothing_to_say, "{preview}");
        }
    }
}
