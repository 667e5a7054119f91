//! A resort's file: the meaning of a good one, and the errors of a bad one.

mod limits;
mod moments;
mod proof;
mod templates;
mod webhook_out;

use domain::message::MessageKind;

use super::*;

const GOOD: &str = include_str!("../../tests/fixtures/azure-bay.toml");

fn id() -> ResortId {
    ResortId::parse("azure-bay").unwrap()
}

fn good(text: &str) -> Resort {
    let (file, notes) = read(&id(), text);
    file.unwrap_or_else(|| panic!("{notes:?}")).resort
}

fn noted(text: &str) -> Vec<(usize, String)> {
    let (_, notes) = read(&id(), text);
    notes.into_iter().map(|note| (note.line, note.text)).collect()
}

#[test]
fn the_example_has_no_fault() {
    let example = include_str!("../../../../deploy/example/resorts/azure-bay.toml");

    let (file, notes) = read(&id(), example);

    assert!(file.is_some() && notes.is_empty(), "{notes:?}");
}

// shows: B209
#[test]
fn no_resort_has_the_name_that_stands_for_none() {
    let (file, notes) = read(&ResortId::parse("none").unwrap(), GOOD);

    assert!(file.is_none());
    assert_eq!(
        notes[0].text,
        "the name none is reserved for what belongs to no resort"
    );
}

/// Replaces one line of the good file and checks the notes.
fn check(line: &str, replacement: &str, expected: &[&str]) {
    assert!(GOOD.contains(line), "the file has no {line}");
    let text = GOOD.replace(line, replacement);

    let said: Vec<String> = noted(&text).into_iter().map(|(_, text)| text).collect();

    assert_eq!(said, expected, "{replacement}");
}

#[test]
fn the_example_means_what_it_says() {
    let resort = good(GOOD);

    assert_eq!(noted(GOOD), []);
    assert_eq!(resort.id, id());
    assert_eq!(resort.time_zone, Tz::Europe__Athens);
    assert_eq!(resort.mode, Mode::Live);
    assert_eq!(
        resort.link_hosts.as_deref(),
        Some(["book.example".to_owned()].as_slice())
    );
    let day = Duration::from_secs(86_400);
    let built_in = Resort::built_in_moments(Some(day), Some(Duration::from_secs(4 * 3_600)));
    assert_eq!(resort.moments, built_in);
    assert_eq!(resort.no_show_after, Some(Duration::from_secs(36 * 3_600)));
    assert_eq!(resort.retention, Retention::default());
    for kind in MessageKind::BUILT_IN {
        assert_eq!(resort.expiry(*kind), Resort::default_expiry(*kind));
        assert_eq!(resort.template(*kind, None).is_some(), kind.has_templates());
    }
    let quiet = resort.quiet_hours.unwrap();
    assert_eq!(
        (quiet.from.to_string(), quiet.to.to_string()),
        ("21:00:00".to_owned(), "09:00:00".to_owned())
    );
}

#[test]
fn the_business_account_is_optional_and_part_of_an_address() {
    let account = |text: &str| read(&id(), text).0.and_then(|file| file.business_account);
    let with = |value: &str| {
        let line = "[whatsapp]";
        GOOD.replace(line, &format!("{line}\nbusiness_account_id = {value}"))
    };

    assert_eq!(account(GOOD), None);
    assert_eq!(
        account(&with("\"102289599326934\"")).as_deref(),
        Some("102289599326934")
    );
    for value in ["\"\"", "\"../1\"", "\"1/phone_numbers\"", "\"1?x\""] {
        let said = noted(&with(value));
        assert_eq!(said.len(), 1, "{value}");
        assert!(
            said[0]
                .1
                .starts_with("whatsapp.business_account_id is not the id"),
            "{said:?}"
        );
    }
}

#[test]
fn a_short_file_has_the_defaults() {
    let text = r#"
        name = "B"
        time_zone = "Asia/Bangkok"
        country = "TH"
        language = "th"
        [whatsapp]
        phone_number_id = "1"
        access_token = "plain:x"
        [abandonment]
        after = "30m"
    "#;
    let resort = good(text);

    assert_eq!(resort.link_hosts, None);
    assert_eq!(resort.mode, Mode::Live);
    assert_eq!((resort.no_show_after, resort.quiet_hours), (None, None));
    assert_eq!(resort.moments, Resort::built_in_moments(None, None));
    let warned: Vec<String> = noted(text).into_iter().map(|(_, text)| text).collect();
    assert_eq!(
        warned,
        [
            "fallback.template.th is missing: a message without a template would be held",
            "templates.reminder_1.th is missing: guests who speak it, or no other, get the fallback",
            "templates.reservation_confirmation.th is missing: guests who speak it, or no other, get the fallback",
        ]
    );
}

