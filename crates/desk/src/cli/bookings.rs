//! `desk bookings …`

mod import;
mod instruct;
mod list;

use anyhow::bail;
use clap::{Args, Subcommand};
use domain::ids::{BookingId, BookingKey, ResortId};
use service::Environment;
use service::environment::Reader;

use super::auth::RevealArgs;
use super::{Answer, output, session, table};
use crate::actions::bookings::{self, BookingView, EventView, FactView, Turn, Upcoming};
use crate::actions::conversations::Answering;
use crate::actions::letters::LetterView;
use crate::actions::messages::MessageView;
use crate::actions::names;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List(list::Arguments),
    Show(Show),
    Import(import::Arguments),
    Cancel(instruct::Cancel),
    Send(instruct::Send),
}

/// Show a booking: its facts, events and messages, and what comes next and why
///
/// Phone numbers are masked, names and links are hidden, unless you use --reveal.
///
/// Needs DATABASE_URL, BELLHOP_CONFIG and BELLHOP_KEYS; --reveal also your token (see desk --help).
///
/// Examples:
///   desk bookings show azure-bay BK-1001
///   desk bookings show azure-bay BK-1001 --json
///   desk bookings show azure-bay BK-1001 --reveal      for a guest on the phone
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Show {
    /// The resort: the name of its file
    resort: ResortId,
    /// The booking's id, as its platform writes it
    booking: BookingId,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reveal: RevealArgs,
}

pub(super) async fn run(command: Command, environment: &Environment) -> anyhow::Result<Answer> {
    match command {
        Command::List(arguments) => list::run(arguments, environment).await,
        Command::Show(arguments) => show(arguments, environment).await,
        Command::Import(arguments) => import::run(arguments, environment).await,
        Command::Cancel(arguments) => instruct::cancel(arguments, environment).await,
        Command::Send(arguments) => instruct::send(arguments, environment).await,
    }
}

async fn show(arguments: Show, environment: &Environment) -> anyhow::Result<Answer> {
    let login = |read: &mut Reader<'_>| arguments.reveal.read(read, environment);
    let (context, revealed_to) = session::context(environment, login).await?;
    let key = BookingKey {
        resort: arguments.resort,
        booking: arguments.booking,
    };

    let found = bookings::show(&context, key.clone(), revealed_to).await?;

    let Some(view) = found else {
        names::check_resort(&context.store, Some(context.files()), &key.resort).await?;
        bail!("unknown booking {key}: no event has named it");
    };
    if arguments.json {
        output::print_json(&view)?;
    } else {
        output::print(&text(&view))?;
    }
    Ok(Answer::Done)
}

fn text(view: &BookingView) -> String {
    let mut text = head(view);
    section(&mut text, "facts", view.facts.iter().map(fact).collect());
    section(&mut text, "events", view.events.iter().map(event).collect());
    section(&mut text, "messages", view.messages.iter().map(message).collect());
    if !view.letters.is_empty() {
        section(&mut text, "letters", view.letters.iter().map(letter).collect());
    }
    if let Some(turns) = &view.conversation {
        section(&mut text, "conversation", turns.iter().map(turn).collect());
        text.extend(view.answering.as_ref().map(answering));
    }
    match &view.to_come {
        None => text.push_str("\nto come\n  unknown: the resort has no readable file\n"),
        Some(all) => section(&mut text, "to come", all.iter().map(upcoming).collect()),
    }
    text
}

fn head(view: &BookingView) -> String {
    let mut text = format!("{}/{}  {}\n", view.resort, view.booking, view.status);
    if let Some(at) = view.wake_at {
        text.push_str(&format!("next check {}\n", table::instant(at)));
    }
    if let Some(at) = view.erased_at {
        let at = table::instant(at);
        text.push_str(&format!(
            "the guest was erased: personal data from before {at} was deleted\n"
        ));
    }
    text
}

fn section<const N: usize>(text: &mut String, title: &str, rows: Vec<[String; N]>) {
    text.push_str(&format!("\n{title}\n"));
    if rows.is_empty() {
        text.push_str("  none\n");
    }
    text.push_str(&table::rows("  ", &rows));
}

fn event(event: &EventView) -> [String; 4] {
    [
        table::instant(event.received_at),
        event.event_type.clone(),
        event.outcome.clone(),
        event.event.clone(),
    ]
}

fn message(message: &MessageView) -> [String; 6] {
    let sent = message.sent_at.map(|at| format!("sent {}", table::instant(at)));
    [
        message.kind.to_string(),
        message.state.to_owned(),
        message.reason.clone().unwrap_or_default(),
        format!("due {}", table::instant(message.due_at)),
        sent.unwrap_or_default(),
        message.id.clone(),
    ]
}

fn turn(turn: &Turn) -> [String; 3] {
    let by = turn.staff.as_deref().unwrap_or(turn.by);
    let state = [turn.state, turn.reason.as_deref()];
    let state = state.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let said = match (&turn.kind, &turn.text) {
        (Some(_), Some(text)) => format!("{} ({state})", text.replace(char::is_control, " ")),
        (Some(kind), None) => format!("{kind} ({state})"),
        // A guest's line breaks and control codes must not move the reader's cursor.
        (None, Some(text)) => {
            let file = turn.media_type.as_ref().and(turn.message_type.as_deref());
            let file = file.map(|file| format!("({file}) ")).unwrap_or_default();
            format!("{file}{}", text.replace(char::is_control, " "))
        }
        (None, None) => format!("({})", turn.message_type.as_deref().unwrap_or("nothing")),
    };
    [table::instant(turn.at), by.to_owned(), said]
}

fn answering(answering: &Answering) -> String {
    let mut parts = vec![match (&answering.no_text, answering.open_until) {
        (None, Some(until)) => format!("free text can be sent until {}", table::instant(until)),
        (Some(why), _) => why.clone(),
        (None, None) => String::new(),
    }];
    let since = answering.waits_since.map(table::instant);
    parts.extend(since.map(|since| format!("the guest waits since {since}")));
    let snoozed = answering.snoozed_until.map(table::instant);
    parts.extend(snoozed.map(|until| format!("snoozed until {until}")));
    parts.extend(
        answering
            .assignee
            .as_ref()
            .map(|name| format!("{name} has the conversation")),
    );
    format!("  {}\n", parts.join("; "))
}

fn upcoming(one: &Upcoming) -> [String; 4] {
    [
        one.kind.to_string(),
        one.expected.to_owned(),
        one.at.map(table::instant).unwrap_or_default(),
        one.reason.unwrap_or_default().to_owned(),
    ]
}

fn letter(letter: &LetterView) -> [String; 5] {
    [
        letter.id.to_string(),
        letter.subject().to_owned(),
        letter.reason.clone(),
        letter.standing(),
        format!("dead since {}", table::instant(letter.died_at)),
    ]
}

fn fact((name, fact): (&String, &FactView)) -> [String; 4] {
    let value = match &fact.value {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None if fact.notify == Some(false) => "notify: false".to_owned(),
        None => String::new(),
    };
    [name.clone(), value, table::instant(fact.at), fact.event.clone()]
}
