//! Hands the ids of due messages, and the letters of dead ones, to the broker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::dead_letter::Cause;
use broker::publisher::{Outgoing, PublishError, Publisher};
use broker::topology::Queue;
use domain::dead_letter::DeadLetterReason;
use domain::ids::MessageId;
use futures_util::future::join_all;
use service::{Stop, crash};
use store::{StoreError, relay};
use tokio::sync::Notify;

use crate::shared::Shared;

/// How many ids are taken at once.
const AT_ONCE: i64 = 500;
/// How long messages that another process queued wait to be seen.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How long letters wait that could not be published; ids do not wait for them.
const LETTER_PAUSE: Duration = Duration::from_secs(1);

/// Relays until the stop.
pub(crate) async fn run(shared: Arc<Shared>, publisher: Publisher, due: Arc<Notify>, stop: Stop) {
    let (mut failures, mut letters_not_before) = (0_u32, Instant::now());
    while !stop.is_stopped() {
        let pause = if publisher.status().borrow().is_ready() {
            match round(&shared, &publisher, &mut letters_not_before).await {
                Ok(0) => {
                    failures = 0;
                    LOOK_EVERY
                }
                Ok(_) => Duration::ZERO,
                Err(error) => {
                    failures += 1;
                    shared.postgres_failed("relay messages", &error, failures)
                }
            }
        } else {
            LOOK_EVERY
        };
        tokio::select! {
            () = stop.stopped() => {}
            () = due.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Relays once and returns how many went.
async fn round(
    shared: &Shared,
    publisher: &Publisher,
    letters_not_before: &mut Instant,
) -> Result<usize, StoreError> {
    let ids = relay_ids(shared, publisher).await?;
    Ok(ids + relay_letters(shared, publisher, letters_not_before).await?)
}

async fn relay_ids(shared: &Shared, publisher: &Publisher) -> Result<usize, StoreError> {
    let ids = shared
        .store
        .run(|connection| relay::take_due(connection, AT_ONCE))
        .await?;
    if !ids.is_empty() {
        crash::point("processor.relay.put_off");
    }
    let publishing = ids
        .iter()
        .map(|id| async move { (*id, publish_id(publisher, *id).await) });
    let failed: Vec<MessageId> = join_all(publishing)
        .await
        .into_iter()
        .filter(|(id, result)| {
            count(shared, result);
            if let Err(error) = result {
                log::warn!("message.id" = id.to_string(), error = error.to_string(); "id not handed to the broker; it comes again");
            }
            // An id without a confirmation may lie in the queue: coming again at its time does no harm.
            matches!(result, Err(error) if *error != PublishError::Unconfirmed)
        })
        .map(|(id, _)| id)
        .collect();
    let published = ids.len() - failed.len();
    if published > 0 {
        crash::point("processor.relay.confirmed");
    }
    if !failed.is_empty() {
        crash::point("processor.relay.refused");
        shared
            .store
            .run(move |connection| relay::give_back(connection, &failed))
            .await?;
        crash::point("processor.relay.given_back");
    }
    Ok(published)
}

async fn publish_id(publisher: &Publisher, id: MessageId) -> Result<(), PublishError> {
    let outgoing = Outgoing {
        queue: Queue::Messages,
        message_id: id.to_string(),
        kind: "message_due".to_owned(),
        cause: None,
        body: id.to_string().into_bytes(),
    };
    publisher.publish(outgoing).await
}

/// Letters are marked after their confirmation: a crash in between publishes a copy, which the desk knows by its id.
async fn relay_letters(
    shared: &Shared,
    publisher: &Publisher,
    not_before: &mut Instant,
) -> Result<usize, StoreError> {
    if Instant::now() < *not_before {
        return Ok(0);
    }
    let letters = shared
        .store
        .run(|connection| relay::list_letters(connection, AT_ONCE))
        .await?;
    if !letters.is_empty() {
        crash::point("processor.message_letters.due");
    }
    let publishing = letters.into_iter().map(|letter| async move {
        let result = publisher.publish(outgoing(&letter)).await;
        (letter, result)
    });
    let (mut published, mut unpublished) = (Vec::new(), Vec::new());
    for (letter, result) in join_all(publishing).await {
        count(shared, &result);
        match result {
            Ok(()) => {
                log::warn!("message.id" = letter.id.to_string(), "booking.id" = letter.booking_key, kind = letter.kind,
                    reason = letter.reason; "message is a dead letter");
                published.push(letter);
            }
            Err(error) => unpublished.push((letter.id, error)),
        }
    }
    let count = published.len();
    if count > 0 {
        crash::point("processor.message_letters.confirmed");
        shared
            .store
            .run(move |connection| relay::mark_letters_published(connection, &published))
            .await?;
        crash::point("processor.message_letters.marked");
    }
    if let Some((first, error)) = unpublished.first() {
        log::warn!(letters = unpublished.len(), "message.id" = first.to_string(), error = error.to_string();
            "letters of dead messages could not be published; trying again in 1 s");
        *not_before = Instant::now() + LETTER_PAUSE;
    }
    Ok(count)
}

fn outgoing(letter: &relay::Letter) -> Outgoing {
    let reason = letter.reason.parse().unwrap_or_else(|_| {
        log::error!("message.id" = letter.id.to_string(), reason = letter.reason, alert = true;
            "a dead message has a reason that this process does not know; its letter says `refused`");
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
        body: letter.id.to_string().into_bytes(),
    }
}

fn count(shared: &Shared, result: &Result<(), PublishError>) {
    let outcome = match result {
        Ok(()) => "published",
        Err(PublishError::Unavailable) => "unavailable",
        Err(PublishError::Refused) => "refused",
        Err(PublishError::Unroutable) => "unroutable",
        Err(PublishError::Unconfirmed) => "unconfirmed",
    };
    shared.counters.relayed.with_label_values(&[outcome]).inc();
}