#[test]
fn every_error_is_noted_at_once_with_its_line() {
    let text = "name = \"\"\ncountry = \"Greece\"\nlanguage = \"english!\"\nmode = \"dry\"\ncolour = 1\n\n\
        [whatsapp]\nphone_number_id = \"1/2\"\naccess_token = \"hunter2\"\n[abandonment]\nafter = \"1w\"\n";

    let expected = [
        (1, "time_zone is missing"),
        (1, "name is empty"),
        (2, "country is not an ISO 3166 country code such as GR"),
        (3, "language is not a language such as en or pt-BR"),
        (4, "mode must be \"live\" or \"test\""),
        (5, "colour is not a known key"),
        (8, "whatsapp.phone_number_id is not the id of a WhatsApp number"),
        (
            9,
            "whatsapp.access_token is not env:NAME, file:PATH, sealed:BASE64 or plain:VALUE",
        ),
        (
            11,
            "abandonment.after is not a duration such as 500ms, 90s, 30m, 24h, 2d or 2y",
        ),
    ];
    let mut said = noted(text);
    said.sort();
    let mut expected = expected.map(|(line, text)| (line, text.to_owned()));
    expected.sort();
    assert_eq!(said, expected);
}

#[test]
fn each_part_of_a_file_has_its_own_errors() {
    check(
        "link_hosts = [\"book.example\"]",
        "link_hosts = [\"https://book.example\"]",
        &["link_hosts[0] is not a host's name such as book.example, without https:// and path"],
    );
    check(
        "time_zone = \"Europe/Athens\"",
        "time_zone = \"Athens\"",
        &["time_zone is not an IANA time zone such as Europe/Athens"],
    );
    check(
        "from = \"21:00\"",
        "from = \"9pm\"",
        &["quiet_hours.from is not a time of day such as 21:00"],
    );
    check("from = \"21:00\"", "", &["quiet_hours.from is missing"]);
    check(
        "reminder_1 = \"12h\"",
        "reminder_3 = \"12h\"",
        &["expires_after.reminder_3 is not a known key"],
    );
    check(
        "guests = \"2y\"",
        "guests = 2",
        &["retention.guests must be a text in quotes"],
    );
    check(
        "[check_in]",
        "[check_in.deep]",
        &[
            "check_in.no_show_after is missing",
            "check_in.deep is not a known key",
        ],
    );
    check(
        "[values] ",
        "values = 1\n[other] ",
        &[
            "values must be a table",
            "other is not a known key",
            "templates.review_request.en.body[0] names a value that [values] does not have",
        ],
    );
}

#[test]
fn a_resort_in_test_mode_has_test_numbers_that_no_note_shows() {
    let live = "mode = \"live\"                      # \"test\"";
    let text = GOOD
        .replace(live, "mode = \"test\" # ")
        .replace("test_numbers = []", "test_numbers = [\"691 234 5678\"]");
    let numbers = vec![PhoneNumber::parse("+306912345678", None).unwrap()];
    assert_eq!(good(&text).mode, Mode::Test(numbers.clone()));
    let live = text.replace("mode = \"test\"", "mode = \"live\"");
    let (file, _) = read(&id(), &live);
    let file = file.unwrap();
    assert_eq!((file.resort.mode, file.test_numbers), (Mode::Live, numbers));

    for typed in [
        "0030 691 234 5678",
        "+30 (691) 234 5678 ext. 3",
        "tel:+30-691-234-5678",
    ] {
        let other = text.replace("691 234 5678", typed);
        assert_eq!(good(&other).mode, good(&text).mode, "{typed}");
    }
    let wrong = text.replace("\"691 234 5678\"", "\"691 234 567\"");
    assert_eq!(
        noted(&wrong),
        [(7, "test_numbers[0] is not a valid phone number".to_owned())]
    );
    let bare = text.replace("[\"691 234 5678\"]", "[]\n306912345678 = 1");
    assert!(
        noted(&bare)
            .iter()
            .any(|(line, text)| *line == 8 && text == "(a key) is not a known key")
    );
}

#[test]
fn a_misspelt_key_is_told_with_the_one_that_was_meant() {
    let text = GOOD.replace("[quiet_hours]", "[quite_hours]");

    let said = noted(&text);

    assert_eq!(
        said[0].1,
        "quite_hours is not a known key; did you mean quiet_hours?"
    );
}

#[test]
fn text_that_is_not_toml_is_noted_by_its_line_without_being_repeated() {
    let said = noted("name = \"x\"\naccess_token = plain:hunter2\nname = \"y\"\n");

    assert!(said.iter().any(|(line, _)| *line == 2), "{said:?}");
    assert!(
        said.iter()
            .all(|(_, text)| text.starts_with("not TOML: ") && !text.contains("hunter")),
        "{said:?}"
    );
}
