//! `desk audit …`

use std::sync::Arc;

use anyhow::Error;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use domain::audit::Action;
use domain::ids::{BookingId, BookingKey, ResortId, StaffName};
use service::{Environment, Failure, Problems};
use store::audit::Filter;

use super::{Answer, output, table};
use crate::actions::audit::{self, RecordView};
use crate::settings;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List(List),
}

/// List who looked at personal data, decided, paused, changed keys or staff, and why; newest first
///
/// Needs DATABASE_URL and BELLHOP_KEYS: the reasons are sealed.
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
    #[arg(long, value_parser = action_parser())]
    action: Option<Action>,
    /// Only what was about this booking
    #[arg(long, num_args = 2, value_names = ["RESORT", "BOOKING"])]
    booking: Vec<String>,
    /// Only what was done since: 24h, 7d, 2026-11-25 or 2026-11-25T09:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<DateTime<Utc>>,
    /// At most so many
    #[arg(long, default_value_t = 100)]
    most: u32,
    /// One JSON array instead of a table
    #[arg(long)]
    json: bool,
}

fn action_parser() -> impl TypedValueParser<Value = Action> {
    let names = Action::ALL.iter().map(|action| action.as_str());
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Action>())
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
    let ring = settings::key_ring(&mut read, environment);
    let (store, ring) = read.finish_with(|| Some((store?, Arc::new(ring?))))?;
    let filter = Filter {
        actor: arguments.who,
        action: arguments.action,
        booking: booking(&arguments.booking)?,
        since: arguments.since,
    };

    let found = audit::list(&store, &ring, filter, arguments.most)
        .await
        .map_err(Error::from)?;

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

fn booking(words: &[String]) -> Result<Option<BookingKey>, Problems> {
    let [resort, booking] = words else {
        return match words {
            [] => Ok(None),
            _ => Err(Problems::one("--booking", "is given more than once")),
        };
    };
    let wrong = |error| Problems::one("--booking", error);
    Ok(Some(BookingKey {
        resort: ResortId::parse(resort).map_err(wrong)?,
        booking: BookingId::parse(booking).map_err(wrong)?,
    }))
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
