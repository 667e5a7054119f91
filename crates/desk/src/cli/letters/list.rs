//! `desk letters list`

use anyhow::Error;
use clap::{Args, ValueEnum};
use service::{Environment, Failure};
use store::letters::{Filter, Standing};

use super::{Answer, Filters, output, table};
use crate::actions::letters::{self, LetterView, ReasonView};
use crate::settings;

/// List what was given up: open letters, unless told otherwise, in the order in which they were found
///
/// First takes in what lies in the dead queues; with RabbitMQ away it warns and shows what is stored.
///
/// Needs DATABASE_URL and AMQP_URL. Notes are hidden: desk letters show ID --reveal tells one.
///
/// Examples:
///   desk letters list
///   desk letters list --by reason
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
    /// Count them instead
    #[arg(long, value_enum)]
    by: Option<By>,
    /// One JSON array instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    Reason,
}

pub(super) async fn run(arguments: Arguments, environment: &Environment) -> Result<Answer, Failure> {
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
        let counts = letters::by_reason(&store, filter).await.map_err(Error::from)?;
        tell(&counts, arguments.json, counted)?;
    } else {
        let found = letters::list(&store, filter).await.map_err(Error::from)?;
        tell(&found, arguments.json, row)?;
    }
    Ok(Answer::Done)
}

fn tell<T: serde::Serialize, const N: usize>(
    found: &[T],
    json: bool,
    row: fn(&T) -> [String; N],
) -> std::io::Result<()> {
    if json {
        return output::print_json(&found);
    }
    if found.is_empty() {
        output::complain("no letters");
        return Ok(());
    }
    let rows: Vec<_> = found.iter().map(row).collect();
    output::print(&table::rows("", &rows))
}

fn counted(reason: &ReasonView) -> [String; 3] {
    [
        reason.count.to_string(),
        reason.reason.clone(),
        format!("the oldest died {}", table::instant(reason.oldest_died_at)),
    ]
}

fn row(letter: &LetterView) -> [String; 7] {
    let known = [&letter.resort, &letter.booking].into_iter().flatten();
    let place: Vec<&str> = known.map(String::as_str).collect();
    let tries = if letter.attempts == 1 { "try" } else { "tries" };
    [
        letter.id.to_string(),
        table::instant(letter.died_at),
        letter.subject().to_owned(),
        place.join("/"),
        letter.reason.clone(),
        format!("{} {tries}", letter.attempts),
        letter.standing(),
    ]
}
