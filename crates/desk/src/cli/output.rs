//! Writing results to stdout and complaints to stderr.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use serde::Serialize;

use super::table;

/// A reader that has gone away (`desk … | head`) is no failure.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let written = writeln!(stdout, "{}", text.trim_end()).and_then(|()| stdout.flush());
    written.or_else(|error| match error.kind() {
        ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    })
}

pub(super) fn print_json(document: &impl Serialize) -> io::Result<()> {
    print(&serde_json::to_string_pretty(document)?)
}

/// Writes a list as one JSON array or as a table with the heads of its columns. Instead of an empty table it writes
/// `if_empty` to stderr.
pub(super) fn print_list<T: Serialize, const N: usize>(
    found: &[T],
    json: bool,
    if_empty: &str,
    heads: [&str; N],
    row: fn(&T) -> [String; N],
) -> io::Result<()> {
    if json {
        return print_json(&found);
    }
    if found.is_empty() {
        complain(if_empty);
        return Ok(());
    }
    print(&table::headed(heads, found.iter().map(row)))
}

/// `1 error`, `2 errors`.
pub(super) fn count(number: impl Display, noun: &str) -> String {
    let number = number.to_string();
    let ending = if number == "1" { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

pub(super) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
