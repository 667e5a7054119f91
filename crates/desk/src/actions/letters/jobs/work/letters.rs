//! One job under its lease: letter after letter, page after page.

use domain::dead_letter::{CLOSED, RETRIED};
use domain::ids::LetterId;
use domain::letter_job::JobAction;
use service::Stop;
use store::audit::Actor;
use store::letters::jobs::{self, Job, Lease};
use store::letters::{self, Decided, Filter, Letter};
use store::{Connection, Fault, StoreError};
use tokio::time::{Interval, MissedTickBehavior};

use super::Ended;
use crate::actions::context::Context;
use crate::actions::letters::retry::{Carts, PAGE, PAGE_EVERY, Retrier, RetryError};
use crate::actions::letters::tried::{Tried, word};

pub(super) struct Work<'w> {
    pub(super) context: &'w Context,
    pub(super) retrier: Retrier,
    pub(super) job: &'w Job,
    pub(super) action: JobAction,
    pub(super) by: Actor,
    pub(super) lease: Lease,
    pub(super) stop: &'w Stop,
}

impl Work<'_> {
    pub(super) async fn carry_out(&mut self, filter: Filter) -> Result<Ended, RetryError> {
        let mut pace = pace();
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
        let mut pace = pace();
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

fn pace() -> Interval {
    let mut pace = tokio::time::interval(PAGE_EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}
