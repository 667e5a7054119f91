//! Where results and complaints are written.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;

/// Writes a result; a reader that has gone away (`desk … | head`) is no failure.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let written = writeln!(stdout, "{}", text.trim_end()).and_then(|()| stdout.flush());
    written.or_else(|error| match error.kind() {
        ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    })
}

/// Writes a result as the one JSON document of this command.
pub(super) fn print_json(document: &impl Serialize) -> io::Result<()> {
    print(&serde_json::to_string_pretty(document)?)
}

/// Says on stderr what is wrong.
pub(super) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
