//! Migrations since 0.1.0: they build indexes without keeping programs from their tables.

use std::collections::BTreeMap;
use std::fs;

use rules::{read, root};

use crate::captured;

/// The last migration of 0.1.0, on whose tables nobody works before.
const FIRST_RELEASE: &str = "2026-11-28-000001_plain_words";

/// What each later migration does, by its folder.
fn later() -> BTreeMap<String, String> {
    let folders = fs::read_dir(root().join("migrations")).unwrap();
    let names = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap());
    names
        .filter(|name| name.as_str() > FIRST_RELEASE)
        .map(|name| (name.clone(), read(format!("migrations/{name}/up.sql"))))
        .collect()
}

// shows: B243
#[test]
fn an_index_of_a_table_that_exists_is_built_concurrently_by_a_migration_with_its_name() {
    for (folder, sql) in later() {
        for statement in captured(r"(?s)(CREATE (?:UNIQUE )?INDEX [^;]*);", &sql) {
            let table = captured(r" ON (\w+)", &statement).pop_first().unwrap();
            if sql.contains(&format!("CREATE TABLE {table} ")) {
                continue;
            }
            let name = folder.split_once('_').unwrap().1;
            let begin = format!("INDEX CONCURRENTLY IF NOT EXISTS {name} ON ");
            assert!(statement.contains(&begin), "{folder}: {statement}");
            let lines: Vec<&str> = sql.lines().filter(|line| !line.starts_with("--")).collect();
            assert_eq!(
                lines.join("\n"),
                format!("{statement};"),
                "{folder} has one statement"
            );
            assert_eq!(
                read(format!("migrations/{folder}/metadata.toml")),
                "run_in_transaction = false\n",
                "{folder}"
            );
        }
    }
}
