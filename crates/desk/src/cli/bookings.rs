//! `desk bookings …`

use anyhow::anyhow;
use clap::{Args, Subcommand};
use domain::ids::{BookingId, BookingKey, ResortId};
use service::{Environment, Failure};

use super::acting::{self, Reveal};
use super::{Answer, output, table};
use crate::actions::bookings::{self, BookingView, FactView};
use crate::actions::letters::LetterView;
use crate::actions::names;
use crate::settings;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Show(Show),
}

/// Show what is known of a booking, what was sent, and what is still to come and why
///
/// Needs DATABASE_URL, BELLHOP_CONFIG and BELLHOP_KEYS; --reveal also your token (see desk --help). Phone numbers are
/// masked and names and links hidden.
///
/// Examples:
///   desk bookings show azure-bay BK-1001
///   desk bookings show azure-bay BK-1001 --json
///   desk bookings show azure-bay BK-1001 --reveal      the guest is on the phone
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Show {
    /// The resort: the name of its file
    resort: ResortId,
    /// The booking's id, as its platform writes it
    booking: BookingId,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reveal: Reveal,
}

pub(super) async fn run(command: Command, environment: &Environment) -> Result<Answer, Failure> {
    let Command::Show(arguments) = command;
    let mut read = environment.reader();
    let shelf = settings::shelf(&mut read, environment);
    let acting = arguments.reveal.read(&mut read, environment);
    let (shelf, acting) = read.finish_with(|| Some((shelf?, acting?)))?;
    let shelf = shelf.open()?;
    let revealed_to = acting::identify(acting, &shelf.store).await?;
    let key = BookingKey {
        resort: arguments.resort,
        booking: arguments.booking,
    };

    let found = bookings::show(&shelf, key.clone(), revealed_to)
        .await
        .map_err(anyhow::Error::from)?;

    let Some(view) = found else {
        names::check_resort(&shelf.store, Some(shelf.files()), &key.resort)
            .await
            .map_err(anyhow::Error::from)?;
        return Err(anyhow!("unknown booking {key}: no event has named it").into());
    };
    if arguments.json {
        output::print_json(&view)?;
    } else {
        output::print(&told(&view))?;
    }
    Ok(Answer::Done)
}

fn told(view: &BookingView) -> String {
    let mut text = head(view);
    section(
        &mut text,
        "facts",
        &view.facts.iter().map(fact).collect::<Vec<_>>(),
    );
    let events = view.events.iter().map(|event| {
        let received_at = table::instant(event.received_at);
        [
            received_at,
            event.event_type.clone(),
            event.outcome.clone(),
            event.event.clone(),
        ]
    });
    section(&mut text, "events", &events.collect::<Vec<_>>());
    let messages = view.messages.iter().map(|message| {
        [
            message.kind.to_owned(),
            message.state.to_owned(),
            message.reason.clone().unwrap_or_default(),
            format!("due {}", table::instant(message.due_at)),
            message
                .sent_at
                .map(|at| format!("sent {}", table::instant(at)))
                .unwrap_or_default(),
            message.id.clone(),
        ]
    });
    section(&mut text, "messages", &messages.collect::<Vec<_>>());
    if !view.letters.is_empty() {
        section(
            &mut text,
            "letters",
            &view.letters.iter().map(letter).collect::<Vec<_>>(),
        );
    }
    match &view.to_come {
        None => text.push_str("\nto come\n  unknown: the resort has no readable file\n"),
        Some(to_come) => {
            let rows = to_come.iter().map(|one| {
                [
                    one.kind.to_owned(),
                    one.expected.to_owned(),
                    one.at.map(table::instant).unwrap_or_default(),
                    one.reason.unwrap_or_default().to_owned(),
                ]
            });
            section(&mut text, "to come", &rows.collect::<Vec<_>>());
        }
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

fn section<const N: usize>(text: &mut String, title: &str, rows: &[[String; N]]) {
    text.push_str(&format!("\n{title}\n"));
    if rows.is_empty() {
        text.push_str("  none\n");
    }
    text.push_str(&table::rows("  ", rows));
}

fn letter(letter: &LetterView) -> [String; 5] {
    [
        letter.id.to_string(),
        letter.subject().to_owned(),
        letter.reason.clone(),
        letter.standing(),
        format!("died {}", table::instant(letter.died_at)),
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
