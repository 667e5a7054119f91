//! `desk simulate`

use std::io::{self, Read as _};
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use chrono::Utc;
use chrono_tz::Tz;
use clap::Args;
use domain::ids::{ResortId, SourceId};
use service::Environment;

use super::{Answer, output, table};
use crate::actions::bookings::Upcoming;
use crate::actions::event_file::EventReader;
use crate::actions::names;
use crate::actions::simulation::{self, BookingView, MessageView, Simulation, Stand};
use crate::settings;

/// Show what guests would get for these events, when, and why not
///
/// FILE has events in Bellhop's own format, one JSON object a line or a JSON array; - reads it from stdin. With --source it has
/// what that source's platform sends. Each event arrives when it happened, the clock goes forward until nothing is left to
/// happen, and WhatsApp accepts everything at once. Nothing is stored or sent. Values are shown: it is your file. Exit code 1 if
/// an event is refused.
///
/// Needs BELLHOP_CONFIG.
///
/// Examples:
///   desk simulate azure-bay guest.jsonl
///   desk simulate azure-bay guest.jsonl --at "2026-12-24 18:00"      the plan as it stands then
///   desk simulate azure-bay order.json --source shop --json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// The resort: the name of its file
    resort: ResortId,
    /// The events, or - for stdin
    file: PathBuf,
    /// Show the plan of this time: 2026-12-24T18:00:00+02:00, or "2026-12-24 18:00" at the resort; may be given several times
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Vec<String>,
    /// The source whose platform wrote the file
    #[arg(long)]
    source: Option<SourceId>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// A time as it is written; what it means depends on the resort.
fn time(text: &str) -> Result<String, &'static str> {
    match simulation::instant(text, Tz::UTC) {
        Some(_) => Ok(text.to_owned()),
        None => Err("is neither 2026-12-24T18:00:00+02:00 nor 2026-12-24 18:00"),
    }
}

pub(super) fn run(arguments: Arguments, environment: &Environment) -> anyhow::Result<Answer> {
    let mut read = environment.reader();
    let files = settings::files(&mut read);
    let files = read.finish_with(|| files)?;
    names::check_resort_file(&files, &arguments.resort)?;
    let resort = files.resort(&arguments.resort);
    let resort = resort.ok_or_else(|| {
        anyhow!(
            "the file of {} is broken: desk config check says where",
            arguments.resort
        )
    })?;
    let zone = resort.time_zone;
    let looks = arguments
        .at
        .iter()
        .filter_map(|text| simulation::instant(text, zone))
        .collect();
    let source = arguments
        .source
        .clone()
        .map_or_else(|| SourceId::parse("file"), Ok)?;
    let reader = EventReader::new(&files, arguments.source.as_ref(), source, None, Utc::now())?
        .only(&arguments.resort);

    let found = simulation::run(resort, simulation::read(&reader, &bytes(&arguments)?), looks);

    if arguments.json {
        output::print_json(&found)?;
    } else {
        for problem in &found.problems {
            output::complain(&problem.to_string());
        }
        output::print(&text(&found, zone))?;
    }
    Ok(Answer::done_if(found.problems.is_empty()))
}

fn bytes(arguments: &Arguments) -> anyhow::Result<Vec<u8>> {
    if arguments.file.as_os_str() != "-" {
        return simulation::bytes_of(&arguments.file);
    }
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes).context("cannot read stdin")?;
    Ok(bytes)
}

fn text(found: &Simulation, zone: Tz) -> String {
    let mut text = format!(
        "{}, {}, times of {}\n",
        found.resort,
        output::count(found.events, "event"),
        found.time_zone
    );
    if let Some(share) = &found.hold_out {
        text.push_str(&format!(
            "hold-out: {share} of guests get no reminders; this is what the others get\n"
        ));
    }
    for stand in &found.at {
        text.push_str(&standing(stand, zone));
    }
    for booking in &found.bookings {
        text.push_str(&of_booking(booking));
    }
    text
}

fn of_booking(booking: &BookingView) -> String {
    let guest = booking.guest.as_deref().unwrap_or("no valid number");
    let mut text = format!("\n{}  {}  {guest}\n", booking.booking, booking.status);
    let went = booking.messages.iter().map(message);
    let rows: Vec<_> = went.chain(booking.not_wanted.iter().map(not_wanted)).collect();
    text.push_str(&table::rows("  ", &rows));
    text
}

fn message(message: &MessageView) -> [String; 4] {
    let about = match (&message.content, message.reason) {
        (Some(content), _) => {
            let template = content.template.clone().unwrap_or_else(|| "text".to_owned());
            let header = content.header.iter().map(|text| format!("header: {text}"));
            let body = (!content.body.is_empty()).then(|| format!("body: {}", content.body.join(" | ")));
            let button = content.button_url.iter().map(|url| format!("button: {url}"));
            let parts = std::iter::once(template).chain(header).chain(body).chain(button);
            parts.collect::<Vec<_>>().join("  ")
        }
        (None, reason) => reason.unwrap_or_default().to_owned(),
    };
    [
        message.local.clone(),
        message.outcome.to_owned(),
        message.kind.to_string(),
        about,
    ]
}

fn not_wanted(one: &Upcoming) -> [String; 4] {
    let reason = one.reason.unwrap_or_default().to_owned();
    [
        "-".to_owned(),
        one.expected.to_owned(),
        one.kind.to_string(),
        reason,
    ]
}

fn standing(stand: &Stand, zone: Tz) -> String {
    let mut text = format!("\nat {}\n", stand.local);
    for booking in &stand.bookings {
        text.push_str(&format!("  {}  {}\n", booking.booking, booking.status));
        let row = |one: &Upcoming| {
            let at = one.at.map(|at| simulation::local(at, zone)).unwrap_or_default();
            [
                one.kind.to_string(),
                one.expected.to_owned(),
                at,
                one.reason.unwrap_or_default().to_owned(),
            ]
        };
        let rows: Vec<_> = booking.to_come.iter().map(row).collect();
        text.push_str(&table::rows("    ", &rows));
    }
    text
}
