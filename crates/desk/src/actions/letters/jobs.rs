//! Actions over everything that a filter matches: first a dry run, then a job, which [`mod@work`] carries out.

mod work;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::Address;
use chrono::{DateTime, Utc};
use domain::dead_letter::{Outcome, Standing};
use domain::letter_job::JobAction;
use serde::Serialize;
use store::audit::Actor;
use store::letters::jobs::{self, Job, NewJob};
use store::letters::{self, Filter};
use store::{Store, StoreError};

use super::filter;
use super::retry::{All, Mode, Retrier, RetryError};
use crate::actions::context::{Context, transaction};

pub(crate) use work::until_idle;
pub(crate) use work::work;

/// What would come of retrying everything that a filter matches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct DryRun {
    /// How many letters match.
    pub(crate) total: i64,
    /// How many of them were looked at; fewer where time ran out.
    pub(crate) looked_at: i64,
    /// How many would be retried.
    pub(crate) go: i64,
    /// Nothing is left to do about these, by reason.
    pub(crate) refused: BTreeMap<String, i64>,
    /// A person has to mend something first, by reason.
    pub(crate) need_a_person: BTreeMap<String, i64>,
}

impl DryRun {
    /// Whether time sufficed for every letter.
    pub(crate) fn is_complete(&self) -> bool {
        self.looked_at >= self.total
    }
}

/// Judges the open letters of a filter as a retry would, for at most so long, and changes nothing.
pub(crate) async fn dry_run(
    context: Arc<Context>,
    broker: Address,
    filter: Filter,
    at_most: Duration,
) -> Result<DryRun, RetryError> {
    let began_at = Instant::now();
    let mut retrier = Retrier::new(context, broker, Mode::DryRun);
    let mut all = All::begin(&retrier, filter).await?;
    while began_at.elapsed() < at_most && all.next_page(&mut retrier, &mut |_, _| {}).await? {}
    let tally = &all.tally;
    let mut run = DryRun {
        total: tally.total,
        looked_at: tally.tried,
        go: tally.retried,
        ..DryRun::default()
    };
    let others = (tally.too_late > 0).then_some(("too_late", tally.too_late));
    for (reason, count) in tally
        .refused
        .iter()
        .map(|(reason, count)| (*reason, *count))
        .chain(others)
    {
        let counts = match Outcome::of(reason) {
            Outcome::NeedsAPerson => &mut run.need_a_person,
            Outcome::Done | Outcome::Refused => &mut run.refused,
        };
        counts.insert(reason.to_owned(), count);
    }
    Ok(run)
}

/// Why no job is made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotMade {
    #[error("no open letter matches")]
    NothingMatches,
    /// Who closes letters says why.
    #[error("closing letters needs a note that says why")]
    WithoutNote,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a job of an action over the open letters that a filter matches at this moment; returns its number and how many they are.
pub(crate) async fn make(
    store: &Store,
    action: JobAction,
    filter: Filter,
    by: Actor,
) -> Result<(i64, i64), NotMade> {
    if action == JobAction::Close && by.reason.is_none() {
        return Err(NotMade::WithoutNote);
    }
    let filter = Filter {
        standing: Some(Standing::Open),
        within: by.access.scope.clone(),
        ..filter
    };
    let (staff, told) = (by.name.clone(), action.to_string());
    let made = transaction(store, move |connection| {
        let (total, last_letter) = letters::extent(connection, &filter)?;
        if total == 0 {
            return Ok(None);
        }
        let job = NewJob {
            action: action.clone(),
            filter: filter::write(&filter),
            last_letter,
            total,
        };
        jobs::make(connection, &by, &job).map(|id| Some((id, total)))
    });
    let (id, total) = made.await?.ok_or(NotMade::NothingMatches)?;
    log::info!(event = "letter_job_made", job = id, staff = staff.as_str(), action = told, letters = total; "job made");
    Ok((id, total))
}

/// Stops a job between two letters. `false`: it is not running.
pub(crate) async fn cancel(store: &Store, id: i64, by: Actor) -> Result<bool, StoreError> {
    let staff = by.name.clone();
    let cancelled = transaction(store, move |connection| jobs::cancel(connection, &by, id)).await?;
    if cancelled {
        log::info!(event = "letter_job_cancelled", job = id, staff = staff.as_str(); "job cancelled");
    }
    Ok(cancelled)
}

/// A job as commands and pages show it. Nothing in it is personal.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct JobView {
    pub(crate) id: i64,
    /// `None`: a newer program's.
    pub(crate) action: Option<&'static str>,
    pub(crate) assignee: Option<String>,
    /// In its text form, without `?`.
    pub(crate) filter: String,
    pub(crate) made_by: String,
    pub(crate) made_at: DateTime<Utc>,
    pub(crate) state: &'static str,
    pub(crate) failure: Option<String>,
    /// How many letters matched when it was made.
    pub(crate) total: i64,
    /// How many were decided so far.
    pub(crate) decided: i64,
    /// Those that the action was done with.
    pub(crate) done: i64,
    /// Nothing is left to do about these, by reason.
    pub(crate) refused: BTreeMap<String, i64>,
    /// A person has to mend something first, by reason.
    pub(crate) need_a_person: BTreeMap<String, i64>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
    /// Whether a desk is at it at this moment.
    pub(crate) is_attended: bool,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        let decided = job.decided();
        let assignee = job.action.as_ref().and_then(JobAction::assignee);
        let mut view = Self {
            id: job.id,
            action: job.action.as_ref().map(JobAction::as_str),
            assignee: assignee.map(ToString::to_string),
            filter: job.filter,
            made_by: job.member,
            made_at: job.made_at,
            state: job.state.as_str(),
            failure: job.failure,
            total: job.total,
            decided,
            done: 0,
            refused: BTreeMap::new(),
            need_a_person: BTreeMap::new(),
            finished_at: job.finished_at,
            is_attended: job.is_attended,
        };
        for (outcome, count) in job.counts {
            match Outcome::of(&outcome) {
                Outcome::Done => view.done += count,
                Outcome::Refused => {
                    view.refused.insert(outcome, count);
                }
                Outcome::NeedsAPerson => {
                    view.need_a_person.insert(outcome, count);
                }
            }
        }
        view
    }
}

/// The latest jobs, the newest first.
pub(crate) async fn list(store: &Store, most: i64) -> Result<Vec<JobView>, StoreError> {
    let found = store.run(move |connection| jobs::list(connection, most)).await?;
    Ok(found.into_iter().map(JobView::from).collect())
}

pub(crate) async fn find(store: &Store, id: i64) -> Result<Option<JobView>, StoreError> {
    let found = store.run(move |connection| jobs::find(connection, id)).await?;
    Ok(found.map(JobView::from))
}
