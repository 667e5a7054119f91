//! `desk letters retry`

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use clap::{ArgGroup, Args};
use domain::ids::LetterId;
use domain::letter_job::JobAction;
use serde::Serialize;
use service::{Environment, chain};

use store::audit::Actor;

use super::auth::ReasonArgs;
use super::session::{self, Session};
use super::{Answer, Filters, output};
use crate::actions::letters::jobs::{self, DryRun};
use crate::actions::letters::{All, Becomes, Mode, Retrier, RetryError, Tally, Tried, TriedView};

/// Retry dead messages and events
///
/// A message is queued again if its booking's plan still wants it: not after the guest has booked, cancelled, opted out or
/// come back, nor if it is too late. An event is published again, unchanged. A platform's request that could not be mapped is
/// mapped again with the files of this moment, and keeps its time of arrival; while fields are wrong, its letter stays open.
/// What fails again gets a new letter. To continue an interrupted --all, run it again. Exit code 1 if any retry is refused.
///
/// Needs DATABASE_URL, AMQP_URL, BELLHOP_CONFIG and BELLHOP_KEYS; without --dry-run also your token (see desk --help).
///
/// Examples:
///   desk letters retry 12 13
///   desk letters retry --all --reason unreachable --dry-run
///   desk letters retry --all --kind events
///   desk letters retry --all --resort azure-bay --background      does not wait
///   desk letters retry --all --reason unmappable --source lodgify --dry-run    what would come of them now?
///   desk letters retry --all --reason unmappable --source lodgify
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, group = ArgGroup::new("which").args(["ids", "all"]).required(true))]
pub(in crate::cli) struct Arguments {
    /// The letters' numbers
    #[arg(value_name = "ID", conflicts_with_all = ["kind", "reason", "resort", "source", "assignee", "older", "younger", "of"])]
    ids: Vec<LetterId>,
    /// All open letters, or those that match the filters
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filters: Filters,
    /// Change nothing, and print what would happen
    #[arg(long, conflicts_with = "note")]
    dry_run: bool,
    /// Make a job that a running desk carries out (desk letters jobs), and do not wait for it
    #[arg(long, requires = "all", conflicts_with = "json")]
    background: bool,
    /// Print one JSON document: the counts, and each letter
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reason: ReasonArgs,
}

pub(super) async fn run(arguments: Arguments, environment: &Environment) -> anyhow::Result<Answer> {
    let (dry_run, reason) = (arguments.dry_run, arguments.reason);
    let opening = session::for_anyone(environment, |read| match dry_run {
        true => Some(None),
        false => reason.read(read, environment).map(Some),
    });
    let Session { context, broker, by } = opening.await?;
    super::check_filters(&arguments.filters, &context.store, Some(context.files())).await?;
    if arguments.background {
        return in_background(Session { context, broker, by }, arguments.filters).await;
    }
    let mode = by.map_or(Mode::DryRun, Mode::Retry);

    let format = match (arguments.json, &mode) {
        (true, _) => Format::Json,
        (false, Mode::Retry(_)) => Format::Text(RETRIED),
        (false, Mode::DryRun) => Format::Text(WOULD_BE_RETRIED),
    };
    let mut retrier = Retrier::new(context, broker, mode);
    let answered = if arguments.all {
        all(&mut retrier, arguments.filters, format).await
    } else {
        each(&mut retrier, &arguments.ids, format).await
    };
    retrier.finish().await;
    answered
}

/// Makes a job, or, without a person, says what it would do.
async fn in_background(session: Session<Option<Actor>>, filters: Filters) -> anyhow::Result<Answer> {
    let Session { context, broker, by } = session;
    match by {
        Some(by) => {
            let made = jobs::make(&context.store, JobAction::Retry, filters.into(), by).await;
            let (id, letters) = made?;
            let letters = output::count(letters, "letter");
            output::print(&format!(
                "job {id}: {letters}; desk letters jobs shows how far it is"
            ))?;
        }
        None => {
            let run = jobs::dry_run(context.into(), broker, filters.into(), LONGEST_DRY_RUN).await?;
            output::print(&planned(&run))?;
        }
    }
    Ok(Answer::Done)
}

/// `3412 letters: 3190 would be retried, 201 refused (confirmed 180, opted_out 21), 21 need a person (unmappable 21)`
fn planned(run: &DryRun) -> String {
    let counted = |counts: &BTreeMap<String, i64>, what: &str| {
        let sum: i64 = counts.values().sum();
        let each = counts.iter().map(|(reason, count)| format!("{reason} {count}"));
        (sum > 0).then(|| format!(", {sum} {what} ({})", each.collect::<Vec<_>>().join(", ")))
    };
    let refused = counted(&run.refused, "refused").unwrap_or_default();
    let person = counted(&run.need_a_person, "need a person").unwrap_or_default();
    let only = if run.is_complete() {
        String::new()
    } else {
        format!("; time sufficed for {} of them", run.looked_at)
    };
    format!(
        "{}: {} {WOULD_BE_RETRIED}{refused}{person}{only}",
        output::count(run.total, "letter"),
        run.go
    )
}

/// Of a dry run that only counts.
const LONGEST_DRY_RUN: Duration = Duration::from_secs(60);
const RETRIED: &str = "retried";
const WOULD_BE_RETRIED: &str = "would be retried";

