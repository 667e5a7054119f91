//! The shape of source files, and the environment variables that they name.

use std::collections::BTreeSet;

use regex::Regex;
use rules::{TOOLS, all_files, before_tests, is_test, is_variable, read, root, variables_in};

use crate::captured;

/// In lines, before a file's unit tests.
const LONGEST_FILE: usize = 300;

/// A word of WhatsApp's API, Cargo's own, the build's, those that only builds with debug assertions read, and those that a warning names where they are still set.
const NO_SETTINGS: &[&str] = &[
    "CLOUD_API_FALLBACK",
    "CARGO_PKG_VERSION",
    "BELLHOP_COMMIT",
    "BELLHOP_CRASH_AT",
    "BELLHOP_STALL_AT",
    "SENDER_SILENCE_WITNESSES",
    "SENDER_SILENCE_WITHIN",
    "SENDER_SILENCE_EMPTY",
    "SENDER_SILENCE_PACED",
];

#[test]
fn no_file_is_too_long() {
    let files = all_files();

    assert!(files.len() > 100);
    for path in files.iter().filter(|path| !is_test(path)) {
        let text = read(path);
        // It grows with the migrations.
        if text.starts_with("// @generated") {
            continue;
        }
        let lines = before_tests(&text).lines().count();
        assert!(lines <= LONGEST_FILE, "{}: {lines} lines", path.display());
    }
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    for path in all_files() {
        let text = read(&path);
        let good = text.starts_with("//!") || text.starts_with("// @generated");
        assert!(good, "{}", path.display());
    }
}

#[test]
fn no_comment_holds_a_doc_test_since_none_is_run() {
    for path in all_files() {
        let fences = captured(r"(?m)^\s*//[/!] ```(.*)$", &read(&path));
        assert!(fences.is_empty(), "{}", path.display());
    }
}

#[test]
fn the_example_of_an_environment_lists_every_variable_that_is_read_and_no_other() {
    // Some literals of WhatsApp's API have the form of a variable.
    let others = [
        TOOLS,
        "crates/whatsapp",
        "crates/desk/src/actions/whatsapp_check",
        "crates/sandbox/src/account.rs",
        "crates/sandbox/src/templates",
    ]
    .map(|folder| root().join(folder));
    let mut read_by_programs = BTreeSet::new();
    for path in all_files() {
        if !is_test(&path) && !others.iter().any(|other| path.starts_with(other)) {
            let text = read(&path);
            read_by_programs.extend(captured(r#""([A-Z][A-Z0-9_]+)""#, before_tests(&text)));
        }
    }

    read_by_programs.retain(|name| is_variable(name) && !NO_SETTINGS.contains(&name.as_str()));
    let example = read("deploy/example.env");
    // The variables below that line are named by resort files, not by programs.
    let (of_programs, _) = example.split_once("env:NAME").unwrap();
    assert_eq!(variables_in(of_programs), read_by_programs);
}

#[test]
fn the_examples_of_a_resort_and_a_source_have_every_key_that_is_read() {
    let settings = root().join("crates/settings/src");
    let examples = [
        ("resort_file", "deploy/example/resorts/azure-bay.toml"),
        ("source_file", "deploy/example/sources/website.toml"),
    ];
    for (module, example) in examples {
        let example = read(example);
        // As a key, as a part of a table's name, or before a dot; perhaps commented out.
        let is_there = |key: &String| {
            let form = format!(r"(?m)(?:^#?|[{{,] ?){key}(?: =|\.\w)|^#?\[(?:\w+\.)*{key}[.\]]");
            Regex::new(&form).unwrap().is_match(&example)
        };
        let files = all_files();
        let of_module = files.iter().filter(|path| {
            path.starts_with(&settings) && path.to_string_lossy().contains(module) && !is_test(path)
        });
        let mut keys = BTreeSet::new();
        for path in of_module {
            let text = read(path);
            let code = before_tests(&text);
            let asked = r#"(?:optional|required|table_or_default|delay)\(\s*(?:\w+,\s*)?"(\w+)""#;
            keys.extend(captured(asked, code));
            keys.extend(captured(r#"delay\(\w+, "\w+", "(\w+)""#, code));
        }
        assert!(keys.len() > 10, "{module}: {keys:?}");
        let missing: Vec<_> = keys.iter().filter(|key| !is_there(key)).collect();
        assert!(missing.is_empty(), "{module}: {missing:?}");
    }
}
