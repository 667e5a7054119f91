//! `desk audit …`

use ::settings::Snapshot;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use clap::{Args, Subcommand};
use domain::audit::Action;
use domain::ids::StaffName;
use service::Environment;
use store::Store;
use store::audit::Filter;

use super::arguments::{booking, one_of};
use super::auth::{self, RevealArgs};
use super::{Answer, output, table};
use crate::actions::audit::{self, RecordView};
use crate::actions::names;
use crate::settings;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List(List),
}

/// List who viewed personal data, decided, paused, or changed keys or staff, newest first
///
/// Needs DATABASE_URL. The reasons are hidden, since they may name guests; --reveal shows them, and needs BELLHOP_KEYS and
/// your token (see desk --help).
///
/// Examples:
///   desk audit list --since 7d
///   desk audit list --who anna --action booking_revealed
///   desk audit list --booking azure-bay BK-1001 --json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct List {
    /// Only actions of this member of the staff
    #[arg(long, value_name = "NAME")]
    who: Option<StaffName>,
    /// Only this action
    #[arg(long, value_parser = one_of(Action::ALL, Action::as_str))]
    action: Option<Action>,
    /// Only actions on this booking
    #[arg(long, num_args = 2, value_names = ["RESORT", "BOOKING"])]
    booking: Option<Vec<String>>,
    /// Only actions since this time: 24h, 7d, 2026-11-25 or 2026-11-25T09:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<DateTime<Utc>>,
    /// Show at most this many
    #[arg(long, default_value_t = 100)]
    most: u32,
    #[command(flatten)]
    reveal: RevealArgs,
    /// Print one JSON array instead of a table
    #[arg(long)]
    json: bool,
}

/// A duration before now, a day (in UTC), or an instant.
fn since(text: &str) -> Result<DateTime<Utc>, &'static str> {
    let ago = domain::duration::parse(text).ok();
    let ago = ago.and_then(|ago| TimeDelta::from_std(ago).ok());
    if let Some(at) = ago.and_then(|ago| Utc::now().checked_sub_signed(ago)) {
        return Ok(at);
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(day.and_time(chrono::NaiveTime::MIN).and_utc());
    }
    text.parse().map_err(
        |_| "is neither a duration (24h, 7d), nor a day, nor an instant such as 2026-11-25T09:00:00Z",
    )
}

pub(super) async fn run(command: Command, environment: &Environment) -> anyhow::Result<Answer> {
    let Command::List(arguments) = command;
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let login = arguments.reveal.read_notes(&mut read, environment);
    let files = settings::optional_files(&mut read);
    let (store, login) = read.finish_with(|| Some((store?, login?)))?;
    let filter = Filter {
        actor: arguments.who,
        action: arguments.action,
        booking: arguments.booking.as_deref().map(booking).transpose()?,
        since: arguments.since,
        before: None,
    };

    let reader = auth::identify_reader(login, &store).await?;
    let found = audit::list(&store, filter.clone(), arguments.most, reader).await?;
    if found.is_empty() {
        check_names(&filter, &store, files.as_ref()).await?;
    }
    auth::hint_at_hidden(found.iter().map(|record| record.reason.as_deref()));

    output::print_list(&found, arguments.json, "no actions", HEADS, row)?;
    Ok(Answer::Done)
}

/// Refuses names that do not exist: an empty list would look like "nothing was done".
async fn check_names(filter: &Filter, store: &Store, files: Option<&Snapshot>) -> anyhow::Result<()> {
    if let Some(who) = &filter.actor {
        names::check_member(store, who).await?;
    }
    if let Some(key) = &filter.booking {
        names::check_resort(store, files, &key.resort).await?;
    }
    Ok(())
}

const HEADS: [&str; 5] = ["at", "who", "action", "about", "reason"];

fn row(record: &RecordView) -> [String; 5] {
    let place = [&record.resort, &record.booking].into_iter().flatten();
    let place: Vec<&str> = place.map(String::as_str).collect();
    let letter = record.letter.map(|id| format!("letter {id}"));
    let about = [
        place.join("/"),
        letter.unwrap_or_default(),
        record.details.clone(),
    ];
    let about: Vec<String> = about.into_iter().filter(|part| !part.is_empty()).collect();
    [
        table::instant(record.at),
        record.actor.clone(),
        record.action.clone(),
        about.join(", "),
        record.reason.clone().unwrap_or_default(),
    ]
}
