//! Carrying jobs out: any desk claims a running one and decides letter after letter, in the pace of `desk letters retry --all`.

use std::sync::Arc;
use std::time::Duration;

use broker::Address;
use domain::dead_letter::{CLOSED, RETRIED, Standing};
use domain::ids::LetterId;
use domain::letter_job::JobAction;
use service::{Stop, crash};
use store::audit::Actor;
use store::letters::jobs::{self, Job, Lease};
use store::letters::{self, Decided, Filter, Letter};
use store::{Connection, Fault, StoreError};
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use crate::actions::context::Context;
use crate::actions::letters::filter;
use crate::actions::letters::retry::{Carts, PAGE, PAGE_EVERY, Retrier, RetryError};
use crate::actions::letters::tried::{Tried, word};

/// How often a desk without a job looks for one.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After a failure of Postgres or RabbitMQ; the job stays where it is.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// How carrying a job out ended, apart from an error.
enum Ended {
    Done,
    Stopped,
}

#[expect(dead_code, reason = "the page's process carries jobs out")]
/// Carries jobs out until the process is to end, with the files of the context at the time when each begins.
pub(crate) async fn work(context: impl Fn() -> Arc<Context>, broker: Address, stop: Stop) {
    while !stop.is_stopped() {
        let pause = match next(context(), &broker, &stop).await {
            Ok(true) => continue,
            Ok(false) => LOOK_EVERY,
            Err(error) => {
                log::warn!(event = "letter_job_interrupted", error = service::chain(&error);
                    "a job is interrupted and goes on later");
                AFTER_FAILURE
            }
        };
        tokio::select! {
            () = stop.stopped() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Carries out the jobs that no other desk is at, and returns how many.
pub(crate) async fn until_idle(
    context: Arc<Context>,
    broker: &Address,
    stop: &Stop,
) -> Result<usize, RetryError> {
    let mut jobs = 0;
    while !stop.is_stopped() && next(Arc::clone(&context), broker, stop).await? {
        jobs += 1;
    }
    Ok(jobs)
}

/// Claims a job and carries it out. `false`: there is none.
async fn next(context: Arc<Context>, broker: &Address, stop: &Stop) -> Result<bool, RetryError> {
    let token = Uuid::now_v7();
    let Some(job) = context
        .store
        .transaction(move |connection| jobs::claim(connection, token))
        .await?
    else {
        return Ok(false);
    };
    crash::point("desk.job.claimed");
    let lease = Lease { job: job.id, token };
    let carried_out = match prepare(&context, &job).await? {
        Err(failure) => Err(failure),
        Ok((action, by, filter)) => {
            let retrier = Retrier::of_job(Arc::clone(&context), broker.clone(), by.clone(), lease);
            let mut work = Work {
                context: &context,
                retrier,
                job: &job,
                action,
                by,
                lease,
                stop,
            };
            let ended = work.carry_out(filter).await;
            work.retrier.finish().await;
            match ended {
                Ok(Ended::Done) => Ok(()),
                // Another desk has it, or a person cancelled it.
                Err(RetryError::Store(StoreError::LeaseLost)) => return Ok(true),
                Ok(Ended::Stopped) => {
                    give_back(&context, lease).await?;
                    return Ok(true);
                }
                Err(error) => {
                    // Where this fails too, the lease runs out.
                    let _ = give_back(&context, lease).await;
                    return Err(error);
                }
            }
        }
    };
    finish(&context, lease, carried_out.err()).await?;
    Ok(true)
}

async fn give_back(context: &Context, lease: Lease) -> Result<(), StoreError> {
    context
        .store
        .run(move |connection| jobs::give_back(connection, lease))
        .await
}

async fn finish(context: &Context, lease: Lease, failure: Option<&'static str>) -> Result<(), StoreError> {
    crash::point("desk.job.decided");
    let finishing = context
        .store
        .run(move |connection| jobs::finish(connection, lease, failure));
    match finishing.await {
        Err(StoreError::LeaseLost) => return Ok(()),
        finished => finished?,
    }
    crash::point("desk.job.finished");
    match failure {
        None => log::info!(event = "letter_job_done", job = lease.job; "job done"),
        Some(why) => {
            log::warn!(event = "letter_job_failed", job = lease.job, error = why; "job cannot be carried out")
        }
    }
    Ok(())
}

/// What to do, for whom, with which letters; or why the job cannot be carried out.
async fn prepare(
    context: &Context,
    job: &Job,
) -> Result<Result<(JobAction, Actor, Filter), &'static str>, StoreError> {
    let Some(action) = job.action.clone() else {
        return Ok(Err("this program does not know its action"));
    };
    let asked = job.clone();
    let maker = context
        .store
        .run(move |connection| jobs::maker(connection, &asked))
        .await?;
    let Some(by) = maker else {
        return Ok(Err(
            "who made it is no member of the staff any more, or may do less than then",
        ));
    };
    let Ok(filter) = filter::parse(&job.filter, &[]) else {
        return Ok(Err("this program does not understand its filter"));
    };
    let filter = Filter {
        standing: Some(Standing::Open),
        within: by.access.scope.clone(),
        as_of: Some(job.made_at),
        ..filter
    };
    Ok(Ok((action, by, filter)))
}

struct Work<'w> {
    context: &'w Context,
    retrier: Retrier,
    job: &'w Job,
    action: JobAction,
    by: Actor,
    lease: Lease,
    stop: &'w Stop,
}

impl Work<'_> {
    async fn carry_out(&mut self, filter: Filter) -> Result<Ended, RetryError> {
        let mut pace = tokio::time::interval(PAGE_EVERY);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut after = self.job.position;
        loop {
            pace.tick().await;
            let asked = filter.clone();
            let reading = self
                .context
                .store
                .run(move |connection| letters::list(connection, &asked, after, PAGE));
            let mut page = reading.await?;
            page.retain(|letter| letter.id <= self.job.last_letter);
            if page.is_empty() {
                return self.carts().await;
            }
            for letter in page {
                if self.stop.is_stopped() {
                    return Ok(Ended::Stopped);
                }
                after = letter.id;
                self.decide(letter, Carts::Later).await?;
            }
        }
    }

    /// What was put off, after everything else was applied.
    async fn carts(&mut self) -> Result<Ended, RetryError> {
        let id = self.job.id;
        let now = self
            .context
            .store
            .run(move |connection| jobs::find(connection, id))
            .await?;
        let postponed = now.map(|job| job.postponed).unwrap_or_default();
        if !postponed.is_empty() {
            self.retrier.until_applied().await?;
        }
        let mut pace = tokio::time::interval(PAGE_EVERY);
        for page in postponed.chunks(usize::try_from(PAGE).unwrap_or(usize::MAX)) {
            pace.tick().await;
            for id in page.iter().copied() {
                if self.stop.is_stopped() {
                    return Ok(Ended::Stopped);
                }
                let found = self
                    .context
                    .store
                    .run(move |connection| letters::find(connection, id))
                    .await?;
                match found {
                    Some(letter) => self.decide(letter, Carts::Now).await?,
                    None => self.count(id, "not_found").await?,
                }
            }
        }
        Ok(Ended::Done)
    }

    async fn decide(&mut self, letter: Letter, carts: Carts) -> Result<(), RetryError> {
        let id = letter.id;
        match self.action.clone() {
            JobAction::Retry => self.retry(letter, carts).await,
            JobAction::Close => {
                let by = self.by.clone();
                let close = move |connection: &mut Connection| {
                    letters::close(connection, id, &by).map(|closed| closed.map(|()| CLOSED))
                };
                self.decide_by(id, close).await
            }
            JobAction::Assign(to) => {
                let by = self.by.clone();
                let assign = move |connection: &mut Connection| {
                    let assigned = letters::assign(connection, id, to.as_ref(), &by)?;
                    Ok(assigned.map(|is_new| if is_new { "assigned" } else { "assigned_already" }))
                };
                self.decide_by(id, assign).await
            }
        }
    }

    async fn retry(&mut self, letter: Letter, carts: Carts) -> Result<(), RetryError> {
        let id = letter.id;
        match self.retrier.letter(letter, carts).await? {
            // Counted when it was retried.
            Some(Tried::Retried(_)) => Ok(()),
            Some(tried) => {
                if let Tried::Failed(error) = &tried {
                    log::error!(event = "letter_not_retried", "letter.id" = id.to_string(), error = service::chain(error);
                        "letter cannot be retried");
                }
                self.count(id, tried.refusal().unwrap_or(RETRIED)).await
            }
            None => {
                let lease = self.lease;
                let postponing = self
                    .context
                    .store
                    .run(move |connection| jobs::postpone(connection, lease, id));
                Ok(postponing.await?)
            }
        }
    }

    /// Decides, and counts what came of it, in one transaction.
    async fn decide_by(
        &self,
        id: LetterId,
        decide: impl Fn(&mut Connection) -> Result<Decided<&'static str>, StoreError> + Send + Sync + 'static,
    ) -> Result<(), RetryError> {
        let lease = self.lease;
        let decided = self.context.transaction(move |connection, _| {
            let outcome = decide(connection)?.unwrap_or_else(|declined| word(&declined));
            jobs::count(connection, lease, id, outcome)
        });
        match decided.await {
            Err(StoreError::LeaseLost) => Err(StoreError::LeaseLost.into()),
            Err(error) if matches!(error.fault(), Fault::Data | Fault::Ours) => {
                log::error!(event = "letter_not_decided", "letter.id" = id.to_string(), error = service::chain(&error);
                    "a job cannot decide of a letter");
                self.count(id, "failed").await
            }
            decided => Ok(decided?),
        }
    }

    async fn count(&self, id: LetterId, outcome: &'static str) -> Result<(), RetryError> {
        let lease = self.lease;
        let counting = self
            .context
            .store
            .run(move |connection| jobs::count(connection, lease, id, outcome));
        Ok(counting.await?)
    }
}
