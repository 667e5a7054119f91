//! Secrets and numbers, read from a prompt or stdin: arguments end up in the shell's history.

use std::io::{self, IsTerminal, Read};

use anyhow::Context as _;
use crypto::secret::Secret;

/// The number itself, or the one typed at a prompt if `-` is given.
pub(super) fn phone_number(given: String) -> anyhow::Result<String> {
    if given != "-" {
        return Ok(given);
    }
    let asked = ask("Phone number (not shown): ").context("cannot read the number")?;
    Ok(asked.reveal().trim().to_owned())
}

/// Prompts on a terminal without echo, else reads stdin to its end, without a byte order mark and trailing line ends.
pub(super) fn ask(prompt: &str) -> io::Result<Secret> {
    if io::stdin().is_terminal() {
        return rpassword::prompt_password(prompt).map(Secret::new);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let bare = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    Ok(Secret::new(bare.trim_end_matches(['\r', '\n'])))
}
