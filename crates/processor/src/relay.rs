//! The relay: publishes the ids of due messages to `messages`, and the dead letters of dead ones to `dead.messages`.
//!
//! It moves `publish_at` ahead and commits before it publishes an id, and writes nothing afterwards. So an id that is lost
//! on the way is published again when its new `publish_at` comes. What a transaction of this process makes due is put off by
//! that transaction and published [without the relay](crate::due_ids); only where that has no room, the transaction wakes the
//! relay. Both are bounded by the room that is left in the queue.

use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::dead_letter::Cause;
use broker::publisher::{Outgoing, Publisher};
use broker::topology::Queue;
use domain::dead_letter::DeadLetterReason;
use futures_util::future::join_all;
use service::{Stop, crash};
use store::{StoreError, relay};

use crate::context::Context;
use crate::due_ids::{self, IdPublisher};

const AT_ONCE: usize = 500;
/// How long messages that another process queued may wait to be found.
const IDLE: Duration = Duration::from_millis(200);
/// How long after a look without a find dead letters are looked for again: there are few, and ids are taken far more often.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// How long dead letters wait that could not be published; ids do not wait for them.
const DEAD_LETTER_PAUSE: Duration = Duration::from_secs(1);

pub(crate) struct Relay {
    context: Arc<Context>,
    publisher: Publisher,
    ids: IdPublisher,
    dead_letters_not_before: Instant,
}

impl Relay {
    pub(crate) fn new(context: Arc<Context>, publisher: Publisher, ids: IdPublisher) -> Self {
        Self {
            ids,
            context,
            publisher,
            dead_letters_not_before: Instant::now(),
        }
    }

    pub(crate) async fn run(mut self, stop: Stop) {
        let mut failures = 0_u32;
        while !stop.is_stopped() {
            let pause = match self.step().await {
                Ok(0) => {
                    failures = 0;
                    IDLE
                }
                Ok(_) => Duration::ZERO,
                Err(error) => {
                    failures += 1;
                    self.context.postgres_failed("relay messages", &error, failures)
                }
            };
            tokio::select! {
                () = stop.stopped() => {}
                () = self.context.relay_due.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Publishes some of what is due, and returns how many ids and dead letters were confirmed.
    pub(crate) async fn step(&mut self) -> Result<usize, StoreError> {
        if !self.publisher.status().borrow().is_ready() {
            return Ok(0);
        }
        let ids = self.relay_ids().await?;
        Ok(ids + self.relay_dead_letters().await?)
    }

    async fn relay_ids(&self) -> Result<usize, StoreError> {
        let most = self.ids.room().min(AT_ONCE);
        if most == 0 {
            return Ok(0);
        }
        let take = move |connection: &mut store::Connection| relay::take_due(connection, most);
        let ids = self.context.store.run(take).await?;
        self.ids.publish(ids).await
    }

    /// Dead letters are marked after their confirmation: a crash in between publishes a copy, which the desk recognises by
    /// its id.
    async fn relay_dead_letters(&mut self) -> Result<usize, StoreError> {
        if Instant::now() < self.dead_letters_not_before {
            return Ok(0);
        }
        let store = &self.context.store;
        let letters = store
            .run(|connection| relay::list_letters(connection, AT_ONCE))
            .await?;
        if letters.is_empty() {
            self.dead_letters_not_before = Instant::now() + BETWEEN_LOOKS;
            return Ok(0);
        }
        crash::point("processor.message_letters.due");
        let publisher = &self.publisher;
        let publishing = letters.into_iter().map(|letter| async move {
            let result = publisher.publish(dead_letter(&letter)).await;
            (letter, result)
        });
        let (mut published, mut unpublished) = (Vec::new(), Vec::new());
        for (letter, result) in join_all(publishing).await {
            due_ids::count(&self.context.metrics, &result);
            match result {
                Ok(()) => published.push(letter),
                Err(error) => unpublished.push((letter.id, error)),
            }
        }
        let count = published.len();
        if count > 0 {
            log_dead_letters(&published);
            crash::point("processor.message_letters.confirmed");
            store
                .run(move |connection| relay::mark_letters_published(connection, &published))
                .await?;
            crash::point("processor.message_letters.marked");
        }
        if let Some((first, error)) = unpublished.first() {
            log::warn!(letters = unpublished.len(), "message.id" = first.to_string(), error = error.to_string(),
                event = "dead_letter_unpublished";
                "dead letters of messages could not be published; trying again in 1 s");
            self.dead_letters_not_before = Instant::now() + DEAD_LETTER_PAUSE;
        }
        Ok(count)
    }
}

fn dead_letter(letter: &relay::Letter) -> Outgoing {
    let reason = letter.reason.parse().unwrap_or_else(|_| {
        log::error!("message.id" = letter.id.to_string(), reason = letter.reason, alert = "dead_letter_reason_unknown";
            "a message failed with a reason that this process does not know; its dead letter says `refused`");
        DeadLetterReason::Refused
    });
    Outgoing {
        queue: Queue::DeadMessages,
        message_id: letter.id.to_string(),
        kind: letter.kind.clone(),
        cause: Some(Cause {
            reason,
            error: letter.error.clone(),
            attempts: u32::try_from(letter.attempts).unwrap_or(u32::MAX),
            dead_lettered_at: Some(letter.died_at),
        }),
        trace: None,
        body: letter.id.to_string().into_bytes(),
    }
}

fn log_dead_letters(published: &[relay::Letter]) {
    for letter in published {
        log::warn!("message.id" = letter.id.to_string(), "booking.id" = letter.booking_key, kind = letter.kind,
            reason = letter.reason, event = "message_dead_lettered"; "message is a dead letter");
    }
}
