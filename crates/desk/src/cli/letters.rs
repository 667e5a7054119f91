//! `desk letters …`

mod decide;
mod list;
mod retry;
mod show;

use ::settings::Snapshot;
use clap::{Args, Subcommand};
use domain::dead_letter::{DeadLetterReason, LetterKind, LetterState, Settlement};
use domain::ids::{LetterId, ResortId, SourceId};
use service::Environment;
use store::Store;
use store::letters::{Declined, Ending, Filter};

use super::arguments::one_of;
use super::session::drain;
use super::{Answer, auth, input, output, session, table};
use crate::actions::names;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List(list::Arguments),
    Show(show::Arguments),
    Retry(retry::Arguments),
    Edit(decide::Edit),
    Settle(decide::Settle),
    Close(decide::Close),
}

#[derive(Debug, Args)]
struct Filters {
    /// Only letters of events, or of messages
    #[arg(long, value_parser = one_of(LetterKind::ALL, LetterKind::as_str))]
    kind: Option<LetterKind>,
    /// Only letters with this reason
    #[arg(long, value_parser = one_of(DeadLetterReason::ALL, DeadLetterReason::as_str))]
    reason: Option<DeadLetterReason>,
    /// Only letters of this resort
    #[arg(long)]
    resort: Option<ResortId>,
    /// Only letters of this source's events
    #[arg(long)]
    source: Option<SourceId>,
}

/// Refuses filters that could match nothing, because of a typing error.
async fn check_filters(filters: &Filters, store: &Store, files: Option<&Snapshot>) -> anyhow::Result<()> {
    if let Some(resort) = &filters.resort {
        names::check_resort(store, files, resort).await?;
    }
    if let Some(source) = &filters.source {
        names::check_source(store, files, source).await?;
    }
    Ok(())
}

impl From<Filters> for Filter {
    fn from(filters: Filters) -> Self {
        Self {
            standing: None,
            kind: filters.kind,
            reason: filters.reason,
            resort: filters.resort,
            source: filters.source,
        }
    }
}

pub(super) async fn run(command: Command, environment: &Environment) -> anyhow::Result<Answer> {
    match command {
        Command::List(arguments) => list::run(arguments, environment).await,
        Command::Show(arguments) => show::run(arguments, environment).await,
        Command::Retry(arguments) => retry::run(arguments, environment).await,
        Command::Edit(arguments) => decide::edit(arguments, environment).await,
        Command::Settle(arguments) => decide::settle(arguments, environment).await,
        Command::Close(arguments) => decide::close(arguments, environment).await,
    }
}

/// Prints why a decision changed nothing.
fn decline(id: LetterId, declined: &Declined) -> Answer {
    let why = match declined {
        Declined::Refused(refusal) => format!("refused: {refusal}"),
        Declined::NotFound => "there is no such letter".to_owned(),
        Declined::TooLate(ending) => format!("{} was first: {}", ending.by, ended(id, ending)),
    };
    output::complain(&format!("letter {id}: {why}"));
    Answer::Refused
}

/// A letter's decision and its time, and how to see the reason.
fn ended(id: LetterId, ending: &Ending) -> String {
    let with = match (ending.state, ending.settled_as.map(Settlement::as_str)) {
        (LetterState::Settled, Some(settlement)) => format!("settled as {settlement}"),
        (state, _) => state.to_string(),
    };
    let at = table::instant(ending.at);
    match ending.note {
        Some(_) => format!("{with} at {at}; desk letters show {id} --reveal shows the reason"),
        None => format!("{with} at {at}"),
    }
}
