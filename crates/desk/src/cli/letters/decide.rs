//! `desk letters edit`, `settle` and `close`

use anyhow::Error;
use clap::{ArgGroup, Args};
use domain::ids::LetterId;
use service::{Environment, Failure};
use store::letters::Word;

use super::acting::{self, Why};
use super::opening::{self, Opened};
use super::{Answer, input, output};
use crate::actions::letters;
use crate::settings;

/// Put right the phone number of a letter's booking
///
/// The number holds for the booking whatever the platform repeats, until the platform names a third one. The letter
/// stays open: retry it then.
///
/// Needs DATABASE_URL, AMQP_URL, BELLHOP_CONFIG and BELLHOP_KEYS, and your token (see desk --help).
///
/// Examples:
///   desk letters edit 12 --phone -              asks for the number
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Edit {
    /// The letter's number
    id: LetterId,
    /// The right number; without a country code, one of the guest's country where the platform told it, else of the resort's. It would stand in your shell's history: with -
    /// it is read from stdin, or asked for
    #[arg(long, value_name = "+…")]
    phone: String,
    #[command(flatten)]
    why: Why,
}

pub(super) async fn edit(arguments: Edit, environment: &Environment) -> Result<Answer, Failure> {
    let Edit { id, phone, why } = arguments;
    let Opened { shelf, by, .. } = opening::for_somebody(why, environment).await?;
    let phone = input::phone_number(phone)?;

    let decided = letters::correct_phone(&shelf, id, by, phone)
        .await
        .map_err(Error::from)?;

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

/// Say what became of a letter's message
///
/// Needs DATABASE_URL, AMQP_URL, BELLHOP_CONFIG and BELLHOP_KEYS, and your token (see desk --help).
///
/// Examples:
///   desk letters settle 12 --sent          the guest has it; what follows from that goes on
///   desk letters settle 12 --not-sent      the guest does not have it, and it is not to be sent
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, group = ArgGroup::new("fate").args(["sent", "not_sent"]).required(true))]
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
    why: Why,
}

pub(super) async fn settle(arguments: Settle, environment: &Environment) -> Result<Answer, Failure> {
    let id = arguments.id;
    let Opened { shelf, by, .. } = opening::for_somebody(arguments.why, environment).await?;
    let (word, told) = if arguments.sent {
        (Word::Sent, "sent")
    } else {
        (Word::NotSent, "not sent")
    };

    let decided = letters::settle(&shelf, id, by, word).await.map_err(Error::from)?;

    match decided {
        Err(declined) => Ok(super::decline(id, &declined)),
        Ok(()) => {
            output::print(&format!("letter {id}: settled, the message counts as {told}"))?;
            Ok(Answer::Done)
        }
    }
}

/// Close a letter about which nothing is to be done
///
/// Its message stays dead, its event is not applied.
///
/// Needs DATABASE_URL, AMQP_URL and BELLHOP_KEYS, and your token (see desk --help).
///
/// Examples:
///   desk letters close 12 --note "a test of the platform's"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Close {
    /// The letter's number
    id: LetterId,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = acting::words)]
    note: String,
}

pub(super) async fn close(arguments: Close, environment: &Environment) -> Result<Answer, Failure> {
    let Close { id, note } = arguments;
    let mut read = environment.reader();
    let (store, broker) = (settings::database(&mut read), settings::broker(&mut read));
    let acting = acting::acting(Some(note), &mut read, environment);
    let (store, broker, acting) = read.finish_with(|| Some((store?, broker?, acting?)))?;
    let by = acting.identify(&store).await?;

    super::drain(&store, &broker).await?;
    let decided = letters::close(&store, id, by).await.map_err(Error::from)?;

    match decided {
        Err(declined) => Ok(super::decline(id, &declined)),
        Ok(()) => {
            output::print(&format!("letter {id}: closed"))?;
            Ok(Answer::Done)
        }
    }
}
