//! `desk letters …`

mod decide;
mod list;
mod retry;
mod show;

use std::sync::Arc;

use anyhow::{Error, anyhow};
use broker::Address;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use crypto::key_ring::KeyRing;
use domain::dead_letter::{DeadLetterReason, LetterKind, LetterState, Settlement};
use domain::ids::{LetterId, ResortId};
use service::{Environment, Failure};
use store::Store;
use store::letters::{Declined, Ending, Filter};

use super::{Answer, acting, output, table};
use crate::actions::letters;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List(list::Arguments),
    Show(show::Arguments),
    Retry(retry::Arguments),
    Edit(decide::Edit),
    Settle(decide::Settle),
    Close(decide::Close),
}

/// Which letters.
#[derive(Debug, Args)]
struct Filters {
    /// Only letters of events, or of messages
    #[arg(long, value_parser = kind_parser())]
    kind: Option<LetterKind>,
    /// Only letters that died of this
    #[arg(long, value_parser = reason_parser())]
    reason: Option<DeadLetterReason>,
    /// Only letters of this resort
    #[arg(long)]
    resort: Option<ResortId>,
}

impl From<Filters> for Filter {
    fn from(filters: Filters) -> Self {
        Self {
            standing: None,
            kind: filters.kind,
            reason: filters.reason,
            resort: filters.resort,
        }
    }
}

fn kind_parser() -> impl TypedValueParser<Value = LetterKind> {
    let names = LetterKind::ALL.iter().map(|kind| kind.as_str());
    PossibleValuesParser::new(names).try_map(|name| name.parse::<LetterKind>())
}

fn reason_parser() -> impl TypedValueParser<Value = DeadLetterReason> {
    let names = DeadLetterReason::ALL.iter().map(|reason| reason.as_str());
    PossibleValuesParser::new(names).try_map(|name| name.parse::<DeadLetterReason>())
}

pub(super) async fn run(command: Command, environment: &Environment) -> Result<Answer, Failure> {
    match command {
        Command::List(arguments) => list::run(arguments, environment).await,
        Command::Show(arguments) => show::run(arguments, environment).await,
        Command::Retry(arguments) => retry::run(arguments, environment).await,
        Command::Edit(arguments) => decide::edit(arguments, environment).await,
        Command::Settle(arguments) => decide::settle(arguments, environment).await,
        Command::Close(arguments) => decide::close(arguments, environment).await,
    }
}

/// What every command begins with.
pub(super) async fn drain(store: &Store, broker: &Address) -> Result<(), Failure> {
    let drained = letters::drain(store, broker).await;
    drained.map_err(|error| anyhow!(error).context("cannot take letters in"))?;
    Ok(())
}

/// Says why a decision changed nothing.
async fn decline(
    id: LetterId,
    declined: &Declined,
    store: &Store,
    ring: &Arc<KeyRing>,
) -> Result<Answer, Failure> {
    let why = match declined {
        Declined::Refused(refusal) => format!("refused: {refusal}"),
        Declined::NotFound => "there is no such letter".to_owned(),
        Declined::TooLate(ending) => {
            let note = letters::note(store, ring, ending).await.map_err(Error::from)?;
            format!("{} was first: {}", ending.by, ended(ending, note))
        }
    };
    output::complain(&format!("letter {id}: {why}"));
    Ok(Answer::Refused)
}

/// With what, and when, a letter ended.
fn ended(ending: &Ending, note: Option<String>) -> String {
    let with = match (ending.state, ending.settled_as.map(Settlement::as_str)) {
        (LetterState::Settled, Some(settlement)) => format!("settled as {settlement}"),
        (state, _) => state.to_string(),
    };
    let note = note.map(|note| format!(" ({note})"));
    format!(
        "{with} at {}{}",
        table::instant(ending.at),
        note.unwrap_or_default()
    )
}
