//! Retrying dead messages and events: single letters, or all that match a filter, page by page.

use std::collections::BTreeMap;
use std::time::Duration;

use broker::publisher::{Options, Outgoing, PublishError, Publisher};
use broker::topology::Queue;
use broker::{Address, Status};
use domain::dead_letter::{DecisionRefused, LetterKind};
use domain::ids::LetterId;
use domain::message::Reason;
use service::crash;
use store::audit::Actor;
use store::letters::{self, Declined, Filter, Letter, Standing};
use store::{Fault, StoreError};
use tokio::time::{Interval, MissedTickBehavior};

use crate::actions::context::Context;

/// Letters per page.
const PAGE: i64 = 50;
/// Limits the load on the processors and senders.
const PAGE_EVERY: Duration = Duration::from_millis(200);
const CONNECTING: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
pub(crate) enum Mode {
    Retry(Actor),
    /// Finds out what would happen, and changes nothing.
    DryRun,
}

#[derive(Debug)]
pub(crate) enum Tried {
    /// Or would be retried.
    Retried,
    Declined(Declined),
    /// An error of this letter's data.
    Failed(StoreError),
}

/// An error that all letters would have.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RetryError {
    #[error("cannot retry letters")]
    Store(#[from] StoreError),
    #[error("cannot publish the event; its letter stays open")]
    Publish(#[source] PublishError),
}

pub(crate) struct Retrier {
    pub(crate) context: Context,
    broker: Address,
    mode: Mode,
    /// Connects when the first event is published.
    publisher: Option<Publisher>,
}

impl Retrier {
    pub(crate) fn new(context: Context, broker: Address, mode: Mode) -> Self {
        Self {
            context,
            broker,
            mode,
            publisher: None,
        }
    }

    pub(crate) async fn one(&mut self, id: LetterId) -> Result<Tried, RetryError> {
        let found = self
            .context
            .store
            .run(move |connection| letters::find(connection, id))
            .await?;
        let Some(letter) = found else {
            return Ok(Tried::Declined(Declined::NotFound));
        };
        let tried = self.letter(letter).await?;
        if let (Tried::Retried, Mode::Retry(by)) = (&tried, &self.mode) {
            super::log_decision(id, by, "retried");
        }
        Ok(tried)
    }

    pub(crate) async fn finish(self) {
        if let Some(publisher) = self.publisher {
            publisher.stop().await;
        }
    }

    async fn letter(&mut self, letter: Letter) -> Result<Tried, RetryError> {
        if let Some(ending) = letter.ending {
            return Ok(Tried::Declined(Declined::TooLate(ending)));
        }
        match letter.kind {
            LetterKind::Messages => self.message(letter.id).await,
            LetterKind::Events => self.event(letter).await,
        }
    }

    async fn message(&self, id: LetterId) -> Result<Tried, RetryError> {
        let mode = self.mode.clone();
        let decided = self
            .context
            .transaction(move |connection, planner| match &mode {
                Mode::Retry(by) => {
                    letters::retry(connection, planner, id, by).map(|retried| retried.map(drop))
                }
                Mode::DryRun => letters::judge(connection, planner, id),
            })
            .await;
        Ok(match decided {
            Ok(Ok(())) => Tried::Retried,
            Ok(Err(declined)) => Tried::Declined(declined),
            Err(error) if matches!(error.fault(), Fault::Data | Fault::Ours) => Tried::Failed(error),
            Err(error) => return Err(error.into()),
        })
    }

    async fn event(&mut self, letter: Letter) -> Result<Tried, RetryError> {
        let id = letter.id;
        let body = self
            .context
            .store
            .run(move |connection| letters::find_body(connection, id))
            .await?;
        let Some(body) = body else {
            let refusal = DecisionRefused::NotWanted(Reason::Erased);
            return Ok(Tried::Declined(Declined::Refused(refusal)));
        };
        let Mode::Retry(by) = self.mode.clone() else {
            return Ok(Tried::Retried);
        };
        // First the audit trail, then the event. A crash before the letter is marked only publishes the event twice, and the
        // second one is a duplicate by its id.
        let who = by.clone();
        let announced = self
            .context
            .transaction(move |connection, _| letters::announce_event_retry(connection, id, &who))
            .await?;
        if let Err(declined) = announced {
            return Ok(Tried::Declined(declined));
        }
        self.publish(letter, body).await.map_err(RetryError::Publish)?;
        let marked = self
            .context
            .transaction(move |connection, _| letters::mark_event_retried(connection, id, &by))
            .await?;
        Ok(marked.map_or_else(Tried::Declined, |()| Tried::Retried))
    }

    async fn publish(&mut self, letter: Letter, body: Vec<u8>) -> Result<(), PublishError> {
        let event = Outgoing {
            queue: Queue::Events,
            message_id: letter.amqp_id,
            kind: letter.subject,
            cause: None,
            body,
        };
        let publisher = self.publisher().await;
        crash::point("desk.event.read");
        publisher.publish(event).await?;
        crash::point("desk.event.confirmed");
        Ok(())
    }

    /// Waits for the connection. If there is none, publishing fails.
    async fn publisher(&mut self) -> &Publisher {
        let address = self.broker.clone();
        let publisher = self
            .publisher
            .get_or_insert_with(|| Publisher::start(address, Options::named("bellhop desk")));
        let mut status = publisher.status();
        let _ = tokio::time::timeout(CONNECTING, status.wait_for(Status::is_ready)).await;
        publisher
    }
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) total: i64,
    pub(crate) tried: i64,
    pub(crate) retried: i64,
    pub(crate) refused: BTreeMap<&'static str, i64>,
    /// Decided by another person meanwhile.
    pub(crate) too_late: i64,
}

impl Tally {
    fn count(&mut self, tried: &Tried) {
        self.tried += 1;
        let refused = match tried {
            Tried::Retried => return self.retried += 1,
            Tried::Declined(Declined::TooLate(_) | Declined::NotFound) => return self.too_late += 1,
            Tried::Declined(Declined::Refused(refusal)) => refusal.as_str(),
            Tried::Failed(_) => "failed",
        };
        *self.refused.entry(refused).or_default() += 1;
    }
}

/// All open letters of a filter that exist at the beginning: what fails again meanwhile waits for the next run.
pub(crate) struct All {
    filter: Filter,
    after: LetterId,
    last: LetterId,
    pace: Interval,
    pub(crate) tally: Tally,
}

impl All {
    pub(crate) async fn begin(retrier: &Retrier, filter: Filter) -> Result<Self, RetryError> {
        let filter = Filter {
            standing: Some(Standing::Open),
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
            pace,
            tally,
        })
    }

    /// Returns `false` when no letters are left.
    pub(crate) async fn next_page(&mut self, retrier: &mut Retrier) -> Result<bool, RetryError> {
        self.pace.tick().await;
        let (filter, after) = (self.filter.clone(), self.after);
        let mut page = retrier
            .context
            .store
            .run(move |connection| letters::list(connection, &filter, after, PAGE))
            .await?;
        page.retain(|letter| letter.id <= self.last);
        let any = !page.is_empty();
        for letter in page {
            let id = letter.id;
            let tried = retrier.letter(letter).await?;
            if let Tried::Failed(error) = &tried {
                log::error!(event = "letter_not_retried", "letter.id" = id.to_string(), error = service::chain(error);
                    "letter cannot be retried");
            }
            self.tally.count(&tried);
            self.after = id;
        }
        Ok(any)
    }
}
