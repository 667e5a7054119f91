//! `desk letters retry`

use anyhow::Error;
use clap::{ArgGroup, Args};
use domain::ids::LetterId;
use service::{Environment, Failure, chain};

use super::acting::Why;
use super::opening::{self, Opened};
use super::{Answer, Filters, output};
use crate::actions::letters::{All, Hand, Retrier, RetryError, Tally, Tried};

/// Retry dead messages and events
///
/// A message goes back into its queue if its booking's plan still wants it: not after the guest has booked, cancelled,
/// opted out or come back, nor when it is too late. An event is published once more as it was. What dies again gets a
/// new letter. To continue an interrupted --all, run it again. Exit code 1 when any is refused.
///
/// Needs DATABASE_URL, AMQP_URL, BELLHOP_CONFIG and BELLHOP_KEYS; unless it is a --dry-run also your token (see desk --help).
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
    /// Every open letter, or those that the filters name
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filters: Filters,
    /// Change nothing, and tell what would happen
    #[arg(long, conflicts_with = "note")]
    dry_run: bool,
    #[command(flatten)]
    why: Why,
}

pub(super) async fn run(arguments: Arguments, environment: &Environment) -> Result<Answer, Failure> {
    let (dry_run, why) = (arguments.dry_run, arguments.why);
    let opened = opening::for_anybody(environment, |read| match dry_run {
        true => Some(None),
        false => why.read(read, environment).map(Some),
    });
    let Opened { shelf, broker, by } = opened.await?;
    super::check_filters(&arguments.filters, &shelf.store, Some(shelf.files())).await?;
    let hand = by.map_or(Hand::Rehearse, Hand::Retry);

    let happens = match hand {
        Hand::Retry(_) => "retried",
        Hand::Rehearse => "would be retried",
    };
    let mut retrier = Retrier::new(shelf, broker, hand);
    let answered = if arguments.all {
        all(&mut retrier, arguments.filters, happens).await
    } else {
        each(&mut retrier, &arguments.ids, happens).await
    };
    retrier.finish().await;
    answered
}

async fn each(retrier: &mut Retrier, ids: &[LetterId], happens: &str) -> Result<Answer, Failure> {
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
            // The others may be of messages, which need no broker.
            Err(error @ RetryError::Publish(_)) => chain(&error),
            Err(error @ RetryError::Store(_)) => return Err(Error::from(error).into()),
        };
        output::complain(&format!("letter {id}: {failed}"));
        answer = Answer::Refused;
    }
    Ok(answer)
}

async fn all(retrier: &mut Retrier, filters: Filters, happens: &str) -> Result<Answer, Failure> {
    let mut all = All::begin(retrier, filters.into()).await.map_err(Error::from)?;
    let broken_off = loop {
        match all.next_page(retrier).await {
            Ok(true) => output::complain(&progress(&all.tally)),
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
    };
    output::print(&summary(&all.tally, happens))?;
    match broken_off {
        Some(error) => Err(Error::from(error)
            .context("interrupted; run it again to continue")
            .into()),
        None if all.tally.refused.is_empty() => Ok(Answer::Done),
        None => Ok(Answer::Refused),
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
        lines.push(format!("{} decided by somebody else meanwhile", tally.too_late));
    }
    lines.join("\n")
}
