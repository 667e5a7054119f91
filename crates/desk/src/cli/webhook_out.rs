//! `desk webhook-out …`

use clap::{Args, Subcommand};
use domain::ids::ResortId;
use service::Environment;

use super::{Answer, output};
use crate::actions::names;
use crate::actions::webhook_test::{self, Tested};
use crate::settings;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Test(Test),
}

/// Send a resort's own tool a webhook that only tries whether it arrives
///
/// The type is ping; processor sends it, signed as all others, to the address in the section webhook_out of the resort's file, and
/// the answer is printed. Nothing in it is personal, and it is not repeated.
///
/// Needs DATABASE_URL, and a processor that runs. Exit code 1: the tool did not take it.
///
/// Example:
///   desk webhook-out test azure-bay
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Test {
    resort: ResortId,
}

pub(super) async fn run(command: Command, environment: &Environment) -> anyhow::Result<Answer> {
    let Command::Test(test) = command;
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let files = settings::optional_files(&mut read);
    let store = read.finish_with(|| store)?;
    names::check_resort(&store, files.as_ref(), &test.resort).await?;
    Ok(match webhook_test::test(&store, test.resort).await? {
        Tested::Arrived(id) => {
            output::print(&format!("the tool took the webhook {id}"))?;
            Answer::Done
        }
        Tested::Failed(error) => {
            output::print(&format!("the tool did not take it: {error}"))?;
            Answer::Refused
        }
        Tested::NotSent => {
            output::print(
                "no processor has sent it in 20 s: does one run, and can it read the resort's file?",
            )?;
            Answer::Refused
        }
    })
}
