//! `desk messages …`

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use domain::message::MessageState;
use service::Environment;
use store::messages;

use super::arguments::one_of;
use super::auth::ReasonArgs;
use super::{Answer, output, session, table};
use crate::actions::context::transaction;
use crate::actions::messages::MessageView;
use crate::settings;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List(List),
    Doubt(Doubt),
}

/// List messages, the most recently changed first
///
/// Needs DATABASE_URL.
///
/// Examples:
///   desk messages list
///   desk messages list --state dead
///   desk messages list --state queued --json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct List {
    /// Only messages in this state
    #[arg(long, value_parser = one_of(MessageState::ALL, MessageState::as_str))]
    state: Option<MessageState>,
    /// Show at most this many
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Print one JSON array instead of a table
    #[arg(long)]
    json: bool,
}

/// After a restore of Postgres: mark messages that may have been sent since the backup
///
/// Every message that was due by then and has no end in this database becomes `unknown`: no sender sends it again. A report of
/// WhatsApp settles it; otherwise it is a dead letter `outcome_unknown` after half an hour, and a person decides. Run it
/// before a sender starts; docs/operations.md, Backup and restore, has all the steps.
///
/// Needs DATABASE_URL and your token (see desk --help); with --note also BELLHOP_KEYS.
///
/// Examples:
///   desk messages doubt --due-by 2026-11-29T14:05:00Z
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Doubt {
    /// When the last sender stopped that worked with the lost database
    #[arg(long, value_name = "INSTANT")]
    due_by: DateTime<Utc>,
    #[command(flatten)]
    reason: ReasonArgs,
}

pub(super) async fn run(command: Command, environment: &Environment) -> anyhow::Result<Answer> {
    match command {
        Command::List(arguments) => list(arguments, environment).await,
        Command::Doubt(arguments) => doubt(arguments, environment).await,
    }
}

async fn doubt(Doubt { due_by, reason }: Doubt, environment: &Environment) -> anyhow::Result<Answer> {
    let (store, by) = session::store_for_staff(reason, environment).await?;
    let doubted = transaction(&store, move |connection| {
        store::results::doubt_due(connection, due_by, &by)
    })
    .await?;
    output::print(&format!("now unknown: {}", output::count(doubted, "message")))?;
    Ok(Answer::Done)
}

async fn list(List { state, limit, json }: List, environment: &Environment) -> anyhow::Result<Answer> {
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let store = read.finish_with(|| store)?;

    let found = store
        .run(move |connection| messages::list_latest(connection, state, i64::from(limit)))
        .await?;

    let found: Vec<_> = found.into_iter().map(MessageView::from).collect();
    output::print_list(&found, json, "no messages", HEADS, row)?;
    Ok(Answer::Done)
}

const HEADS: [&str; 6] = ["changed", "booking", "kind", "state", "reason", "id"];

fn row(message: &MessageView) -> [String; 6] {
    [
        table::instant(message.updated_at),
        format!("{}/{}", message.resort, message.booking),
        message.kind.to_string(),
        message.state.to_owned(),
        message.reason.clone().unwrap_or_default(),
        message.id.clone(),
    ]
}
