//! Retrying dead messages and events: single letters, or all that match a filter, page by page.

use std::time::Duration;

use broker::envelope::{Envelope, UNMAPPABLE};
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

use super::request::{self, Remapped};
use super::tried::{Tally, Tried};
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
        if let (Tried::Retried(_), Mode::Retry(by)) = (&tried, &self.mode) {
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
            Ok(Ok(())) => Tried::Retried(Vec::new()),
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
        let remapped = self.read(letter, body);
        let Mode::Retry(by) = self.mode.clone() else {
            return Ok(tried(remapped));
        };
        if remapped.left.is_some() && remapped.messages.is_empty() {
            return Ok(tried(remapped));
        }
        // First the audit trail, then the events. A crash before the letter is marked only publishes the events twice, and the
        // second ones are duplicates by their ids.
        let who = by.clone();
        let announced = self
            .context
            .transaction(move |connection, _| letters::announce_event_retry(connection, id, &who))
            .await?;
        if let Err(declined) = announced {
            return Ok(Tried::Declined(declined));
        }
        let Remapped {
            messages,
            becomes,
            left,
        } = remapped;
        self.publish(messages).await.map_err(RetryError::Publish)?;
        if let Some(left) = left {
            return Ok(Tried::Unmapped(left, becomes));
        }
        let marked = self
            .context
            .transaction(move |connection, _| letters::mark_event_retried(connection, id, &by))
            .await?;
        Ok(marked.map_or_else(Tried::Declined, |()| Tried::Retried(becomes)))
    }

    /// A request that could not be mapped is mapped again; any other event is published unchanged.
    fn read(&self, letter: Letter, body: Vec<u8>) -> Remapped {
        if let Ok(envelope) = Envelope::decode(&body)
            && envelope.event_type == UNMAPPABLE
        {
            return request::remap(&self.context, &envelope);
        }
        let event = Outgoing {
            queue: Queue::Events,
            message_id: letter.amqp_id,
            kind: letter.subject,
            cause: None,
            body,
        };
        Remapped {
            messages: vec![event],
            ..Remapped::default()
        }
    }

    async fn publish(&mut self, messages: Vec<Outgoing>) -> Result<(), PublishError> {
        if messages.is_empty() {
            return Ok(());
        }
        let publisher = self.publisher().await;
        crash::point("desk.event.read");
        for message in messages {
            publisher.publish(message).await?;
        }
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

fn tried(remapped: Remapped) -> Tried {
    match remapped.left {
        Some(left) => Tried::Unmapped(left, remapped.becomes),
        None => Tried::Retried(remapped.becomes),
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

    /// Retries the next letters, in the order of their ids, and calls `tell` with each; `false` when none are left.
    pub(crate) async fn next_page(
        &mut self,
        retrier: &mut Retrier,
        tell: &mut (dyn FnMut(LetterId, &Tried) + Send),
    ) -> Result<bool, RetryError> {
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
            tell(id, &tried);
            self.after = id;
        }
        Ok(any)
    }
}
