//! Finds and reads the files of this repository, for tests that check them: `rules/tests` and some of testkit.
//!
//! All functions panic where a file is missing or unreadable: their callers are tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the crates that support tests and demonstrations and are never shipped.
pub const TOOLS: &str = "crates/tools";

/// The folder of the workspace.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

/// The text of a file; `path` is absolute, or relative to [`root`].
#[must_use]
pub fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of all crates of the workspace.
#[must_use]
pub fn crates() -> BTreeSet<String> {
    &crates_in("crates") | &crates_in(TOOLS)
}

/// The names of the crates directly below a folder.
#[must_use]
pub fn crates_in(folder: &str) -> BTreeSet<String> {
    entries(&root().join(folder))
        .filter(|path| path.join("Cargo.toml").exists())
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect()
}

/// The product's crates that are programs.
#[must_use]
pub fn programs() -> BTreeSet<String> {
    let is_program = |name: &String| root().join("crates").join(name).join("src/main.rs").is_file();
    crates_in("crates").into_iter().filter(is_program).collect()
}

/// The variables of an example of an environment, commented out or not.
#[must_use]
pub fn variables_in(example: &str) -> BTreeSet<String> {
    let names = example
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once('='))
        .map(|(name, _)| name);
    names
        .filter(|name| is_variable(name))
        .map(str::to_owned)
        .collect()
}

/// Whether a text has the form of an environment variable of ours, such as `DATABASE_URL`.
#[must_use]
pub fn is_variable(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    text.contains('_')
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.bytes().all(allowed)
}

/// The folder of a crate, relative to [`root`].
#[must_use]
pub fn folder_of(name: &str) -> PathBuf {
    let tool = Path::new(TOOLS).join(name);
    if root().join(&tool).exists() {
        tool
    } else {
        Path::new("crates").join(name)
    }
}

/// Every Rust file of every crate.
#[must_use]
pub fn all_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for name in crates() {
        for part in ["src", "tests"] {
            find_rust_files(&root().join(folder_of(&name)).join(part), &mut found);
        }
    }
    found
}

/// The sources of the four programs that are shipped, without the libraries.
#[must_use]
pub fn shipped_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for name in ["ingest", "processor", "sender", "desk"] {
        find_rust_files(&root().join("crates").join(name).join("src"), &mut found);
    }
    found
}

/// The part of a file before its unit tests.
#[must_use]
pub fn before_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or_default()
}

/// Whether a file belongs to a crate's tests.
#[must_use]
pub fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests")
        || path.file_name().is_some_and(|name| name == "tests.rs")
}

fn find_rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in entries(folder) {
        if path.is_dir() {
            find_rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path()))
}
