//! Retrying dead messages and events: single letters, or [all](all::All) that match a filter.

mod all;
mod publishing;
mod webhook;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use broker::Address;
use broker::envelope::{Envelope, UNMAPPABLE, WEBHOOK_OUT};
use broker::publisher::{Outgoing, PublishError, Publisher};
use broker::topology::Queue;
use domain::dead_letter::{DecisionRefused, LetterKind, RETRIED};
use domain::ids::LetterId;
use domain::message::Reason;
use domain::staff::Scope;
use store::audit::Actor;
use store::letters::jobs::{self, Lease};
use store::letters::{self, Decided, Declined, Letter};
use store::planning::Planner;
use store::{Connection, Fault, StoreError};

use super::request::{self, Remapped};
use super::tried::Tried;
use crate::actions::context::Context;

pub(crate) use all::All;
pub(super) use all::{PAGE, PAGE_EVERY};

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
    pub(crate) context: Arc<Context>,
    broker: Address,
    mode: Mode,
    /// Of the job whose letters these are.
    lease: Option<Lease>,
    /// Connects when the first event is published.
    publisher: Option<Publisher>,
    /// The keys of events that were published and are not known to be applied.
    published: BTreeSet<String>,
}

/// What a retry of all letters does with a request that says something of a cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carts {
    Now,
    /// First what says that it was booked meanwhile.
    Later,
}

impl Retrier {
    pub(crate) fn new(context: impl Into<Arc<Context>>, broker: Address, mode: Mode) -> Self {
        Self {
            context: context.into(),
            broker,
            mode,
            lease: None,
            publisher: None,
            published: BTreeSet::new(),
        }
    }

    /// For a job, which counts each letter that is retried in the transaction that retries it.
    pub(super) fn of_job(context: Arc<Context>, broker: Address, by: Actor, lease: Lease) -> Self {
        Self {
            lease: Some(lease),
            ..Self::new(context, broker, Mode::Retry(by))
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
        let tried = self.letter(letter, Carts::Now).await?;
        let tried = tried.unwrap_or(Tried::Declined(Declined::NotFound));
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

    /// `None`: it waits.
    pub(super) async fn letter(&mut self, letter: Letter, carts: Carts) -> Result<Option<Tried>, RetryError> {
        if let Some(ending) = letter.ending {
            return Ok(Some(Tried::Declined(Declined::TooLate(ending))));
        }
        match letter.kind {
            LetterKind::Messages => self.message(letter.id).await.map(Some),
            LetterKind::Events => self.event(letter, carts).await,
        }
    }

    /// Where the person who retries may do so; `None`: nobody retries.
    fn reach(&self) -> Option<Scope> {
        match &self.mode {
            Mode::Retry(by) => Some(by.access.scope.clone()),
            Mode::DryRun => None,
        }
    }

    fn is_dry_run(&self) -> bool {
        matches!(self.mode, Mode::DryRun)
    }

    /// In a dry run, what would come of letters of messages, as far as they can be judged together.
    async fn judge_all(&self, page: &[Letter]) -> Result<HashMap<LetterId, Tried>, RetryError> {
        if !self.is_dry_run() {
            return Ok(HashMap::new());
        }
        let of_messages = page.iter().filter(|letter| letter.kind == LetterKind::Messages);
        let of_messages: Vec<Letter> = of_messages.cloned().collect();
        let judging = move |connection: &mut Connection, planner: &Planner| {
            letters::judge_all(connection, planner, &of_messages)
        };
        let judged = self.context.transaction(judging).await?;
        let tried =
            |decided: Decided<()>| decided.map_or_else(Tried::Declined, |()| Tried::Retried(Vec::new()));
        Ok(judged
            .into_iter()
            .map(|(id, decided)| (id, tried(decided)))
            .collect())
    }

    async fn message(&self, id: LetterId) -> Result<Tried, RetryError> {
        let (mode, lease) = (self.mode.clone(), self.lease);
        let decided = self
            .context
            .transaction(move |connection, planner| match &mode {
                Mode::Retry(by) => {
                    let retried = letters::retry(connection, planner, id, by)?.map(drop);
                    count_retried(connection, lease, id, &retried)?;
                    Ok(retried)
                }
                Mode::DryRun => letters::judge(connection, planner, id),
            })
            .await;
        Ok(match decided {
            Err(error @ StoreError::LeaseLost) => return Err(error.into()),
            Ok(Ok(())) => Tried::Retried(Vec::new()),
            Ok(Err(declined)) => Tried::Declined(declined),
            Err(error) if matches!(error.fault(), Fault::Data | Fault::Ours) => Tried::Failed(error),
            Err(error) => return Err(error.into()),
        })
    }

    async fn event(&mut self, letter: Letter, carts: Carts) -> Result<Option<Tried>, RetryError> {
        let id = letter.id;
        let body = self
            .context
            .store
            .run(move |connection| letters::find_body(connection, id))
            .await?;
        let Some(body) = body else {
            let refusal = DecisionRefused::NotWanted(Reason::Erased);
            return Ok(Some(Tried::Declined(Declined::Refused(refusal))));
        };
        if letter.subject == WEBHOOK_OUT {
            return self.webhook(id, body).await.map(Some);
        }
        let remapped = self.read(letter, body);
        let Mode::Retry(by) = self.mode.clone() else {
            return Ok(Some(tried(remapped)));
        };
        if remapped.left.is_some() && remapped.messages.is_empty() {
            return Ok(Some(tried(remapped)));
        }
        if remapped.has_cart && carts == Carts::Later {
            return Ok(None);
        }
        self.retry(id, remapped, by).await.map(Some)
    }

    async fn retry(&mut self, id: LetterId, remapped: Remapped, by: Actor) -> Result<Tried, RetryError> {
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
            ..
        } = remapped;
        self.publish(messages).await.map_err(RetryError::Publish)?;
        if let Some(left) = left {
            return Ok(Tried::Unmapped(left, becomes));
        }
        let lease = self.lease;
        let marked = self
            .context
            .transaction(move |connection, _| {
                let marked = letters::mark_event_retried(connection, id, &by)?;
                count_retried(connection, lease, id, &marked)?;
                Ok(marked)
            })
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
            trace: None,
            body,
        };
        Remapped {
            messages: vec![event],
            ..Remapped::default()
        }
    }
}

fn count_retried(
    connection: &mut Connection,
    lease: Option<Lease>,
    id: LetterId,
    decided: &Decided<()>,
) -> Result<(), StoreError> {
    match (lease, decided) {
        (Some(lease), Ok(())) => jobs::count(connection, lease, id, RETRIED),
        _ => Ok(()),
    }
}

fn tried(remapped: Remapped) -> Tried {
    match remapped.left {
        Some(left) => Tried::Unmapped(left, remapped.becomes),
        None => Tried::Retried(remapped.becomes),
    }
}
