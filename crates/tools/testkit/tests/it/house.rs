//! The rules of the house, held against the sources: what ARCHITECTURE.md, `deploy/example.env` and the pages of promises
//! in `docs/` say is what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The longest that a file may be before its tests.
const LONGEST_FILE: usize = 300;
/// Crates that may name what the table gives to one alone: what they are for is outside of the house.
const MAY_ALSO_NAME: &[(&str, &str)] = &[
    ("outbound", "reqwest"),
    ("sandbox", "reqwest"),
    ("testkit", "reqwest"),
    ("testkit", "diesel"),
    ("chaos", "reqwest"),
    ("chaos", "diesel"),
    ("demo", "reqwest"),
    ("bench", "reqwest"),
];
/// What is used for tests and plays only.
const TOOLS: &str = "crates/tools";

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../..")
        .canonicalize()
        .unwrap()
}

pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Rust file below a folder.
fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn all_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for name in crates() {
        for part in ["src", "tests", "benches"] {
            rust_files(&folder_of(&name).join(part), &mut found);
        }
    }
    assert!(found.len() > 100);
    found
}

/// The sources of the programs that are shipped, without what they are made of.
pub(crate) fn shipped_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for name in ["ingest", "processor", "sender", "desk"] {
        rust_files(&root().join("crates").join(name).join("src"), &mut found);
    }
    found
}

/// The names of the folders in one that are crates.
fn crates_in(folder: &str) -> BTreeSet<String> {
    let folders = fs::read_dir(root().join(folder)).unwrap();
    folders
        .map(|folder| folder.unwrap())
        .filter(|folder| folder.path().join("Cargo.toml").exists())
        .map(|folder| folder.file_name().into_string().unwrap())
        .collect()
}

pub(crate) fn crates() -> BTreeSet<String> {
    &crates_in("crates") | &crates_in(TOOLS)
}

fn folder_of(name: &str) -> PathBuf {
    let tool = root().join(TOOLS).join(name);
    if tool.exists() {
        tool
    } else {
        root().join("crates").join(name)
    }
}

/// What a file says before its own tests begin.
pub(crate) fn before_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests")
        || path.file_name().is_some_and(|name| name == "tests.rs")
}

/// The texts between backticks.
fn quoted(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The names below one heading of a manifest.
fn dependencies(name: &str, section: &str) -> BTreeSet<String> {
    let manifest = read(folder_of(name).join("Cargo.toml"));
    let lines = manifest.lines().skip_while(|line| *line != section).skip(1);
    lines
        .take_while(|line| !line.starts_with('['))
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
        .map(|line| line.split(['.', '=', ' ']).next().unwrap().to_owned())
        .collect()
}

struct Row {
    may_use: String,
    alone: BTreeSet<String>,
}

/// The table of crates in ARCHITECTURE.md.
fn table() -> BTreeMap<String, Row> {
    let text = read("ARCHITECTURE.md");
    let rows = text
        .lines()
        .skip_while(|line| !line.starts_with("| crate |"))
        .skip(2);
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, _, may_use, alone] = cells[..] else {
            panic!("not four cells: {line}");
        };
        let (may_use, alone) = (may_use.to_owned(), quoted(alone));
        (name.trim_matches('`').to_owned(), Row { may_use, alone })
    };
    rows.take_while(|line| line.starts_with('|')).map(row).collect()
}

#[test]
fn the_crates_and_their_arrows_are_those_of_the_table() {
    let (table, crates, tools) = (table(), crates(), crates_in(TOOLS));

    assert_eq!(table.keys().cloned().collect::<BTreeSet<_>>(), crates);
    for (name, row) in table {
        let used: BTreeSet<String> = dependencies(&name, "[dependencies]")
            .intersection(&crates)
            .cloned()
            .collect();
        if row.may_use != "any" {
            assert_eq!(used, quoted(&row.may_use), "{name}");
        }
        let of_tools: Vec<&String> = used.intersection(&tools).collect();
        let good = tools.contains(&name) || of_tools.is_empty();
        assert!(good, "{name} may use {of_tools:?} in its tests only");
    }
}

#[test]
fn every_shipped_crate_may_speak_below_info_and_nobody_else() {
    let ours: BTreeSet<String> = service::logs::OUR_CRATES
        .iter()
        .map(|&name| name.to_owned())
        .collect();

    assert_eq!(ours, crates_in("crates"));
}

