//! `desk letters show`

use anyhow::anyhow;
use clap::Args;
use domain::ids::LetterId;
use service::Environment;

use super::auth::{self, RevealArgs};
use super::{Answer, output, session, table};
use crate::actions::letters::{self, Details};
use crate::actions::messages::MessageView;

/// Show a dead letter: its event or message, the reason, the guest, and the present state
///
/// Phone numbers are masked, names and notes are hidden, and the content of an event is not shown, unless you use --reveal.
///
/// Needs DATABASE_URL, AMQP_URL, BELLHOP_CONFIG and BELLHOP_KEYS; --reveal also your token (see desk --help).
///
/// Examples:
///   desk letters show 12
///   desk letters show 12 --reveal --json      shows what the platform sent
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Arguments {
    /// The letter's number
    id: LetterId,
    #[command(flatten)]
    reveal: RevealArgs,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: Arguments, environment: &Environment) -> anyhow::Result<Answer> {
    let (id, reveal) = (arguments.id, arguments.reveal);
    let opened = session::for_anyone(environment, |read| reveal.read(read, environment)).await?;

    let found = letters::show(&opened.context, id, opened.by).await?;

    let details = found.ok_or_else(|| anyhow!("there is no letter {id}"))?;
    auth::hint_at_hidden([details.letter.note.as_deref()]);
    if arguments.json {
        output::print_json(&details)?;
    } else {
        output::print(&text(&details))?;
    }
    Ok(Answer::Done)
}

fn text(details: &Details) -> String {
    let letter = &details.letter;
    let (event, message) = (details.event.as_ref(), details.message.as_ref());
    let guest = details.guest.as_ref();
    let advice = letter.advice().filter(|_| letter.closed_at.is_none());
    let error = Some(letter.error.clone()).filter(|error| !error.is_empty());
    let since = match letter.died_at_is_known {
        true => "dead since",
        false => "found",
    };
    let state =
        |message: &MessageView| format!("{} {}", message.state, message.reason.as_deref().unwrap_or(""));
    let rows = [
        ("letter", Some(format!("{}  {}", letter.id, letter.standing()))),
        ("note", letter.note.clone()),
        ("of", Some(format!("{}  {}", letter.kind, letter.subject()))),
        ("resort", letter.resort.clone()),
        ("booking", letter.booking.clone()),
        ("reason", Some(letter.reason.clone())),
        ("error", error),
        ("that is", advice.map(|advice| advice.happened.to_owned())),
        ("to do", advice.map(|advice| advice.to_do.to_owned())),
        ("tries", Some(letter.attempts.to_string())),
        (since, Some(table::instant(letter.died_at))),
        ("event", event.map(|event| event.event.clone())),
        ("received", event.map(|event| table::instant(event.received_at))),
        ("request", event.map(|event| event.request_id.clone())),
        ("message", message.map(|message| message.id.clone())),
        ("is now", message.map(state)),
        (
            "sent",
            message.and_then(|message| message.sent_at).map(table::instant),
        ),
        ("guest", guest.and_then(|guest| guest.name.clone())),
        ("phone", guest.and_then(|guest| guest.phone.clone())),
        ("unreadable", details.unreadable.clone()),
        ("size", Some(format!("{} bytes", details.size))),
        ("content", details.content.as_ref().map(ToString::to_string)),
    ];
    let known = rows
        .into_iter()
        .filter_map(|(name, value)| Some([name.to_owned(), value?]));
    table::rows("", &known.collect::<Vec<_>>())
}
