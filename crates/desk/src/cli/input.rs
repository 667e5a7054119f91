//! What is asked for rather than given on the command line, where it would stand in the shell's history.

use std::io::{self, IsTerminal, Read};

use anyhow::Context;
use crypto::secret::Secret;
use service::Failure;

/// A guest's number: as it was given, or asked for where it was given as `-`.
pub(super) fn phone_number(given: String) -> Result<String, Failure> {
    if given != "-" {
        return Ok(given);
    }
    let asked = ask("Phone number (not shown): ").context("cannot read the number")?;
    Ok(asked.reveal().trim().to_owned())
}

/// Reads stdin to its end, or asks on a terminal without showing what is typed. A byte order mark before it and line ends
/// after it do not belong to it.
pub(super) fn ask(prompt: &str) -> io::Result<Secret> {
    if io::stdin().is_terminal() {
        return rpassword::prompt_password(prompt).map(Secret::new);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let bare = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    Ok(Secret::new(bare.trim_end_matches(['\r', '\n'])))
}
