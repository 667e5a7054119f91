//! `desk seal`

use anyhow::{Context, ensure};
use clap::Args;
use crypto::secret;
use service::{Environment, Failure};

use super::{Answer, input, output};
use crate::settings;

/// Seal a secret for a resort's or source's file
///
/// Reads a secret from stdin, or asks for it on a terminal without showing it, and prints what stands for it in a
/// resort's or source's file: sealed:…
///
/// Needs BELLHOP_KEYS or BELLHOP_KEYS_FILE; whoever uses the file needs the same key. One line break at the end of the
/// input does not belong to the secret.
///
/// Examples:
///   desk seal
///   desk seal < token.txt
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments, environment: &Environment) -> Result<Answer, Failure> {
    let mut read = environment.reader();
    let key_ring = settings::key_ring(&mut read, environment);
    let key_ring = read.finish_with(|| key_ring)?;

    let secret = input::ask("Secret (not shown): ").context("cannot read the secret")?;
    check_not_empty(secret.reveal().is_empty())?;

    output::print(&secret::seal(&secret, &key_ring))?;
    Ok(Answer::Done)
}

fn check_not_empty(is_empty: bool) -> anyhow::Result<()> {
    ensure!(!is_empty, "the secret is empty; give it on stdin");
    Ok(())
}
