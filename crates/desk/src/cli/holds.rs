//! `desk pause`, `desk resume`, `desk holds`

use clap::{ArgGroup, Args};
use domain::hold::Coverage;
use domain::ids::{NumberId, ResortId};
use domain::message::MessageKind;
use service::Environment;

use super::auth::{self, ReasonArgs, RevealArgs};
use super::{Answer, output, session, table};
use crate::actions::context::transaction;
use crate::actions::holds::{self, HoldView};
use crate::actions::names;
use crate::settings;

/// Several together mean messages that match all of them.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// Messages of this resort
    #[arg(long, value_name = "RESORT")]
    resort: Option<ResortId>,
    /// Messages of this kind, built-in or a moment of the resorts' files
    #[arg(long)]
    kind: Option<MessageKind>,
    /// Messages from this business number (WhatsApp's id of it)
    #[arg(long, value_name = "ID")]
    number: Option<NumberId>,
}

impl Which {
    fn coverage(self) -> Coverage {
        Coverage {
            resort: self.resort,
            number: self.number,
            kind: self.kind,
            ..Coverage::default()
        }
    }
}

/// Hold messages until they are resumed
///
/// It takes effect at each sender's next claim; a call that has begun may finish. Messages wait as held, use up no
/// attempt, and expire when they would be too late to be of use.
///
/// An unknown resort, number or kind is refused, and the nearest names are shown. Known are the names in the resorts' files, if
/// BELLHOP_CONFIG is set, and the names that have bookings, letters, messages or conversations.
///
/// Needs DATABASE_URL and your token (see desk --help); with --note also BELLHOP_KEYS.
///
/// Examples:
///   desk pause --resort azure-bay --note "the pool is closed"
///   desk pause --resort azure-bay --kind review_request
///   desk pause --number 106540352242922
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, group = ArgGroup::new("which").args(["resort", "kind", "number"]).required(true).multiple(true))]
pub(super) struct Pause {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: ReasonArgs,
}

/// Release held messages
///
/// Ends every hold that matches the arguments: people's pauses, and holds after a refusal by WhatsApp (desk holds lists
/// them). Held messages are checked again and sent at the usual pace. If WhatsApp still refuses, the first call starts the
/// hold again.
///
/// Needs DATABASE_URL and your token (see desk --help); with --note also BELLHOP_KEYS.
///
/// Examples:
///   desk resume --resort azure-bay
///   desk resume --number 106540352242922
///   desk resume --all
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, group = ArgGroup::new("named").args(["resort", "kind", "number", "all"]).required(true).multiple(true))]
pub(super) struct Resume {
    #[command(flatten)]
    which: Which,
    /// All holds
    #[arg(long, conflicts_with_all = ["resort", "kind", "number"])]
    all: bool,
    #[command(flatten)]
    reason: ReasonArgs,
}

/// List the holds, with their start and reason
///
/// A sender that cannot reach WhatsApp is listed too: it claims no messages until it can, and desk resume does not change
/// that.
///
/// Needs DATABASE_URL. People's reasons are hidden; --reveal shows them, and needs BELLHOP_KEYS and your token (see
/// desk --help).
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct List {
    #[command(flatten)]
    reveal: RevealArgs,
    /// Print one JSON array instead of a table
    #[arg(long)]
    json: bool,
}

pub(super) async fn pause(arguments: Pause, environment: &Environment) -> anyhow::Result<Answer> {
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let files = settings::optional_files(&mut read);
    let login = arguments.reason.read(&mut read, environment);
    let (store, login) = read.finish_with(|| Some((store?, login?)))?;
    let by = login.identify(&store).await?;
    let coverage = arguments.which.coverage();
    let named = coverage.to_string();
    if let Some(resort) = &coverage.resort {
        names::check_resort(&store, files.as_ref(), resort).await?;
    }
    if let Some(number) = &coverage.number {
        names::check_number(&store, files.as_ref(), number).await?;
    }
    if let Some(kind) = coverage.kind {
        names::check_kind(&store, files.as_ref(), kind).await?;
    }

    let before = holds::pause(&store, coverage, by).await?;

    match before {
        None => output::print(&format!("paused: {named}"))?,
        Some(first) => output::print(&format!(
            "{named} is paused already, by {} since {}{}",
            first.by_whom.as_deref().unwrap_or("?"),
            table::instant(first.since),
            if first.reason.is_empty() {
                ""
            } else {
                "; desk holds --reveal shows the reason"
            }
        ))?,
    }
    Ok(Answer::Done)
}

pub(super) async fn resume(arguments: Resume, environment: &Environment) -> anyhow::Result<Answer> {
    let (store, by) = session::store_for_staff(arguments.reason, environment).await?;
    let named = arguments.which.coverage();

    // The names are compared with the holds alone: a resort that is held may have lost its file since.
    let coverage = named.clone();
    let ended = transaction(&store, move |connection| {
        store::holds::resume(connection, &coverage, &by)
    })
    .await?;

    if ended.is_empty() {
        let held = store.run(store::holds::list).await?;
        let keys = held.into_iter().map(|(hold, _)| hold.key);
        let nearest = names::nearest(&named.to_string(), keys);
        output::complain(&if nearest.is_empty() {
            "nothing is held".to_owned()
        } else {
            format!("no hold has that name; the nearest: {}", nearest.join(", "))
        });
        return Ok(Answer::Refused);
    }
    for key in ended {
        output::print(&format!("resumed: {key}"))?;
    }
    Ok(Answer::Done)
}

pub(super) async fn list(arguments: List, environment: &Environment) -> anyhow::Result<Answer> {
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let login = arguments.reveal.read_notes(&mut read, environment);
    let (store, login) = read.finish_with(|| Some((store?, login?)))?;
    let reader = auth::identify_reader(login, &store).await?;

    let found = holds::list(&store, reader).await?;
    auth::hint_at_hidden(found.iter().map(|hold| Some(hold.reason.as_str())));
    let without_template = store.run(store::holds::count_without_template).await?;
    if without_template > 0 {
        output::complain(&format!(
            "{} held because the resort's file has neither a template nor a fallback: desk messages list --state held",
            output::count(without_template, "message")
        ));
    }

    output::print_list(&found, arguments.json, "nothing is held", HEADS, row)?;
    Ok(Answer::Done)
}

const HEADS: [&str; 5] = ["since", "hold", "messages", "ends", "reason"];

fn row(hold: &HoldView) -> [String; 5] {
    let tries = match (hold.tries_at, hold.judged_since) {
        _ if hold.sender.is_some() => "until it connects".to_owned(),
        (_, Some(at)) => format!(
            "one message went at {}; ends unless that fails",
            table::instant(at)
        ),
        (Some(at), None) => format!("tries at {}", table::instant(at)),
        (None, None) => "until resumed".to_owned(),
    };
    [
        table::instant(hold.since),
        hold.hold.clone(),
        hold.messages.to_string(),
        tries,
        hold.why(),
    ]
}