#[derive(Debug, Clone, Copy)]
enum Format {
    Json,
    /// With what happens to a letter.
    Text(&'static str),
}

#[derive(Serialize)]
struct Document<'t> {
    #[serde(flatten)]
    tally: &'t Tally,
    letters: Vec<TriedView>,
}

async fn each(retrier: &mut Retrier, ids: &[LetterId], format: Format) -> anyhow::Result<Answer> {
    let mut answer = Answer::Done;
    let mut tally = Tally::default();
    let mut letters = Vec::new();
    for id in ids {
        let tried = match retrier.one(*id).await {
            Ok(tried) => tried,
            // The other letters may be of messages, which need no RabbitMQ.
            Err(error @ RetryError::Publish(_)) => {
                output::complain(&format!("letter {id}: {}", chain(&error)));
                answer = Answer::Refused;
                continue;
            }
            Err(error @ RetryError::Store(_)) => return Err(error.into()),
        };
        tally.count(&tried);
        letters.push(TriedView::new(*id, &tried));
        match (tried, format) {
            (Tried::Retried(_), Format::Json) => continue,
            (Tried::Retried(becomes), Format::Text(happens)) => {
                output::print(&format!("letter {id}: {happens}{}", as_what(&becomes)))?;
                continue;
            }
            (Tried::Declined(declined), _) => {
                super::decline(*id, &declined);
            }
            (tried, _) => output::complain(&format!("letter {id}: {}", refused(&tried))),
        }
        answer = Answer::Refused;
    }
    if let Format::Json = format {
        tally.total = tally.tried;
        let document = Document {
            tally: &tally,
            letters,
        };
        output::print_json(&document)?;
    }
    Ok(answer)
}

async fn all(retrier: &mut Retrier, filters: Filters, format: Format) -> anyhow::Result<Answer> {
    let mut all = All::begin(retrier, filters.into()).await?;
    let mut letters = Vec::new();
    let mut lines = Vec::new();
    let mut tell = |id: LetterId, tried: &Tried| match format {
        Format::Json => letters.push(TriedView::new(id, tried)),
        Format::Text(_) => lines.extend(line(id, tried)),
    };
    let interrupted = loop {
        match all.next_page(retrier, &mut tell).await {
            Ok(true) => output::complain(&progress(&all.tally)),
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
    };
    let tally = &all.tally;
    match format {
        Format::Json => output::print_json(&Document { tally, letters })?,
        Format::Text(happens) => {
            output::print(&format!("{}\n{}", summary(tally, happens), lines.join("\n")))?
        }
    }
    match interrupted {
        Some(error) => Err(error).context("interrupted; run it again to continue"),
        None => Ok(Answer::done_if(all.tally.refused.is_empty())),
    }
}

/// Of a platform's request; other letters are only counted.
fn line(id: LetterId, tried: &Tried) -> Option<String> {
    match tried {
        Tried::Retried(becomes) if becomes.is_empty() => None,
        Tried::Retried(becomes) => Some(format!("letter {id}{}", as_what(becomes))),
        Tried::Unmapped(..) => Some(format!("letter {id}: {}", refused(tried))),
        Tried::Declined(_) | Tried::Failed(_) => None,
    }
}

fn as_what(becomes: &[Becomes]) -> String {
    if becomes.is_empty() {
        return String::new();
    }
    let becomes: Vec<String> = becomes.iter().map(ToString::to_string).collect();
    format!(": {}", becomes.join(", "))
}

fn refused(tried: &Tried) -> String {
    match tried {
        Tried::Failed(error) => chain(error),
        Tried::Unmapped(why, becomes) => format!("refused: {why}{}", apart_from(becomes)),
        Tried::Retried(_) | Tried::Declined(_) => String::new(),
    }
}

fn apart_from(becomes: &[Becomes]) -> String {
    if becomes.is_empty() {
        return String::new();
    }
    format!("; its other elements{}", as_what(becomes))
}

fn progress(tally: &Tally) -> String {
    let refused: i64 = tally.refused.values().sum();
    let refused = if refused == 0 {
        String::new()
    } else {
        format!(", refused {refused} ({})", by_reason(tally))
    };
    format!("{} of {}{refused}", tally.tried, tally.total)
}

fn by_reason(tally: &Tally) -> String {
    let counts = tally
        .refused
        .iter()
        .map(|(reason, count)| format!("{reason} {count}"));
    counts.collect::<Vec<_>>().join(", ")
}

fn summary(tally: &Tally, happens: &str) -> String {
    let mut lines = vec![format!("{} {}", tally.retried, happens)];
    let becomes = tally
        .becomes
        .iter()
        .map(|(outcome, count)| format!("  {count} {outcome}"));
    lines.extend(becomes);
    let refused = tally
        .refused
        .iter()
        .map(|(reason, count)| format!("{count} refused: {reason}"));
    lines.extend(refused);
    let faults = tally
        .faults
        .iter()
        .map(|(fault, count)| format!("  {count} {fault}"));
    lines.extend(faults);
    if tally.too_late > 0 {
        lines.push(format!("{} decided by another person meanwhile", tally.too_late));
    }
    lines.join("\n")
}
