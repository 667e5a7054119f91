//! `desk keys …`

use std::sync::Arc;

use anyhow::Error;
use clap::{Args, Subcommand};
use service::{Environment, Failure};

use super::acting::Why;
use super::{Answer, output, table};
use crate::actions::keys::{self, KeyUse};
use crate::settings;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Check(Check),
    Reseal(Reseal),
}

/// Tell how much lies under which key
///
/// Exit code 1 when something lies under a key that the key ring does not have: it cannot be read. Reads the tables
/// whole.
///
/// Needs DATABASE_URL and BELLHOP_KEYS (or BELLHOP_KEYS_FILE).
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Check {
    /// One JSON array instead of a table
    #[arg(long)]
    json: bool,
}

/// Seal everything anew under the first key of the ring
///
/// To change a key: add the new one second everywhere; then make it first everywhere; then run this; then take the old one
/// out, once desk keys check finds nothing under it and the queues have been empty since. It may run beside all programs, be
/// broken off, and be run again. Exit code 1 when something could not be opened.
///
/// Needs DATABASE_URL, BELLHOP_KEYS (or BELLHOP_KEYS_FILE), and your token (see desk --help).
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Reseal {
    #[command(flatten)]
    why: Why,
}

pub(super) async fn run(command: Command, environment: &Environment) -> Result<Answer, Failure> {
    match command {
        Command::Check(arguments) => check(&arguments, environment).await,
        Command::Reseal(arguments) => reseal(arguments, environment).await,
    }
}

async fn check(arguments: &Check, environment: &Environment) -> Result<Answer, Failure> {
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let ring = settings::key_ring(&mut read, environment);
    let (store, ring) = read.finish_with(|| Some((store?, Arc::new(ring?))))?;
    let found = keys::check(&store, &ring).await.map_err(Error::from)?;
    told(&found, arguments.json)
}

async fn reseal(arguments: Reseal, environment: &Environment) -> Result<Answer, Failure> {
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let ring = settings::key_ring(&mut read, environment);
    let acting = arguments.why.read(&mut read, environment);
    let (store, ring, acting) = read.finish_with(|| Some((store?, Arc::new(ring?), acting?)))?;
    let by = acting.identify(&store).await?;

    let progress = |table, tally: &keys::Tally| {
        output::complain(&format!("{table}: {} sealed anew", tally.resealed));
    };
    let tallies = keys::reseal(&store, &ring, &by, progress)
        .await
        .map_err(Error::from)?;

    let mut answer = Answer::Done;
    for (table, tally) in tallies {
        output::print(&format!("{table}: {} sealed anew", tally.resealed))?;
        for (key, count) in &tally.unknown {
            output::complain(&format!(
                "{table}: {count} lie under the key {key}, which is not in the key ring: put it back"
            ));
            answer = Answer::Refused;
        }
        if tally.damaged > 0 {
            output::complain(&format!("{table}: {} are damaged and do not open", tally.damaged));
            answer = Answer::Refused;
        }
    }
    Ok(answer)
}

fn told(found: &[KeyUse], json: bool) -> Result<Answer, Failure> {
    if json {
        output::print_json(&found)?;
    } else {
        let rows: Vec<_> = found.iter().map(row).collect();
        output::print(&table::rows("", &rows))?;
    }
    Ok(if found.iter().all(|key| key.in_ring) {
        Answer::Done
    } else {
        Answer::Refused
    })
}

fn row(key: &KeyUse) -> [String; 3] {
    let standing = match (key.in_ring, key.seals) {
        (false, _) => "MISSING from the key ring",
        (true, true) => "seals",
        (true, false) => "opens",
    };
    let values: Vec<String> = key
        .values
        .iter()
        .map(|(table, count)| format!("{count} {table}"))
        .collect();
    [key.key.clone(), standing.to_owned(), values.join(", ")]
}
