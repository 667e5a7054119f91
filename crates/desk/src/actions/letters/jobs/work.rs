//! Carrying jobs out: any desk claims a running one and decides letter after letter, in the pace of `desk letters retry --all`.

mod letters;

use std::sync::Arc;
use std::time::Duration;

use broker::Address;
use domain::dead_letter::Standing;
use domain::letter_job::JobAction;
use service::{Stop, crash};
use store::StoreError;
use store::audit::Actor;
use store::letters::Filter;
use store::letters::jobs::{self, Job, Lease};
use uuid::Uuid;

use crate::actions::context::Context;
use crate::actions::letters::filter;
use crate::actions::letters::retry::{Retrier, RetryError};
use letters::Work;

/// How often a desk without a job looks for one.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After a failure of Postgres or RabbitMQ; the job stays where it is.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// How carrying a job out ended, apart from an error.
enum Ended {
    Done,
    Stopped,
}

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
