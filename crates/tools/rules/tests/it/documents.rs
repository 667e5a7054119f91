//! The documents against the sources: promises and the tests that show them, alerts and what operators do about them.

use std::collections::BTreeSet;

use rules::{TOOLS, all_files, before_tests, is_test, read, root};

use crate::{captured, table};

/// Documents whose rows promise something, and the letter of their ids.
const PROMISES: &[(&str, &str)] = &[
    ("docs/behaviour.md", "B"),
    ("docs/guarantees.md", "G"),
    ("docs/threats.md", "T"),
];

/// How a test begins.
const TEST_ATTRIBUTES: &[&str] = &["#[test]", "#[tokio::test", "#[actix_web::test"];

#[test]
fn every_promise_has_a_test_and_every_tag_of_a_test_its_promise() {
    let mut promised = BTreeSet::new();
    for (page, letter) in PROMISES {
        let rows = captured(&format!(r"(?m)^\| ({letter}\d+) \|"), &read(page));
        assert!(rows.len() > 20, "{page}: {}", rows.len());
        promised.extend(rows);
    }

    let mut shown = BTreeSet::new();
    for path in all_files() {
        let text = read(&path);
        let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
        for pair in lines.windows(2) {
            let Some(ids) = pair[0].strip_prefix("// shows: ") else {
                continue;
            };
            let is_test = TEST_ATTRIBUTES
                .iter()
                .any(|attribute| pair[1].starts_with(attribute));
            assert!(
                is_test,
                "{}: {} is not right above a test",
                path.display(),
                pair[0]
            );
            shown.extend(ids.split(", ").map(str::to_owned));
        }
    }

    let untested: Vec<_> = promised.difference(&shown).collect();
    assert!(untested.is_empty(), "no test shows {untested:?}");
    let unknown: Vec<_> = shown.difference(&promised).collect();
    assert!(unknown.is_empty(), "no document promises {unknown:?}");
}

#[test]
fn no_id_of_a_promise_is_given_twice() {
    for (page, letter) in PROMISES {
        let text = read(page);
        let mut seen = BTreeSet::new();
        let begins = format!("| {letter}");
        for row in text.lines().filter(|line| line.starts_with(&begins)) {
            let id = row.split(' ').nth(1);
            assert!(seen.insert(id), "{page}: {id:?}");
        }
    }
}

/// The alerts of a source file: ids, or the messages of lines that have none yet.
fn alerts(text: &str) -> BTreeSet<String> {
    let text = before_tests(text);
    let ids = captured(r#"alert = "([a-z0-9_]+)""#, text);
    let messages = captured(r#"alert = true[^;"]*;\s*"([^"]+)""#, text);
    &ids | &messages
}

#[test]
fn every_alert_has_a_row_that_tells_operators_what_to_do_and_every_row_its_alert() {
    let rows = table(&read("docs/operations.md"), "| alert |");
    let explained: BTreeSet<String> = rows
        .iter()
        .filter_map(|cells| Some(cells[0].strip_prefix('`')?.strip_suffix('`')?.to_owned()))
        .collect();

    let mut raised = BTreeSet::new();
    let tools = root().join(TOOLS);
    for path in all_files()
        .iter()
        .filter(|path| !is_test(path) && !path.starts_with(&tools))
    {
        raised.extend(alerts(&read(path)));
    }

    assert!(raised.len() > 10, "{raised:?}");
    assert_eq!(explained, raised);
}

/// The events that a source file logs at WARN or ERROR, or at a level that depends.
fn warnings(text: &str) -> BTreeSet<String> {
    // The fields of a line end with the first semicolon.
    let pattern = r#"log::(?:warn|error|log)!\([^;]*?event = "([a-z0-9_]+)""#;
    captured(pattern, before_tests(text))
}

#[test]
fn every_event_of_a_warning_or_an_error_has_a_row_that_explains_it_and_every_row_its_event() {
    let rows = table(&read("docs/operations.md"), "| event |");
    let explained: BTreeSet<String> = rows
        .iter()
        .flat_map(|cells| captured("`([a-z0-9_]+)`", &cells[0]))
        .collect();

    let mut logged = BTreeSet::new();
    let never_shipped = [root().join(TOOLS), root().join("crates/sandbox")];
    for path in all_files() {
        if !is_test(&path) && !never_shipped.iter().any(|folder| path.starts_with(folder)) {
            logged.extend(warnings(&read(&path)));
        }
    }

    assert!(logged.len() > 60, "{logged:?}");
    let unexplained: Vec<_> = logged.difference(&explained).collect();
    assert!(unexplained.is_empty(), "no row explains {unexplained:?}");
    let unknown: Vec<_> = explained.difference(&logged).collect();
    assert!(unknown.is_empty(), "nothing logs {unknown:?}");
}

#[test]
fn every_file_and_function_that_the_architecture_names_exists() {
    let text = read("ARCHITECTURE.md");
    let files = captured(r"`([a-z_]+(?:/[a-z_]+)+\.(?:rs|sql))`", &text);
    assert!(files.len() > 40, "{}", files.len());
    let missing: Vec<_> = files
        .iter()
        .filter(|file| !root().join("crates").join(file).is_file() && !root().join(file).is_file())
        .collect();
    assert!(missing.is_empty(), "no such files: {missing:?}");

    // A function follows its file: `file` `function`.
    let stops = regex::Regex::new(r"`([a-z_/]+\.rs)` `([a-z_]+)`").unwrap();
    for stop in stops.captures_iter(&text) {
        let (file, function) = (&stop[1], &stop[2]);
        let begins = format!("fn {function}");
        assert!(
            read(format!("crates/{file}")).contains(&begins),
            "{file} has no {function}"
        );
    }
}
