//! `desk letters retry`

use anyhow::Context as _;
use clap::{ArgGroup, Args};
use domain::ids::LetterId;
use service::{Environment, chain};

use super::auth::ReasonArgs;
use super::session::{self, Session};
use super::{Answer, Filters, output};
use crate::actions::letters::{All, Mode, Retrier, RetryError, Tally, Tried};

/// Retry dead messages and events
///
/// A message is queued again if its booking's plan still wants it: not after the guest has booked, cancelled, opted out or
/// come back, nor if it is too late. An event is published again, unchanged. What fails again gets a new letter. To continue
/// an interrupted --all, run it again. Exit code 1 if any retry is refused.
///
/// Needs DATABASE_URL, AMQP_URL, BELLHOP_CONFIG and BELLHOP_KEYS; without --dry-run also your token (see desk --help).
///
/// Examples:
///   desk letters retry 12 13
///   desk letters retry --all --reason unreachable --dry-run
///   desk letters retry --all --kind events
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, group = ArgGroup::new("which").args(["ids", "all"]).required(true))]
pub(in crate::cli) struct Arguments {
    /// The letters' numbers
    #[arg(value_name = "ID", conflicts_with_all = ["kind", "reason", "resort"])]
    ids: Vec<LetterId>,
    /// All open letters, or those that match the filters
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filters: Filters,
    /// Change nothing, and print what would happen
    #[arg(long, conflicts_with = "note")]
    dry_run: bool,
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
    let mode = by.map_or(Mode::DryRun, Mode::Retry);

    let happens = match mode {
        Mode::Retry(_) => "retried",
        Mode::DryRun => "would be retried",
    };
    let mut retrier = Retrier::new(context, broker, mode);
    let answered = if arguments.all {
        all(&mut retrier, arguments.filters, happens).await
    } else {
        each(&mut retrier, &arguments.ids, happens).await
    };
    retrier.finish().await;
    answered
}

async fn each(retrier: &mut Retrier, ids: &[LetterId], happens: &str) -> anyhow::Result<Answer> {
    let mut answer = Answer::Done;
    for id in ids {
        let failed = match retrier.one(*id).await {
            Ok(Tried::Retried) => {
                output::print(&format!("letter {id}: {happens}"))?;
                continue;
            }
            Ok(Tried::Declined(declined)) => {
                answer = super::decline(*id, &declined);
                continue;
            }
            Ok(Tried::Failed(error)) => chain(&error),
            // The other letters may be of messages, which need no RabbitMQ.
            Err(error @ RetryError::Publish(_)) => chain(&error),
            Err(error @ RetryError::Store(_)) => return Err(error.into()),
        };
        output::complain(&format!("letter {id}: {failed}"));
        answer = Answer::Refused;
    }
    Ok(answer)
}

async fn all(retrier: &mut Retrier, filters: Filters, happens: &str) -> anyhow::Result<Answer> {
    let mut all = All::begin(retrier, filters.into()).await?;
    let interrupted = loop {
        match all.next_page(retrier).await {
            Ok(true) => output::complain(&progress(&all.tally)),
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
    };
    output::print(&summary(&all.tally, happens))?;
    match interrupted {
        Some(error) => Err(error).context("interrupted; run it again to continue"),
        None => Ok(Answer::done_if(all.tally.refused.is_empty())),
    }
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
    let refused = tally
        .refused
        .iter()
        .map(|(reason, count)| format!("{count} refused: {reason}"));
    lines.extend(refused);
    if tally.too_late > 0 {
        lines.push(format!("{} decided by another person meanwhile", tally.too_late));
    }
    lines.join("\n")
}
