//! The manifests against the table of crates in ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};

use rules::{TOOLS, crates, crates_in, folder_of, read};

use crate::{captured, table};

/// Crates that may also name what the table gives to another crate alone.
const MAY_ALSO_NAME: &[(&str, &str)] = &[
    ("outbound", "reqwest"),
    ("processor", "reqwest"),
    ("traces", "reqwest"),
    ("sandbox", "reqwest"),
    ("sandbox", "askama"),
    ("testkit", "reqwest"),
    ("testkit", "diesel"),
    ("chaos", "reqwest"),
    ("chaos", "diesel"),
    ("browser", "reqwest"),
    ("demo", "reqwest"),
    ("bench", "reqwest"),
];

/// A row of the table of crates.
struct Row {
    /// Which crates of the workspace it may use; nothing where it may use any.
    may_use: Option<BTreeSet<String>>,
    /// Which libraries no other crate may name.
    alone: BTreeSet<String>,
}

fn rows() -> BTreeMap<String, Row> {
    let quoted = |cell: &str| captured("`([^`]+)`", cell);
    let row = |cells: Vec<String>| {
        let [name, _, may_use, alone] = &cells[..] else {
            panic!("not four cells: {cells:?}");
        };
        let row = Row {
            may_use: (may_use != "any").then(|| quoted(may_use)),
            alone: quoted(alone),
        };
        (name.trim_matches('`').to_owned(), row)
    };
    let page = read("ARCHITECTURE.md");
    table(&page, "| crate |").into_iter().map(row).collect()
}

/// The names under `[dependencies]` in a crate's manifest.
fn dependencies(name: &str) -> BTreeSet<String> {
    let manifest: toml::Table = read(folder_of(name).join("Cargo.toml")).parse().unwrap();
    let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
    dependencies
        .map(|table| table.keys().cloned().collect())
        .unwrap_or_default()
}

#[test]
fn the_crates_and_their_arrows_are_those_of_the_table() {
    let (rows, crates, tools) = (rows(), crates(), crates_in(TOOLS));

    assert_eq!(rows.keys().cloned().collect::<BTreeSet<_>>(), crates);
    for (name, row) in rows {
        let used = &dependencies(&name) & &crates;
        if let Some(may_use) = row.may_use {
            assert_eq!(used, may_use, "{name}");
        }
        let tools_used = &used & &tools;
        let good = tools.contains(&name) || tools_used.is_empty();
        assert!(good, "{name} is shipped and depends on {tools_used:?}");
    }
}

#[test]
fn what_one_crate_alone_may_name_no_other_depends_on() {
    let rows = rows();
    let owners = rows
        .iter()
        .flat_map(|(owner, row)| row.alone.iter().map(move |library| (owner, library)));

    for (owner, library) in owners {
        for name in rows.keys().filter(|name| *name != owner) {
            let excepted = MAY_ALSO_NAME.contains(&(name.as_str(), library.as_str()));
            let named = dependencies(name).contains(library);
            assert!(excepted || !named, "{name} names {library}, which is {owner}'s");
        }
    }
}

#[test]
fn every_shipped_crate_may_log_below_info_and_no_other() {
    let ours = service::logs::OUR_CRATES.iter();

    let ours: BTreeSet<String> = ours.map(|&name| name.to_owned()).collect();
    assert_eq!(ours, crates_in("crates"));
}
