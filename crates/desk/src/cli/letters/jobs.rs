//! `desk letters jobs` and `desk letters cancel-job`

use std::sync::Arc;

use clap::Args;
use service::{Environment, Stop};

use super::auth::ReasonArgs;
use super::session::{self, Session};
use super::{Answer, output, table};
use crate::actions::letters::jobs::{self, JobView};
use crate::settings;

/// How many jobs are listed.
const MOST: i64 = 50;

/// List the latest jobs: actions over all letters that a filter matches
///
/// Jobs are made by the desk's page, and by desk letters retry --all --background. A running desk carries them out; without one,
/// --work does. A job whose desk died goes on at another one after 15 seconds.
///
/// Needs DATABASE_URL; with --work also AMQP_URL, BELLHOP_CONFIG and BELLHOP_KEYS.
///
/// Examples:
///   desk letters jobs
///   desk letters jobs --work           carry out what waits, then list
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct List {
    /// First carry out the jobs that no desk is at
    #[arg(long)]
    work: bool,
    /// Print one JSON array instead of a table
    #[arg(long)]
    json: bool,
}

pub(super) async fn list(arguments: List, environment: &Environment) -> anyhow::Result<Answer> {
    let store = if arguments.work {
        let Session { context, broker, .. } = session::for_anyone(environment, |_| Some(None)).await?;
        let (context, stop) = (Arc::new(context), Stop::on_signals()?);
        jobs::until_idle(Arc::clone(&context), &broker, &stop).await?;
        context.store.clone()
    } else {
        let mut read = environment.reader();
        let store = settings::database(&mut read);
        read.finish_with(|| store)?
    };

    let found = jobs::list(&store, MOST).await?;

    output::print_list(&found, arguments.json, "no jobs", HEADS, row)?;
    Ok(Answer::Done)
}

const HEADS: [&str; 7] = ["id", "made", "by", "action", "decided", "result", "state"];

fn row(job: &JobView) -> [String; 7] {
    let sum = |counts: &std::collections::BTreeMap<String, i64>| counts.values().sum::<i64>();
    let told = [
        (job.done, "done"),
        (sum(&job.refused), "refused"),
        (sum(&job.need_a_person), "need a person"),
    ];
    let told = told.iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told.map(|(count, what)| format!("{count} {what}")).collect();
    let action = match (&job.assignee, job.action) {
        (Some(name), Some(action)) => format!("{action} to {name}"),
        (_, action) => action.unwrap_or("?").to_owned(),
    };
    let state = match &job.failure {
        Some(why) => format!("{}: {why}", job.state),
        None => job.state.to_owned(),
    };
    [
        job.id.to_string(),
        table::instant(job.made_at),
        job.made_by.clone(),
        action,
        format!("{} of {}", job.decided, job.total),
        told.join(", "),
        state,
    ]
}

/// Stop a running job between two letters
///
/// What it did stays done. Needs DATABASE_URL, and your token (see desk --help).
///
/// Examples:
///   desk letters cancel-job 3
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Cancel {
    /// The job's number
    id: i64,
    #[command(flatten)]
    reason: ReasonArgs,
}

pub(super) async fn cancel(arguments: Cancel, environment: &Environment) -> anyhow::Result<Answer> {
    let id = arguments.id;
    let (store, by) = session::store_for_staff(arguments.reason, environment).await?;

    if jobs::cancel(&store, id, by).await? {
        output::print(&format!("job {id}: cancelled"))?;
        return Ok(Answer::Done);
    }
    let found = jobs::find(&store, id).await?;
    let why = found.map_or_else(
        || "there is no such job".to_owned(),
        |job| format!("it is {}", job.state),
    );
    output::complain(&format!("job {id}: {why}"));
    Ok(Answer::Refused)
}
