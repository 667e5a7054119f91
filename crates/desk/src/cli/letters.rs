//! `desk letters …`

mod assign;
mod decide;
mod jobs;
mod list;
mod retry;
mod show;

use std::time::Duration;

use ::settings::Snapshot;
use clap::{Args, Subcommand};
use domain::dead_letter::{DeadLetterReason, LetterKind, LetterState, Settlement};
use domain::ids::{LetterId, NO_RESORT, ResortId, SourceId, StaffName};
use service::Environment;
use store::Store;
use store::letters::{Assignee, AtResort, Declined, Ending, Filter};
use store::staff::NOBODY;

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
    Assign(assign::Arguments),
    Jobs(jobs::List),
    CancelJob(jobs::Cancel),
}

#[derive(Debug, Args)]
struct Filters {
    /// Only letters of events, or of messages
    #[arg(long, value_parser = one_of(LetterKind::ALL, LetterKind::as_str))]
    kind: Option<LetterKind>,
    /// Only letters with this reason
    #[arg(long, value_parser = one_of(DeadLetterReason::ALL, DeadLetterReason::as_str))]
    reason: Option<DeadLetterReason>,
    /// Only letters of this resort; none for those of no resort
    #[arg(long)]
    resort: Option<ResortId>,
    /// Only letters of this source's events
    #[arg(long)]
    source: Option<SourceId>,
    /// Only letters that this member of the staff takes care of; nobody for those that no one does
    #[arg(long, value_name = "NAME")]
    assignee: Option<StaffName>,
    /// Only letters that died at least so long ago
    #[arg(long, value_name = "DURATION", value_parser = domain::duration::parse)]
    older: Option<Duration>,
    /// Only letters that died less long ago
    #[arg(long, value_name = "DURATION", value_parser = domain::duration::parse)]
    younger: Option<Duration>,
    /// Only letters of the booking, event or message with this id
    #[arg(long, value_name = "ID")]
    of: Option<String>,
}

/// Refuses filters that could match nothing, because of a typing error.
async fn check_filters(filters: &Filters, store: &Store, files: Option<&Snapshot>) -> anyhow::Result<()> {
    if let Some(resort) = filters.resort.as_ref().filter(|id| id.as_str() != NO_RESORT) {
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
            kind: filters.kind,
            reason: filters.reason,
            resort: filters.resort.map(|id| match id.as_str() {
                NO_RESORT => AtResort::None,
                _ => AtResort::One(id),
            }),
            source: filters.source,
            older: filters.older,
            younger: filters.younger,
            assignee: filters.assignee.map(|name| match name.as_str() {
                NOBODY => Assignee::Nobody,
                _ => Assignee::Member(name),
            }),
            id: filters.of,
            ..Self::default()
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
        Command::Assign(arguments) => assign::run(arguments, environment).await,
        Command::Jobs(arguments) => jobs::list(arguments, environment).await,
        Command::CancelJob(arguments) => jobs::cancel(arguments, environment).await,
    }
}

/// Prints why a decision changed nothing.
fn decline(id: LetterId, declined: &Declined) -> Answer {
    let why = match declined {
        Declined::Refused(refusal) => format!("refused: {refusal}"),
        Declined::NotFound => "there is no such letter".to_owned(),
        Declined::NoMember => "nobody of that name is a member of the staff".to_owned(),
        Declined::OutOfReach => "that member does not work for its resort".to_owned(),
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
