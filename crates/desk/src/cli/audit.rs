//! `desk audit …`

use ::settings::Snapshot;
use anyhow::Error;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use clap::{Args, Subcommand};
use domain::audit::Action;
use domain::ids::StaffName;
use service::{Environment, Failure};
use store::Store;
use store::audit::Filter;

use super::acting::{self, Reveal};
use super::arguments::{booking, one_of};
use super::{Answer, output, table};
use crate::actions::audit::{self, RecordView};
use crate::actions::names;
use crate::settings;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List(List),
}

/// List who looked at personal data, decided, paused, changed keys or staff, and why; newest first
///
/// Needs DATABASE_URL. What people wrote is hidden, since it may name guests; --reveal shows it, and needs BELLHOP_KEYS and
/// your token (see desk --help).
///
/// Examples:
///   desk audit list --since 7d
///   desk audit list --who anna --action booking_revealed
///   desk audit list --booking azure-bay BK-1001 --json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct List {
    /// Only what this member of the staff did
    #[arg(long, value_name = "NAME")]
    who: Option<StaffName>,
    /// Only this
    #[arg(long, value_parser = one_of(Action::ALL, Action::as_str))]
    action: Option<Action>,
    /// Only what was about this booking
    #[arg(long, num_args = 2, value_names = ["RESORT", "BOOKING"])]
    booking: Option<Vec<String>>,
    /// Only what was done since: 24h, 7d, 2026-11-25 or 2026-11-25T09:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<DateTime<Utc>>,
    /// Show at most this many
    #[arg(long, default_value_t = 100)]
    most: u32,
    #[command(flatten)]
    reveal: Reveal,
    /// One JSON array instead of a table
    #[arg(long)]
    json: bool,
}

/// A time ago, a day that begins in UTC, or an instant.
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
        |_| "is neither a time ago (24h, 7d), nor a day, nor an instant such as 2026-11-25T09:00:00Z",
    )
}

pub(super) async fn run(command: Command, environment: &Environment) -> Result<Answer, Failure> {
    let Command::List(arguments) = command;
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let looking = arguments.reveal.read_notes(&mut read, environment);
    let files = settings::optional_files(&mut read);
    let (store, looking) = read.finish_with(|| Some((store?, looking?)))?;
    let filter = Filter {
        actor: arguments.who,
        action: arguments.action,
        booking: arguments.booking.as_deref().map(booking).transpose()?,
        since: arguments.since,
    };

    let reader = acting::identify_reader(looking, &store).await?;
    let found = audit::list(&store, filter.clone(), arguments.most, reader)
        .await
        .map_err(Error::from)?;
    if found.is_empty() {
        check_names(&filter, &store, files.as_ref()).await?;
    }
    acting::hint_at_hidden(found.iter().map(|record| record.reason.as_deref()));

    if arguments.json {
        output::print_json(&found)?;
    } else if found.is_empty() {
        output::complain("nothing");
    } else {
        let rows: Vec<_> = found.iter().map(row).collect();
        output::print(&table::rows("", &rows))?;
    }
    Ok(Answer::Done)
}

/// Tells "nothing was done" from a typing error.
async fn check_names(filter: &Filter, store: &Store, files: Option<&Snapshot>) -> Result<(), Error> {
    if let Some(who) = &filter.actor {
        names::check_member(store, who).await?;
    }
    if let Some(key) = &filter.booking {
        names::check_resort(store, files, &key.resort).await?;
    }
    Ok(())
}

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
