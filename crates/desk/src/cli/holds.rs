//! `desk pause`, `desk resume`, `desk holds`

use clap::{ArgGroup, Args};
use domain::hold::Coverage;
use domain::ids::{NumberId, ResortId};
use domain::message::MessageKind;
use service::{Environment, Failure};

use super::acting::{self, Reveal, Why};
use super::arguments::one_of;
use super::{Answer, output, table};
use crate::actions::holds::{self, HoldView};
use crate::actions::names;
use crate::settings;

/// What a pause covers, or a resume names. Several together mean: all of them at once.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// Messages of this resort
    #[arg(long, value_name = "RESORT")]
    resort: Option<ResortId>,
    /// Messages of this kind
    #[arg(long, value_parser = one_of(MessageKind::ALL, MessageKind::as_str))]
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
/// Every sender honours it from its next claim on; a call that has begun may finish. Messages wait as held, use up no
/// try, and expire when they come too late to be of use.
///
/// An unknown resort or number is refused, and the nearest names are shown. Known are those of the resorts' files, where
/// BELLHOP_CONFIG is set, and those that have bookings, letters, messages or conversations.
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
    why: Why,
}

/// Let held messages go
///
/// Ends every hold that names what is given: pauses of people, and holds that WhatsApp's refusals began (desk holds lists
/// them). What was held goes out at the usual pace, each message checked once more. Where WhatsApp still refuses, the first
/// call begins the hold anew.
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
    /// Every hold there is
    #[arg(long, conflicts_with_all = ["resort", "kind", "number"])]
    all: bool,
    #[command(flatten)]
    why: Why,
}

/// List what is held now, since when and why
///
/// A sender that cannot reach WhatsApp is listed too: it claims no message until it can, and desk resume does not change
/// that.
///
/// Needs DATABASE_URL. What people said of their pauses is hidden; --reveal shows it, and needs BELLHOP_KEYS and your token
/// (see desk --help).
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct List {
    #[command(flatten)]
    reveal: Reveal,
    /// One JSON array instead of a table
    #[arg(long)]
    json: bool,
}

pub(super) async fn pause(arguments: Pause, environment: &Environment) -> Result<Answer, Failure> {
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let files = settings::optional_files(&mut read);
    let acting = arguments.why.read(&mut read, environment);
    let (store, acting) = read.finish_with(|| Some((store?, acting?)))?;
    let by = acting.identify(&store).await?;
    let coverage = arguments.which.coverage();
    let named = coverage.to_string();
    if let Some(resort) = &coverage.resort {
        names::check_resort(&store, files.as_ref(), resort)
            .await
            .map_err(anyhow::Error::from)?;
    }
    if let Some(number) = &coverage.number {
        names::check_number(&store, files.as_ref(), number)
            .await
            .map_err(anyhow::Error::from)?;
    }

    let before = holds::pause(&store, coverage, by)
        .await
        .map_err(anyhow::Error::from)?;

    match before {
        None => output::print(&format!("paused: {named}"))?,
        Some(first) => output::print(&format!(
            "{named} is paused already, by {} since {}{}",
            first.by_whom.as_deref().unwrap_or("nobody"),
            table::instant(first.since),
            if first.reason.is_empty() {
                ""
            } else {
                "; desk holds --reveal tells why"
            }
        ))?,
    }
    Ok(Answer::Done)
}

pub(super) async fn resume(arguments: Resume, environment: &Environment) -> Result<Answer, Failure> {
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let acting = arguments.why.read(&mut read, environment);
    let (store, acting) = read.finish_with(|| Some((store?, acting?)))?;
    let by = acting.identify(&store).await?;

    let named = arguments.which.coverage();
    // What a hold names may be gone since: its resort's file, for one. So the holds alone are compared.
    let ended = holds::resume(&store, named.clone(), by)
        .await
        .map_err(anyhow::Error::from)?;

    if ended.is_empty() {
        let nearest = holds::nearest(&store, &named)
            .await
            .map_err(anyhow::Error::from)?;
        output::complain(&if nearest.is_empty() {
            "nothing is held".to_owned()
        } else {
            format!("no hold names that; the nearest: {}", nearest.join(", "))
        });
        return Ok(Answer::Refused);
    }
    for key in ended {
        output::print(&format!("resumed: {key}"))?;
    }
    Ok(Answer::Done)
}

pub(super) async fn list(arguments: List, environment: &Environment) -> Result<Answer, Failure> {
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let looking = arguments.reveal.read_notes(&mut read, environment);
    let (store, looking) = read.finish_with(|| Some((store?, looking?)))?;
    let reader = acting::identify_reader(looking, &store).await?;

    let found = holds::list(&store, reader).await.map_err(anyhow::Error::from)?;
    acting::hint_at_hidden(found.iter().map(|hold| Some(hold.reason.as_str())));
    let without_template = holds::without_template(&store)
        .await
        .map_err(anyhow::Error::from)?;
    if without_template > 0 {
        output::complain(&format!(
            "{without_template} messages wait because their resort's file has neither a template nor a fallback for them: \
             desk messages list --state held"
        ));
    }

    if arguments.json {
        output::print_json(&found)?;
    } else if found.is_empty() {
        output::complain("nothing is held");
    } else {
        let rows: Vec<_> = found.iter().map(row).collect();
        output::print(&table::rows("", &rows))?;
    }
    Ok(Answer::Done)
}

fn row(hold: &HoldView) -> [String; 5] {
    let why = match &hold.by_whom {
        Some(person) if hold.reason.is_empty() => format!("by {person}"),
        Some(person) => format!("by {person}: {}", hold.reason),
        None if hold.sender.is_some() => format!("cannot reach WhatsApp: {}", hold.reason),
        None if hold.reason.parse::<i64>().is_ok() => format!("WhatsApp's code {}", hold.reason),
        None => format!("answers that are not WhatsApp's: {}", hold.reason),
    };
    let tries = match (hold.tries_at, hold.judged_since) {
        _ if hold.sender.is_some() => "until it connects".to_owned(),
        (_, Some(at)) => format!(
            "one message went at {}; ends unless that fails",
            table::instant(at)
        ),
        (Some(at), None) => format!("tries at {}", table::instant(at)),
        (None, None) => "until resumed".to_owned(),
    };
    let messages = format!("{} messages", hold.messages);
    [
        table::instant(hold.since),
        hold.hold.clone(),
        messages,
        tries,
        why,
    ]
}
