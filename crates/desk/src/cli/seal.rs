//! `desk seal`

use anyhow::{Context as _, ensure};
use clap::Args;
use crypto::secret;
use service::Environment;

use super::{Answer, input, output};
use crate::settings;

/// Encrypt a secret for a resort's or source's file
///
/// Reads a secret from a prompt or from stdin, and prints the text to put into the file: sealed:…
///
/// Needs BELLHOP_KEYS or BELLHOP_KEYS_FILE; programs that read the file need the same key. A line break at the end of the
/// input is removed.
///
/// Examples:
///   desk seal
///   desk seal < token.txt
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments, environment: &Environment) -> anyhow::Result<Answer> {
    let mut read = environment.reader();
    let key_ring = settings::key_ring(&mut read, environment);
    let key_ring = read.finish_with(|| key_ring)?;

    let secret = input::ask("Secret (not shown): ").context("cannot read the secret")?;
    ensure!(
        !secret.reveal().is_empty(),
        "the secret is empty; give it on stdin"
    );

    output::print(&secret::seal(&secret, &key_ring))?;
    Ok(Answer::Done)
}
