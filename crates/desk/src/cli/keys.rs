//! `desk keys …`

use std::path::Path;
use std::sync::Arc;

use ::settings::keys::KeysOfFiles;
use broker::Address;
use broker::topology::{self, Depths};
use clap::{Args, Subcommand};
use service::{Environment, Problems, chain};

use super::auth::ReasonArgs;
use super::{Answer, output, session};
use crate::actions::keys::{self, KeyUse, Progress, Resealed};
use crate::settings;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Check(Check),
    Reseal(Reseal),
}

/// Count the values that are encrypted with each key
///
/// Reads the tables completely. Exit code 1 if a value is encrypted with a key that the key ring does not have: it cannot be
/// read.
///
/// If BELLHOP_CONFIG is set, it names the files with secrets that are encrypted with each key (replace them with desk seal).
/// If AMQP_URL is set, it says whether events wait in the queues, which may need any of the keys.
///
/// Needs DATABASE_URL and BELLHOP_KEYS (or BELLHOP_KEYS_FILE).
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Check {
    /// Print one JSON array instead of a table
    #[arg(long)]
    json: bool,
}

/// Encrypt everything with the first key of the ring, and update the hashes of all phone numbers
///
/// To change a key: 1. add the new key as the second one in every program's key ring; 2. make it the first one everywhere;
/// 3. run this; 4. replace the secrets in files (desk seal); 5. remove the old key once desk keys check finds no value under
/// it and the queues have been empty since step 2. This may run while all programs run, be interrupted, and be run again.
/// Exit code 1 if a value could not be decrypted, or a number could not be read because its resort has no readable file.
///
/// Guests are found by a hash of their number as it is read. So run this also after an upgrade that says so, and after the
/// country in a resort's file has changed: bookings, raw events and letters get the new hashes, and an opt-out holds for the
/// new hash too.
///
/// Needs DATABASE_URL, BELLHOP_CONFIG, BELLHOP_KEYS (or BELLHOP_KEYS_FILE), and your token (see desk --help).
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Reseal {
    #[command(flatten)]
    reason: ReasonArgs,
}

pub(super) async fn run(command: Command, environment: &Environment) -> anyhow::Result<Answer> {
    match command {
        Command::Check(arguments) => check(&arguments, environment).await,
        Command::Reseal(arguments) => reseal(arguments, environment).await,
    }
}

async fn check(arguments: &Check, environment: &Environment) -> anyhow::Result<Answer> {
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let ring = settings::key_ring(&mut read, environment);
    let (folder, broker) = (
        read.optional("BELLHOP_CONFIG"),
        settings::optional_broker(&mut read),
    );
    let (store, ring) = read.finish_with(|| Some((store?, Arc::new(ring?))))?;

    let files = folder.map(|folder| of_files(Path::new(&folder))).transpose()?;
    let found = keys::check(&store, &ring, &files.unwrap_or_default()).await?;

    report_queues(broker.as_ref()).await;
    report(&found, arguments.json)
}

/// The keys that readable files need.
fn of_files(folder: &Path) -> Result<KeysOfFiles, Problems> {
    let read = ::settings::keys::keys_of_files(folder);
    let (keys, broken) = read.map_err(|error| Problems::one("BELLHOP_CONFIG", chain(&error)))?;
    for finding in broken {
        output::complain(&format!("not checked: {finding}"));
    }
    Ok(keys)
}

/// Events in the queues were encrypted with the key that was the first one then, which shows only when they are consumed.
async fn report_queues(broker: Option<&Address>) {
    let Some(broker) = broker else {
        return output::complain("the queues were not checked: AMQP_URL is not set");
    };
    match topology::verify(broker).await {
        Ok(Depths {
            events: 0,
            dead_events: 0,
            ..
        }) => {}
        Ok(depths) => output::complain(&format!(
            "events wait in RabbitMQ and may need any key: events {}, dead.events {}; remove no key before they are gone",
            depths.events, depths.dead_events
        )),
        Err(error) => output::complain(&format!("the queues could not be checked: {}", chain(&error))),
    }
}

async fn reseal(arguments: Reseal, environment: &Environment) -> anyhow::Result<Answer> {
    let (context, by) = session::context_for_staff(arguments.reason, environment).await?;

    let progress = |progress: Progress<'_>| match progress {
        Progress::Sealed(table, tally) => {
            output::complain(&format!("{table}: {} re-encrypted", tally.resealed));
        }
        Progress::Reread(table, count) => {
            output::complain(&format!(
                "{table}: {} read differently now",
                output::count(count, "number")
            ));
        }
    };
    let resealed = keys::reseal(&context, &by, progress).await?;

    report_resealed(&resealed)
}

fn report_resealed(resealed: &Resealed) -> anyhow::Result<Answer> {
    let mut answer = Answer::Done;
    let mut incomplete = |text: &str| {
        output::complain(text);
        answer = Answer::Refused;
    };
    for (table, tally) in &resealed.tallies {
        output::print(&format!("{table}: {} re-encrypted", tally.resealed))?;
        for (key, count) in &tally.unknown {
            incomplete(&format!(
                "{table}: {count} need the key {key}, which is not in the key ring: put it back"
            ));
        }
        if tally.damaged > 0 {
            incomplete(&format!(
                "{table}: {} are damaged and cannot be decrypted",
                tally.damaged
            ));
        }
    }
    for (table, count) in &resealed.reread {
        let numbers = output::count(count, "number");
        output::print(&format!("{table}: {numbers} read differently now"))?;
    }
    for (resort, count) in &resealed.without_resort {
        incomplete(&format!(
            "{resort}: {count} bookings keep their old hashes, because the country is in the resort's file: correct the file, then \
             run this again"
        ));
    }
    Ok(answer)
}

fn report(found: &[KeyUse], json: bool) -> anyhow::Result<Answer> {
    output::print_list(found, json, "", HEADS, row)?;
    Ok(Answer::done_if(found.iter().all(|key| key.in_ring)))
}

const HEADS: [&str; 4] = ["key", "use", "values", "files"];

fn row(key: &KeyUse) -> [String; 4] {
    let role = match (key.in_ring, key.seals) {
        (false, _) => "MISSING from the key ring",
        (true, true) => "encrypts",
        (true, false) => "decrypts",
    };
    let values: Vec<String> = key
        .values
        .iter()
        .map(|(table, count)| format!("{count} {table}"))
        .collect();
    [
        key.key.clone(),
        role.to_owned(),
        values.join(", "),
        key.files.join(", "),
    ]
}
