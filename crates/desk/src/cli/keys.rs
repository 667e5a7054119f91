//! `desk keys …`

use std::path::Path;
use std::sync::Arc;

use ::settings::keys::KeysOfFiles;
use anyhow::Error;
use broker::Address;
use broker::topology::{self, Depths};
use clap::{Args, Subcommand};
use service::{Environment, Failure, Problems, chain};

use super::acting::Why;
use super::{Answer, output, table};
use crate::actions::keys::{self, KeyUse, Progress, Resealed};
use crate::settings;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Check(Check),
    Reseal(Reseal),
}

/// Count the values that are encrypted with each key
///
/// Exit code 1 when something lies under a key that the key ring does not have: it cannot be read. Reads the tables
/// whole. Where BELLHOP_CONFIG is set, it names the files with secrets that are sealed under each key (desk seal makes them
/// anew); where AMQP_URL is set, it says whether events wait in the queues, under whichever key.
///
/// Needs DATABASE_URL and BELLHOP_KEYS (or BELLHOP_KEYS_FILE).
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Check {
    /// One JSON array instead of a table
    #[arg(long)]
    json: bool,
}

/// Seal everything anew under the first key of the ring, and read all phone numbers again
///
/// To change a key: add the new one second everywhere; then make it first everywhere; then run this; then take the old one
/// out, once desk keys check finds nothing under it and the queues have been empty since. Secrets in files are sealed anew
/// by hand (desk seal). It may run beside all programs, be interrupted, and be run again. Exit code 1 when something could
/// not be opened, or a number could not be read because its resort's file cannot be.
///
/// Numbers are found by a hash of how they are read. Run this after an upgrade that says so, and after the country in a
/// resort's file was changed: bookings, raw events and letters get the hashes of their numbers as they are read now, and a
/// guest who wants no messages is known by the new hash too.
///
/// Needs DATABASE_URL, BELLHOP_CONFIG, BELLHOP_KEYS (or BELLHOP_KEYS_FILE), and your token (see desk --help).
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
    let (folder, broker) = (
        read.optional("BELLHOP_CONFIG"),
        settings::optional_broker(&mut read),
    );
    let (store, ring) = read.finish_with(|| Some((store?, Arc::new(ring?))))?;

    let files = folder.map(|folder| of_files(Path::new(&folder))).transpose()?;
    let found = keys::check(&store, &ring, &files.unwrap_or_default())
        .await
        .map_err(Error::from)?;

    tell_queues(broker.as_ref()).await;
    told(&found, arguments.json)
}

/// The keys that files need; broken ones may need others.
fn of_files(folder: &Path) -> Result<KeysOfFiles, Problems> {
    let read = ::settings::keys::keys_of_files(folder);
    let (keys, broken) = read.map_err(|error| Problems::one("BELLHOP_CONFIG", chain(&error)))?;
    for finding in broken {
        output::complain(&format!("not looked into: {finding}"));
    }
    Ok(keys)
}

/// What lies in the queues was sealed by whichever key came first then, and cannot be looked at without being taken out.
async fn tell_queues(broker: Option<&Address>) {
    let Some(broker) = broker else {
        return output::complain("the queues were not looked at: AMQP_URL is not set");
    };
    match topology::verify(broker).await {
        Ok(Depths {
            events: 0,
            dead_events: 0,
            ..
        }) => {}
        Ok(depths) => output::complain(&format!(
            "events wait in RabbitMQ, under whichever key: events {}, dead.events {}; take no key away before they are gone",
            depths.events, depths.dead_events
        )),
        Err(error) => output::complain(&format!("the queues could not be looked at: {}", chain(&error))),
    }
}

async fn reseal(arguments: Reseal, environment: &Environment) -> Result<Answer, Failure> {
    let mut read = environment.reader();
    let shelf = settings::shelf(&mut read, environment);
    let acting = arguments.why.read(&mut read, environment);
    let (shelf, acting) = read.finish_with(|| Some((shelf?, acting?)))?;
    let shelf = shelf.open()?;
    let by = acting.identify(&shelf.store).await?;

    let progress = |progress: Progress<'_>| match progress {
        Progress::Sealed(table, tally) => {
            output::complain(&format!("{table}: {} sealed anew", tally.resealed));
        }
        Progress::Reread(table, count) => {
            output::complain(&format!("{table}: {count} numbers are read differently now"));
        }
    };
    let resealed = keys::reseal(&shelf, &by, progress).await.map_err(Error::from)?;

    resealed_told(&resealed)
}

fn resealed_told(resealed: &Resealed) -> Result<Answer, Failure> {
    let mut answer = Answer::Done;
    let mut lacking = |text: &str| {
        output::complain(text);
        answer = Answer::Refused;
    };
    for (table, tally) in &resealed.tallies {
        output::print(&format!("{table}: {} sealed anew", tally.resealed))?;
        for (key, count) in &tally.unknown {
            lacking(&format!(
                "{table}: {count} lie under the key {key}, which is not in the key ring: put it back"
            ));
        }
        if tally.damaged > 0 {
            lacking(&format!("{table}: {} are damaged and do not open", tally.damaged));
        }
    }
    for (table, count) in &resealed.reread {
        output::print(&format!("{table}: {count} numbers are read differently now"))?;
    }
    for (resort, count) in &resealed.without_resort {
        lacking(&format!(
            "{resort}: {count} bookings keep the hashes of their numbers, which need the country in the resort's file: mend \
             the file, then run this again"
        ));
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

fn row(key: &KeyUse) -> [String; 4] {
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
    [
        key.key.clone(),
        standing.to_owned(),
        values.join(", "),
        key.files.join(", "),
    ]
}