#[test]
fn what_one_crate_alone_may_name_no_other_depends_on() {
    let table = table();
    let owners = table
        .iter()
        .flat_map(|(owner, row)| row.alone.iter().map(move |external| (owner, external)));

    for (owner, external) in owners {
        for name in table.keys().filter(|name| *name != owner) {
            let excepted = MAY_ALSO_NAME.contains(&(name.as_str(), external.as_str()));
            let named = dependencies(name, "[dependencies]").contains(external);
            assert!(excepted || !named, "{name} names {external}, which is {owner}'s");
        }
    }
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    for path in all_files().iter().filter(|path| !is_test(path)) {
        let text = fs::read_to_string(path).unwrap();
        let lines = before_tests(&text).lines().count();
        assert!(lines <= LONGEST_FILE, "{}: {lines} lines", path.display());
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for path in all_files() {
        let text = fs::read_to_string(&path).unwrap();
        let good = text.starts_with("//!") || text.starts_with("// @generated");
        assert!(good, "{}", path.display());
    }
}

/// Variables that only builds for tests know.
const FOR_TESTS: &[&str] = &["BELLHOP_CRASH_AT", "BELLHOP_STALL_AT"];

/// `DATABASE_URL` and its like.
fn is_variable(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    text.contains('_')
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.bytes().all(allowed)
        && text != "CARGO_PKG_VERSION"
}

/// The variables of an example of an environment, also those that are commented out.
pub(crate) fn variables_in(example: &str) -> BTreeSet<String> {
    let assigned = example
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once('='));
    assigned
        .map(|(name, _)| name.to_owned())
        .filter(|name| is_variable(name))
        .collect()
}

#[test]
fn the_example_of_an_environment_lists_every_variable_that_is_read_and_no_other() {
    let example = read("deploy/example.env");
    // What follows that line is named by files, not by programs.
    let listed = variables_in(example.split("env:NAME").next().unwrap());

    let programs = all_files().into_iter().filter(|path| !is_test(path));
    let mut asked_for = BTreeSet::new();
    // WhatsApp's own words look like variables.
    let others = [TOOLS, "crates/whatsapp"].map(|folder| root().join(folder));
    for path in programs.filter(|path| !others.iter().any(|other| path.starts_with(other))) {
        let text = fs::read_to_string(&path).unwrap();
        let literals = before_tests(&text)
            .split('"')
            .filter(|literal| is_variable(literal));
        asked_for.extend(literals.map(str::to_owned));
    }

    asked_for.retain(|name| !FOR_TESTS.contains(&name.as_str()));
    assert_eq!(listed, asked_for);
}

/// Every test that a page names exists; there are more than so many.
fn check_named_tests(page: &str, more_than: usize) {
    let files = all_files();

    let named: Vec<String> = quoted(&read(page))
        .into_iter()
        .filter(|name| name.contains("::"))
        .collect();
    assert!(named.len() > more_than, "{page}: {}", named.len());
    for name in named {
        // `crate/module::test`, where the module is a file's name, or that of its folder for `tests.rs`.
        let (place, test) = name.rsplit_once("::").unwrap();
        let (owner, module) = place
            .split_once('/')
            .unwrap_or_else(|| panic!("no crate: {name}"));
        let folder = folder_of(owner);
        let suffix = format!("{module}.rs");
        let exists = files
            .iter()
            .filter(|path| path.starts_with(&folder) && path.ends_with(&suffix))
            .any(|path| fs::read_to_string(path).unwrap().contains(&format!("fn {test}(")));
        assert!(exists, "{page}: {name} is nowhere");
    }
}

#[test]
fn every_test_that_the_pages_of_promises_name_exists() {
    check_named_tests("docs/behaviour.md", 40);
    check_named_tests("docs/guarantees.md", 20);
    check_named_tests("docs/threats.md", 30);
}

/// What is written into the log with `alert = true`.
fn alerts(text: &str) -> impl Iterator<Item = &str> {
    let parts = before_tests(text).split("alert = true").skip(1);
    parts.map(|part| {
        let said = part.split_once(';').unwrap().1.split_once('"').unwrap().1;
        said.split_once('"').unwrap().0
    })
}

#[test]
fn every_alert_has_a_row_that_tells_operators_what_to_do() {
    let page = read("docs/operations.md");
    let told: BTreeSet<&str> = page
        .lines()
        .filter_map(|row| row.strip_prefix("| `")?.split_once("` | "))
        .map(|(line, _)| line)
        .collect();

    let mut found = 0;
    for path in shipped_files() {
        let text = fs::read_to_string(&path).unwrap();
        for alert in alerts(&text) {
            assert!(told.contains(alert), "{}: {alert}", path.display());
            found += 1;
        }
    }
    assert!(found > 10, "{found}");
}
