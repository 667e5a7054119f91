//! Messages that were published and are not confirmed yet.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use lapin::options::BasicPublishOptions;
use lapin::{Channel, Confirmation};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Job, PublishError};
use crate::dead_letter::Cause;
use crate::properties;

/// Unconfirmed messages of one channel, for the owner's task alone. Every confirmation is awaited to its end, also after
/// its caller has timed out.
pub(super) struct InFlight {
    confirmations: FuturesUnordered<Pin<Box<dyn Future<Output = Confirmed> + Send>>>,
    begun: BTreeMap<u64, Instant>,
    next: u64,
}

struct Confirmed {
    number: u64,
    done: oneshot::Sender<Result<(), PublishError>>,
    result: lapin::Result<Confirmation>,
}

#[derive(Debug)]
pub(super) enum Health {
    Well,
    /// A message reached no queue.
    Unroutable,
    /// The channel is gone.
    Broken(lapin::Error),
    /// The channel is not in confirm mode; a defect.
    NotConfirming,
}

impl InFlight {
    pub(super) fn new() -> Self {
        Self {
            confirmations: FuturesUnordered::new(),
            begun: BTreeMap::new(),
            next: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.begun.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.begun.is_empty()
    }

    /// When the oldest unconfirmed message was published.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.begun.values().next().copied()
    }

    pub(super) fn publish(&mut self, channel: Channel, job: Job) {
        let number = self.next;
        self.next += 1;
        self.begun.insert(number, Instant::now());
        self.confirmations.push(Box::pin(async move {
            let Job { message, done } = job;
            let mut headers = message.cause.as_ref().map(Cause::headers).unwrap_or_default();
            if let Some(trace) = message.trace {
                properties::insert_trace(&mut headers, trace);
            }
            let properties = properties::of(&message.message_id, &message.kind, headers);
            let (exchange, key) = (message.queue.exchange().into(), message.queue.key().into());
            let mandatory = BasicPublishOptions {
                mandatory: true,
                ..BasicPublishOptions::default()
            };
            let sent = channel
                .basic_publish(exchange, key, mandatory, &message.body, properties)
                .await;
            let result = match sent {
                Ok(confirmation) => confirmation.await,
                Err(error) => Err(error),
            };
            Confirmed { number, done, result }
        }));
    }

    /// Waits for confirmations and answers their callers. To be polled only while something is in flight.
    pub(super) async fn settle(&mut self) -> Health {
        let mut confirmed = Vec::new();
        confirmed.extend(self.confirmations.next().await);
        // lapin may credit a returned message to any confirmation that was resolved before or with its own. So we look at
        // all that are resolved before we believe one.
        self.take_ready(&mut confirmed);
        let mut health = Health::Well;
        let returned = confirmed.iter().any(|one| was_returned(&one.result));
        for Confirmed { number, done, result } in confirmed {
            self.begun.remove(&number);
            let answer = match result {
                _ if returned => Err(PublishError::Unroutable),
                Ok(Confirmation::Ack(_)) => Ok(()),
                Ok(Confirmation::Nack(_)) => Err(PublishError::Refused),
                Ok(Confirmation::NotRequested) => {
                    health = Health::NotConfirming;
                    Err(PublishError::Unconfirmed)
                }
                Err(error) => {
                    health = Health::Broken(error);
                    Err(PublishError::Unconfirmed)
                }
            };
            // The receiver is gone where the caller has timed out.
            let _ = done.send(answer);
        }
        if returned { Health::Unroutable } else { health }
    }

    /// Adds all confirmations that are resolved already.
    fn take_ready(&mut self, confirmed: &mut Vec<Confirmed>) {
        // The set may be "not ready" once although one is, because it yields now and then; hence two looks.
        let mut nothing = 0;
        while nothing < 2 && !self.confirmations.is_empty() {
            match self.confirmations.next().now_or_never().flatten() {
                Some(one) => {
                    confirmed.push(one);
                    nothing = 0;
                }
                None => nothing += 1,
            }
        }
    }
}

fn was_returned(result: &lapin::Result<Confirmation>) -> bool {
    matches!(
        result,
        Ok(Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)))
    )
}
