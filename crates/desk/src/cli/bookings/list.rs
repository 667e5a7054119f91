//! `desk bookings list`

use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use domain::ids::ResortId;
use domain::plan::Status;
use serde::Serialize;
use service::Environment;
use store::bookings::{self, Listed, Listing};

use super::super::arguments::one_of;
use super::super::{Answer, output, session, table};

/// List bookings, the most recently changed first
///
/// Nothing in it is personal. The status is that of the last plan; desk bookings show has it as it is now.
///
/// Needs DATABASE_URL.
///
/// Examples:
///   desk bookings list --resort azure-bay
///   desk bookings list --status abandoned
///   desk bookings list --check-in 2026-12-24 --json      who arrives that day?
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Arguments {
    /// Only bookings of this resort
    #[arg(long)]
    resort: Option<ResortId>,
    /// Only bookings with this status
    #[arg(long, value_parser = one_of(Status::ALL, Status::as_str))]
    status: Option<Status>,
    /// Only bookings whose guests arrive on this day
    #[arg(long, value_name = "DATE")]
    check_in: Option<NaiveDate>,
    /// Show at most this many
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Print one JSON array instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct View {
    resort: String,
    booking: String,
    status: String,
    check_in: Option<NaiveDate>,
    check_out: Option<NaiveDate>,
    /// When its plan changes without an event.
    wake_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
}

impl From<Listed> for View {
    fn from(listed: Listed) -> Self {
        Self {
            resort: listed.resort,
            booking: listed.id,
            status: listed.status,
            check_in: listed.check_in,
            check_out: listed.check_out,
            wake_at: listed.wake_at,
            updated_at: listed.updated_at,
        }
    }
}

pub(super) async fn run(arguments: Arguments, environment: &Environment) -> anyhow::Result<Answer> {
    let store = session::store_for(arguments.resort.as_ref(), environment).await?;
    let listing = Listing {
        resort: arguments.resort,
        status: arguments.status,
        check_in: arguments.check_in,
    };
    let limit = i64::from(arguments.limit);
    let found = store
        .run(move |connection| bookings::list_latest(connection, &listing, limit))
        .await?;

    let views: Vec<_> = found.into_iter().map(View::from).collect();
    output::print_list(&views, arguments.json, "no bookings", HEADS, row)?;
    Ok(Answer::Done)
}

const HEADS: [&str; 6] = [
    "changed",
    "booking",
    "status",
    "check-in",
    "check-out",
    "next check",
];

fn row(view: &View) -> [String; 6] {
    let day = |date: Option<NaiveDate>| date.map(|date| date.to_string()).unwrap_or_default();
    [
        table::instant(view.updated_at),
        format!("{}/{}", view.resort, view.booking),
        view.status.clone(),
        day(view.check_in),
        day(view.check_out),
        view.wake_at.map(table::instant).unwrap_or_default(),
    ]
}
