//! All letters that match a filter, page by page.

use std::collections::VecDeque;
use std::time::Duration;

use domain::ids::LetterId;
use store::letters::{self, Filter, Standing};
use tokio::time::{Interval, MissedTickBehavior};

use super::{Carts, Retrier, RetryError};
use crate::actions::letters::tried::{Tally, Tried};

/// Letters per page.
pub(in crate::actions::letters) const PAGE: i64 = 50;
/// Limits the load on the processors and senders.
pub(in crate::actions::letters) const PAGE_EVERY: Duration = Duration::from_millis(200);

/// All open letters of a filter that exist at the beginning: what fails again meanwhile waits for the next run.
///
/// Requests about carts come last, after the others were applied: a cart of Friday would else bring a reminder of what was
/// booked on Saturday.
pub(crate) struct All {
    filter: Filter,
    after: LetterId,
    last: LetterId,
    carts: VecDeque<LetterId>,
    pace: Interval,
    pub(crate) tally: Tally,
}

impl All {
    pub(crate) async fn begin(retrier: &Retrier, filter: Filter) -> Result<Self, RetryError> {
        let filter = Filter {
            standing: Some(Standing::Open),
            within: retrier.reach().unwrap_or(filter.within),
            ..filter
        };
        let counted = filter.clone();
        let (total, last) = retrier
            .context
            .store
            .run(move |connection| letters::extent(connection, &counted))
            .await?;
        let mut pace = tokio::time::interval(PAGE_EVERY);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let tally = Tally {
            total,
            ..Tally::default()
        };
        Ok(Self {
            filter,
            after: LetterId(0),
            last,
            carts: VecDeque::new(),
            pace,
            tally,
        })
    }

    /// Retries the next letters, in the order of their ids, and calls `tell` with each; `false` when none are left.
    pub(crate) async fn next_page(
        &mut self,
        retrier: &mut Retrier,
        tell: &mut (dyn FnMut(LetterId, &Tried) + Send),
    ) -> Result<bool, RetryError> {
        if !retrier.is_dry_run() {
            self.pace.tick().await;
        }
        let (filter, after) = (self.filter.clone(), self.after);
        let mut page = retrier
            .context
            .store
            .run(move |connection| letters::list(connection, &filter, after, PAGE))
            .await?;
        page.retain(|letter| letter.id <= self.last);
        if page.is_empty() {
            return self.next_carts(retrier, tell).await;
        }
        let mut judged = retrier.judge_all(&page).await?;
        for letter in page {
            let id = letter.id;
            let tried = match judged.remove(&id) {
                Some(tried) => Some(tried),
                None => retrier.letter(letter, Carts::Later).await?,
            };
            match tried {
                Some(tried) => self.note(id, &tried, tell),
                None => self.carts.push_back(id),
            }
            self.after = id;
        }
        Ok(true)
    }

    async fn next_carts(
        &mut self,
        retrier: &mut Retrier,
        tell: &mut (dyn FnMut(LetterId, &Tried) + Send),
    ) -> Result<bool, RetryError> {
        if self.carts.is_empty() {
            return Ok(false);
        }
        retrier.until_applied().await?;
        let most = usize::try_from(PAGE).unwrap_or(usize::MAX);
        let page: Vec<LetterId> = self.carts.drain(..self.carts.len().min(most)).collect();
        for id in page {
            let tried = retrier.one(id).await?;
            self.note(id, &tried, tell);
        }
        Ok(true)
    }

    fn note(&mut self, id: LetterId, tried: &Tried, tell: &mut (dyn FnMut(LetterId, &Tried) + Send)) {
        if let Tried::Failed(error) = tried {
            log::error!(event = "letter_not_retried", "letter.id" = id.to_string(), error = service::chain(error);
                "letter cannot be retried");
        }
        self.tally.count(tried);
        tell(id, tried);
    }
}
