//! Retrying dead messages and events: single letters, or [all](all::All) that match a filter.

mod all;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use broker::envelope::{Envelope, FETCH, UNMAPPABLE};
use broker::publisher::{Options, Outgoing, PublishError, Publisher};
use broker::topology::Queue;
use broker::{Address, Status};
use domain::dead_letter::{DecisionRefused, LetterKind};
use domain::ids::LetterId;
use domain::message::Reason;
use service::crash;
use store::audit::Actor;
use store::events;
use store::letters::{self, Declined, Letter};
use store::{Fault, StoreError};

use super::request::{self, Remapped};
use super::tried::Tried;
use crate::actions::context::Context;

pub(crate) use all::All;

const CONNECTING: Duration = Duration::from_secs(5);
/// How long carts wait until what was published before them is applied. Longer would not help: what waits in the queue is applied
/// before them in any case, and only what several processors apply at once may overtake.
const APPLYING: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(200);

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
    /// The keys of events that were published and are not known to be applied.
    published: BTreeSet<String>,
}

/// What a retry of all letters does with a request that says something of a cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carts {
    Now,
    /// First what says that it was booked meanwhile.
    Later,
}

impl Retrier {
    pub(crate) fn new(context: Context, broker: Address, mode: Mode) -> Self {
        Self {
            context,
            broker,
            mode,
            publisher: None,
            published: BTreeSet::new(),
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
    async fn letter(&mut self, letter: Letter, carts: Carts) -> Result<Option<Tried>, RetryError> {
        if let Some(ending) = letter.ending {
            return Ok(Some(Tried::Declined(Declined::TooLate(ending))));
        }
        match letter.kind {
            LetterKind::Messages => self.message(letter.id).await.map(Some),
            LetterKind::Events => self.event(letter, carts).await,
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
        let events = messages.iter().filter(|message| message.kind != FETCH);
        let keys: Vec<String> = events.map(|message| message.message_id.clone()).collect();
        for message in messages {
            publisher.publish(message).await?;
        }
        self.published.extend(keys);
        crash::point("desk.event.confirmed");
        Ok(())
    }

    /// Waits until what was published is applied; without a processor it goes on after a while.
    async fn until_applied(&mut self) -> Result<(), RetryError> {
        let keys: Vec<String> = std::mem::take(&mut self.published).into_iter().collect();
        let deadline = Instant::now() + APPLYING;
        while !keys.is_empty() && Instant::now() < deadline {
            let asked = keys.clone();
            let applied = self
                .context
                .store
                .run(move |connection| events::count(connection, &asked));
            if applied.await? == keys.len() {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
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
