//! `desk letters show`

use anyhow::anyhow;
use clap::Args;
use domain::ids::LetterId;
use service::{Environment, Failure};

use super::acting::{self, Reveal};
use super::{Answer, opening, output, table};
use crate::actions::letters::{self, Details};

/// Show a letter: what died, of what, whom it is about, and how things stand now
///
/// Needs DATABASE_URL, AMQP_URL, BELLHOP_CONFIG and BELLHOP_KEYS; --reveal also your token (see desk --help).
/// Phone numbers are masked, names and notes hidden. An event is opened, as far as that is possible, only with --reveal.
///
/// Examples:
///   desk letters show 12
///   desk letters show 12 --reveal --json      what did the platform send?
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Arguments {
    /// The letter's number
    id: LetterId,
    #[command(flatten)]
    reveal: Reveal,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: Arguments, environment: &Environment) -> Result<Answer, Failure> {
    let (id, reveal) = (arguments.id, arguments.reveal);
    let opened = opening::for_anybody(environment, |read| reveal.read(read, environment)).await?;

    let found = letters::show(&opened.shelf, id, opened.by)
        .await
        .map_err(anyhow::Error::from)?;

    let details = found.ok_or_else(|| anyhow!("there is no letter {id}"))?;
    acting::hint_at_hidden([details.letter.note.as_deref()]);
    if arguments.json {
        output::print_json(&details)?;
    } else {
        output::print(&told(&details))?;
    }
    Ok(Answer::Done)
}

fn told(details: &Details) -> String {
    let letter = &details.letter;
    let mut rows: Vec<[String; 2]> = Vec::new();
    let mut tell = |name: &str, value: Option<String>| {
        rows.extend(value.map(|value| [name.to_owned(), value]));
    };
    tell("letter", Some(format!("{}  {}", letter.id, letter.standing())));
    tell("note", letter.note.clone());
    tell("of", Some(format!("{}  {}", letter.kind, letter.subject())));
    tell("resort", letter.resort.clone());
    tell("booking", letter.booking.clone());
    tell("reason", Some(letter.reason.clone()));
    tell(
        "error",
        Some(letter.error.clone()).filter(|error| !error.is_empty()),
    );
    tell("tries", Some(letter.attempts.to_string()));
    let died = if letter.died_at_is_known { "died" } else { "found" };
    tell(died, Some(table::instant(letter.died_at)));
    if let Some(event) = &details.event {
        tell("event", Some(event.event.clone()));
        tell("received", Some(table::instant(event.received_at)));
        tell("request", Some(event.request_id.clone()));
    }
    if let Some(message) = &details.message {
        let reason = message.reason.clone().unwrap_or_default();
        tell("message", Some(message.id.clone()));
        tell("is now", Some(format!("{} {reason}", message.state)));
        tell("sent", message.sent_at.map(table::instant));
    }
    if let Some(guest) = &details.guest {
        tell("guest", guest.name.clone());
        tell("phone", guest.phone.clone());
    }
    tell("unreadable", details.unreadable.clone());
    tell("size", Some(format!("{} bytes", details.size)));
    tell("content", details.content.as_ref().map(ToString::to_string));
    table::rows("", &rows)
}
