//! The rules of this repository: what the documents say is what the sources do.
//!
//! The tests need no server, so `cargo nextest run -p rules` answers within seconds.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

mod documents;
mod files;
mod images;
mod manifests;
mod migrations;
mod modules;
mod services;

use std::collections::BTreeSet;

use regex::Regex;

/// The first group of each match.
fn captured(pattern: &str, text: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).expect("the pattern is valid");
    pattern
        .captures_iter(text)
        .map(|found| found[1].to_owned())
        .collect()
}

/// The cells of each row of the Markdown table whose header starts with `header`.
fn table(page: &str, header: &str) -> Vec<Vec<String>> {
    let rows = page.lines().skip_while(|line| !line.starts_with(header)).skip(2);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells = line.trim_matches('|').split(" | ");
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}
