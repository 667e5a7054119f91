//! `desk webhook-out …`

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use domain::ids::ResortId;
use domain::webhook_out::WebhookState;
use serde::Serialize;
use service::Environment;
use store::webhooks_out::{self, Listed};

use super::arguments::one_of;
use super::{Answer, output, session, table};
use crate::actions::webhook_test::{self, Tested};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Test(Test),
    List(List),
}

/// Send a resort's own tool a webhook that only tries whether it arrives
///
/// The type is ping; processor sends it, signed as all others, to the address in the section webhook_out of the resort's file, and
/// the answer is printed. Nothing in it is personal, and it is not repeated.
///
/// Needs DATABASE_URL, and a processor that runs. Exit code 1: the tool did not take it.
///
/// Example:
///   desk webhook-out test azure-bay
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Test {
    resort: ResortId,
}

/// List the webhooks that resorts' own tools are still to be sent, the one that has waited longest first
///
/// With how often each was called for, when it is next, and why the last call failed. One that arrived is gone; one that was given up is a
/// dead letter: desk letters list --reason webhook_failed. Shows no personal data.
///
/// Needs DATABASE_URL.
///
/// Examples:
///   desk webhook-out list
///   desk webhook-out list --resort azure-bay --state retrying
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct List {
    /// Only those of this resort
    #[arg(long)]
    resort: Option<ResortId>,
    /// Only those in this state
    #[arg(long, value_parser = one_of(WebhookState::ALL, WebhookState::as_str))]
    state: Option<WebhookState>,
    /// Show at most this many
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Print one JSON array instead of a table
    #[arg(long)]
    json: bool,
}

/// A webhook that waits, for people and scripts.
#[derive(Debug, Serialize)]
struct WaitingView {
    id: String,
    resort: String,
    event: String,
    state: WebhookState,
    attempts: i32,
    made_at: DateTime<Utc>,
    next_attempt_at: DateTime<Utc>,
    last_error: Option<String>,
}

impl From<Listed> for WaitingView {
    fn from(one: Listed) -> Self {
        Self {
            id: one.id.to_string(),
            state: one.state(),
            resort: one.resort,
            event: one.event,
            attempts: one.attempts,
            made_at: one.made_at,
            next_attempt_at: one.due_at,
            last_error: one.last_error,
        }
    }
}

pub(super) async fn run(command: Command, environment: &Environment) -> anyhow::Result<Answer> {
    match command {
        Command::Test(arguments) => test(arguments, environment).await,
        Command::List(arguments) => list(arguments, environment).await,
    }
}

async fn list(asked: List, environment: &Environment) -> anyhow::Result<Answer> {
    let store = session::store_for(asked.resort.as_ref(), environment).await?;
    let (resort, state, limit) = (asked.resort, asked.state, i64::from(asked.limit));
    let found = store
        .run(move |connection| webhooks_out::list(connection, resort.as_ref(), state, limit))
        .await?;
    let found: Vec<_> = found.into_iter().map(WaitingView::from).collect();
    output::print_list(&found, asked.json, "no webhook waits", HEADS, row)?;
    Ok(Answer::Done)
}

const HEADS: [&str; 7] = [
    "made",
    "resort",
    "event",
    "state",
    "tries",
    "next try",
    "last error",
];

fn row(one: &WaitingView) -> [String; 7] {
    [
        table::instant(one.made_at),
        one.resort.clone(),
        one.event.clone(),
        one.state.to_string(),
        one.attempts.to_string(),
        table::instant(one.next_attempt_at),
        one.last_error.clone().unwrap_or_default(),
    ]
}

async fn test(test: Test, environment: &Environment) -> anyhow::Result<Answer> {
    let store = session::store_for(Some(&test.resort), environment).await?;
    Ok(match webhook_test::test(&store, test.resort).await? {
        Tested::Arrived(id) => {
            output::print(&format!("the tool took the webhook {id}"))?;
            Answer::Done
        }
        Tested::Failed(error) => {
            output::print(&format!("the tool did not take it: {error}"))?;
            Answer::Refused
        }
        Tested::NotSent => {
            output::print(
                "no processor has sent it in 20 s: does one run, and can it read the resort's file?",
            )?;
            Answer::Refused
        }
    })
}
