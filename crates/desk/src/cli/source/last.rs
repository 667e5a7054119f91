//! `desk source last`

use clap::Args;
use domain::ids::SourceId;
use domain::source_report::{AnswerCount, SourceAnswer};
use service::Environment;

use super::{Answer, output, table};
use crate::actions::{names, source_answers};
use crate::settings;

/// Show what a source was answered lately, and why
///
/// First counts the answers of the last day by status and reason, then lists the last 20 answers to authentic requests,
/// newest first. Both are up to 6 s old. Nothing in it is personal: fields are named, their values are not.
///
/// Needs DATABASE_URL.
///
/// Examples:
///   desk source last lodgify            does the platform reach us, and what becomes of its webhooks?
///   desk source last lodgify --json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Arguments {
    source: SourceId,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: Arguments, environment: &Environment) -> anyhow::Result<Answer> {
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let files = settings::optional_files(&mut read);
    let store = read.finish_with(|| store)?;
    let found = source_answers::last(&store, &arguments.source).await?;
    if arguments.json {
        output::print_json(&found)?;
        return Ok(Answer::Done);
    }
    if found.counts.is_empty() {
        names::check_source(&store, files.as_ref(), &arguments.source).await?;
        output::complain("no request in the last day");
        return Ok(Answer::Done);
    }
    output::print(&format!(
        "{}\n{}",
        table::headed(
            ["requests", "status", "answer", "reason"],
            found.counts.iter().map(counted)
        ),
        table::headed(
            ["at", "status", "answer", "type", "request", "reason"],
            found.answers.iter().map(row)
        )
    ))?;
    Ok(Answer::Done)
}

fn counted(one: &AnswerCount) -> [String; 4] {
    [
        one.count.to_string(),
        one.status.to_string(),
        one.answer.clone(),
        one.reason.clone().unwrap_or_default(),
    ]
}

fn row(answer: &SourceAnswer) -> [String; 6] {
    [
        table::instant(answer.at),
        answer.status.to_string(),
        answer.answer.clone(),
        answer.event_type.clone().unwrap_or_default(),
        answer.request_id.clone(),
        answer.reason.clone().unwrap_or_default(),
    ]
}
