//! The Dockerfile against the sources: it installs every program, and every file that it copies exists. No container engine
//! is needed.

use std::collections::BTreeSet;

use rules::{TOOLS, all_files, before_tests, is_test, programs, read, root};

use crate::captured;

/// What cargo builds the programs from.
const SOURCES: [&str; 4] = ["Cargo.toml", "Cargo.lock", "crates", "migrations"];

/// The Dockerfile's instructions, each on one line.
fn instructions() -> Vec<String> {
    let text = read("deploy/Dockerfile").replace("\\\n", " ");
    text.lines().map(str::to_owned).collect()
}

fn set<'w>(words: impl IntoIterator<Item = &'w str>) -> BTreeSet<String> {
    words.into_iter().map(str::to_owned).collect()
}

#[test]
fn the_image_holds_every_program() {
    let instructions = instructions();
    let build = instructions
        .iter()
        .find(|line| line.contains("cargo auditable build"))
        .unwrap();
    let words: Vec<&str> = build.split_whitespace().collect();

    let built = words
        .windows(2)
        .filter(|pair| pair[0] == "-p")
        .map(|pair| pair[1]);
    let installed = words
        .iter()
        .filter_map(|word| word.strip_prefix("target/release/"));

    assert_eq!(set(built), programs());
    assert_eq!(set(installed), programs());
}

/// The files that the programs' sources include from outside their crates.
fn included() -> BTreeSet<String> {
    let sources = all_files()
        .into_iter()
        .filter(|path| !path.starts_with(root().join(TOOLS)) && !is_test(path));
    sources
        .flat_map(|path| {
            let pattern = r#"include_(?:str|bytes)!\(\s*"(?:\.\./)+((?:deploy|docs|scripts)/[^"]+)""#;
            captured(pattern, before_tests(&read(&path)))
        })
        .collect()
}

#[test]
fn what_the_image_is_made_of_exists_and_is_sent_to_the_builder() {
    let ignored = read(".dockerignore");
    let mut patterns = ignored.lines().filter(|line| !line.starts_with('#'));
    let instructions = instructions();
    let copies = instructions.iter().filter(|line| line.starts_with("COPY "));
    let copied = copies
        .filter(|line| !line.contains("--from="))
        .filter_map(|line| line.split(' ').nth(1));

    let mut needed = set(SOURCES.into_iter().chain(copied.filter(|source| *source != ".")));
    needed.extend(included());

    assert_eq!(patterns.next(), Some("*"));
    assert_eq!(
        set(patterns.filter_map(|pattern| pattern.strip_prefix('!'))),
        needed
    );
    for source in needed {
        assert!(root().join(&source).exists(), "{source}");
    }
}

#[test]
fn the_image_is_built_with_the_oldest_rust_that_is_promised() {
    let manifest = read("Cargo.toml");
    let promised = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "));

    let image = format!("FROM rust:{}-", promised.unwrap().trim_matches('"'));

    assert!(
        instructions().iter().any(|line| line.starts_with(&image)),
        "{image}"
    );
}
