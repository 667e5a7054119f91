//! `desk letters edit`, `settle` and `close`

use std::sync::Arc;

use anyhow::Error;
use clap::Args;
use domain::ids::LetterId;
use service::{Environment, Failure};
use store::letters::Word;

use super::acting::{self, Why};
use super::{Answer, output};
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
///   desk letters edit 12 --phone +306912345678
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Edit {
    /// The letter's number
    id: LetterId,
    /// The right number; without a country code, one of the resort's country
    #[arg(long)]
    phone: String,
    #[command(flatten)]
    why: Why,
}

pub(super) async fn edit(arguments: Edit, environment: &Environment) -> Result<Answer, Failure> {
    let Edit { id, phone, why } = arguments;
    let mut read = environment.reader();
    let shelf = settings::shelf(&mut read, environment);
    let broker = settings::broker(&mut read);
    let acting = why.read(&mut read, environment);
    let (shelf, broker, acting) = read.finish_with(|| Some((shelf?, broker?, acting?)))?;
    let shelf = shelf.open()?;
    let by = acting.identify(&shelf.store).await?;

    super::drain(&shelf.store, &broker).await?;
    let decided = letters::correct_phone(&shelf, id, by, phone)
        .await
        .map_err(Error::from)?;

    match decided {
        Err(declined) => super::decline(id, &declined, &shelf.store, &shelf.key_ring).await,
        Ok(corrected) => {
            let (booking, number) = (corrected.booking, corrected.number.masked());
            output::print(&format!(
                "letter {id}: the guest of {booking} has the number {number}"
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
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Settle {
    /// The letter's number
    id: LetterId,
    /// The guest has the message
    #[arg(long, required_unless_present = "not_sent", conflicts_with = "not_sent")]
    sent: bool,
    /// The guest does not have it
    #[arg(long)]
    not_sent: bool,
    #[command(flatten)]
    why: Why,
}

pub(super) async fn settle(arguments: Settle, environment: &Environment) -> Result<Answer, Failure> {
    let id = arguments.id;
    let mut read = environment.reader();
    let shelf = settings::shelf(&mut read, environment);
    let broker = settings::broker(&mut read);
    let acting = arguments.why.read(&mut read, environment);
    let (shelf, broker, acting) = read.finish_with(|| Some((shelf?, broker?, acting?)))?;
    let shelf = shelf.open()?;
    let by = acting.identify(&shelf.store).await?;
    let (word, told) = if arguments.sent {
        (Word::Sent, "sent")
    } else {
        (Word::NotSent, "not sent")
    };

    super::drain(&shelf.store, &broker).await?;
    let decided = letters::settle(&shelf, id, by, word).await.map_err(Error::from)?;

    match decided {
        Err(declined) => super::decline(id, &declined, &shelf.store, &shelf.key_ring).await,
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
    let ring = settings::key_ring(&mut read, environment);
    let acting = acting::acting(Some(note), &mut read, environment);
    let (store, ring, broker, acting) = read.finish_with(|| Some((store?, ring?, broker?, acting?)))?;
    let by = acting.identify(&store).await?;

    super::drain(&store, &broker).await?;
    let decided = letters::close(&store, id, by).await.map_err(Error::from)?;

    match decided {
        Err(declined) => super::decline(id, &declined, &store, &Arc::new(ring)).await,
        Ok(()) => {
            output::print(&format!("letter {id}: closed"))?;
            Ok(Answer::Done)
        }
    }
}
