//! `desk letters list`

use clap::{Args, ValueEnum};
use service::Environment;
use store::letters::{Filter, Standing};

use super::{Answer, Filters, output, table};
use crate::actions::letters::{self, LetterView, ReasonView};
use crate::settings;

/// List dead letters, the open ones by default, oldest first
///
/// First imports the letters of the dead queues; if RabbitMQ is away it warns and shows the stored ones. Notes are hidden;
/// desk letters show ID --reveal shows one.
///
/// Needs DATABASE_URL and AMQP_URL.
///
/// Examples:
///   desk letters list
///   desk letters list --by reason
///   desk letters list --reason unmappable --source lodgify
///   desk letters list --kind messages --reason outcome_unknown --json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Arguments {
    /// Only open letters (the default)
    #[arg(long, conflicts_with = "closed")]
    open: bool,
    /// Only letters that were retried, settled or closed
    #[arg(long)]
    closed: bool,
    #[command(flatten)]
    filters: Filters,
    /// Count the letters instead of listing them
    #[arg(long, value_enum)]
    by: Option<By>,
    /// Print one JSON array instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    Reason,
}

pub(super) async fn run(arguments: Arguments, environment: &Environment) -> anyhow::Result<Answer> {
    let mut read = environment.reader();
    let (store, broker) = (settings::database(&mut read), settings::broker(&mut read));
    let files = settings::optional_files(&mut read);
    let (store, broker) = read.finish_with(|| Some((store?, broker?)))?;
    let standing = if arguments.closed {
        Standing::Ended
    } else {
        Standing::Open
    };

    super::drain(&store, &broker).await?;
    super::check_filters(&arguments.filters, &store, files.as_ref()).await?;
    let filter = Filter {
        standing: Some(standing),
        ..arguments.filters.into()
    };

    if arguments.by == Some(By::Reason) {
        let counts = letters::by_reason(&store, filter).await?;
        output::print_list(&counts, arguments.json, "no letters", COUNT_HEADS, counted)?;
    } else {
        let found = letters::list(&store, filter).await?;
        output::print_list(&found, arguments.json, "no letters", HEADS, row)?;
    }
    Ok(Answer::Done)
}

const COUNT_HEADS: [&str; 3] = ["letters", "reason", "oldest"];

fn counted(reason: &ReasonView) -> [String; 3] {
    [
        reason.count.to_string(),
        reason.reason.clone(),
        table::instant(reason.oldest_died_at),
    ]
}

const HEADS: [&str; 7] = ["id", "since", "subject", "booking", "reason", "tries", "state"];

fn row(letter: &LetterView) -> [String; 7] {
    let known = [&letter.resort, &letter.booking].into_iter().flatten();
    let place: Vec<&str> = known.map(String::as_str).collect();
    [
        letter.id.to_string(),
        table::instant(letter.died_at),
        letter.subject().to_owned(),
        place.join("/"),
        letter.reason.clone(),
        letter.attempts.to_string(),
        letter.standing(),
    ]
}
