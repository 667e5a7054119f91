//! `desk messages …`

use clap::{Args, Subcommand};
use domain::message::MessageState;
use service::Environment;
use store::messages;

use super::arguments::one_of;
use super::{Answer, output, table};
use crate::actions::messages::MessageView;
use crate::settings;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List(List),
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

pub(super) async fn run(command: Command, environment: &Environment) -> anyhow::Result<Answer> {
    let Command::List(List { state, limit, json }) = command;
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let store = read.finish_with(|| store)?;

    let found = store
        .run(move |connection| messages::list_latest(connection, state, i64::from(limit)))
        .await?;

    let found: Vec<_> = found.into_iter().map(MessageView::from).collect();
    output::print_list(&found, json, "no messages", row)?;
    Ok(Answer::Done)
}

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
