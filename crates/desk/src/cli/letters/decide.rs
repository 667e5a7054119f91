//! `desk letters edit`, `settle` and `close`

use clap::{ArgGroup, Args};
use domain::ids::LetterId;
use service::Environment;
use store::letters::Word;

use super::auth::{self, ReasonArgs};
use super::session::{self, Session};
use super::{Answer, input, output};
use crate::actions::letters;
use crate::settings;

/// Correct the phone number of a letter's booking
///
/// The corrected number is used for the booking until the platform sends a number that is neither the wrong nor the
/// corrected one. The letter stays open: retry it afterwards.
///
/// Needs DATABASE_URL, AMQP_URL, BELLHOP_CONFIG and BELLHOP_KEYS, and your token (see desk --help).
///
/// Examples:
///   desk letters edit 12 --phone -              prompts for the number
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Edit {
    /// The letter's number
    id: LetterId,
    /// The right number; use - to be prompted (or pipe it), which keeps it out of the shell's history. Without a country code
    /// it is read with the guest's country, if the platform sent it, else with the resort's
    #[arg(long, value_name = "+…")]
    phone: String,
    #[command(flatten)]
    reason: ReasonArgs,
}

pub(super) async fn edit(arguments: Edit, environment: &Environment) -> anyhow::Result<Answer> {
    let Edit { id, phone, reason } = arguments;
    let Session { context, by, .. } = session::for_staff(reason, environment).await?;
    let phone = input::phone_number(phone)?;

    let decided = letters::correct_phone(&context, id, by, phone).await?;

    match decided {
        Err(declined) => Ok(super::decline(id, &declined)),
        Ok(corrected) => {
            let (booking, number) = (corrected.booking, corrected.number.masked());
            output::print(&format!(
                "letter {id}: the phone number for {booking} is now {number}"
            ))?;
            output::print(&format!("`desk letters retry {id}` sends the message there"))?;
            Ok(Answer::Done)
        }
    }
}

/// Record whether the guest received a letter's message
///
/// Needs DATABASE_URL, AMQP_URL, BELLHOP_CONFIG and BELLHOP_KEYS, and your token (see desk --help).
///
/// Examples:
///   desk letters settle 12 --sent          the guest has it; the booking's plan continues
///   desk letters settle 12 --not-sent      the guest does not have it, and it is not sent again
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, group = ArgGroup::new("resolution").args(["sent", "not_sent"]).required(true))]
pub(in crate::cli) struct Settle {
    /// The letter's number
    id: LetterId,
    /// The guest has the message
    #[arg(long)]
    sent: bool,
    /// The guest does not have it
    #[arg(long)]
    not_sent: bool,
    #[command(flatten)]
    reason: ReasonArgs,
}

pub(super) async fn settle(arguments: Settle, environment: &Environment) -> anyhow::Result<Answer> {
    let id = arguments.id;
    let Session { context, by, .. } = session::for_staff(arguments.reason, environment).await?;
    let (resolution, counts_as) = if arguments.sent {
        (Word::Sent, "sent")
    } else {
        (Word::NotSent, "not sent")
    };

    let decided = letters::settle(&context, id, by, resolution).await?;

    match decided {
        Err(declined) => Ok(super::decline(id, &declined)),
        Ok(()) => {
            output::print(&format!(
                "letter {id}: settled, the message counts as {counts_as}"
            ))?;
            Ok(Answer::Done)
        }
    }
}

/// Close a letter without further action
///
/// Its message stays dead, or its event stays unapplied.
///
/// Needs DATABASE_URL, AMQP_URL and BELLHOP_KEYS, and your token (see desk --help).
///
/// Examples:
///   desk letters close 12 --note "the platform's test data"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Close {
    /// The letter's number
    id: LetterId,
    /// The reason, for the audit trail; encrypted with BELLHOP_KEYS
    #[arg(long, value_name = "TEXT", value_parser = auth::not_blank)]
    note: String,
}

pub(super) async fn close(arguments: Close, environment: &Environment) -> anyhow::Result<Answer> {
    let Close { id, note } = arguments;
    let mut read = environment.reader();
    let (store, broker) = (settings::database(&mut read), settings::broker(&mut read));
    let login = auth::login(Some(note), &mut read, environment);
    let (store, broker, login) = read.finish_with(|| Some((store?, broker?, login?)))?;
    let by = login.identify(&store).await?;

    super::drain(&store, &broker).await?;
    let decided = letters::close(&store, id, by).await?;

    match decided {
        Err(declined) => Ok(super::decline(id, &declined)),
        Ok(()) => {
            output::print(&format!("letter {id}: closed"))?;
            Ok(Answer::Done)
        }
    }
}
