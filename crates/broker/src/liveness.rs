//! The liveness probe of a connection: a question that is repeated on a channel of its own.
//!
//! A host that vanishes closes no connection, and AMQP's heartbeats are no substitute: at an interval short enough for our
//! promise, RabbitMQ would drop a process that stands still for a few seconds, with the deliveries that it holds.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use domain::error_chain::chain;
use tokio::time::{Instant, sleep_until};

use crate::topology::TopologyError;

const ASK_EVERY: Duration = Duration::from_millis(800);
/// Together with [`ASK_EVERY`]: silence shows in the status within 2 s.
const SILENT_AFTER: Duration = Duration::from_millis(1_000);
/// How long silence lasts before the connection is given up; together with the above, within 5 s.
const GONE_AFTER: Duration = Duration::from_millis(3_100);

type Answer<T> = Pin<Box<dyn Future<Output = Result<T, TopologyError>> + Send + Sync>>;

pub(crate) struct Liveness<T> {
    ask: Box<dyn Fn() -> Answer<T> + Send + Sync>,
    pending: Option<Answer<T>>,
    asked_at: Instant,
    silent_since: Option<Instant>,
}

pub(crate) enum Probe<T> {
    Answered(T),
    /// The answer is late.
    Silent,
    /// The connection is of no use any more: something is missing, or RabbitMQ is silent for too long.
    Lost(String),
}

impl<T> Liveness<T> {
    /// `ask` sends the question on a channel that is used for nothing else: a failure closes it.
    pub(crate) fn new<A>(ask: impl Fn() -> A + Send + Sync + 'static) -> Self
    where
        A: Future<Output = Result<T, TopologyError>> + Send + Sync + 'static,
    {
        Self {
            ask: Box::new(move || Box::pin(ask())),
            pending: None,
            asked_at: Instant::now(),
            silent_since: None,
        }
    }

    /// Drops the question that waits for its answer. A blocked connection answers nothing, which is no silence.
    pub(crate) fn forget(&mut self) {
        (self.pending, self.silent_since) = (None, None);
        self.asked_at = Instant::now();
    }

    /// Waits for the next result. Cancel-safe: the question stays pending, and is looked at by the next call.
    pub(crate) async fn next(&mut self) -> Probe<T> {
        if self.pending.is_none() {
            sleep_until(self.asked_at + ASK_EVERY).await;
            self.asked_at = Instant::now();
        }
        let pending = self.pending.get_or_insert_with(&self.ask);
        // Silence counts from when it was noticed, so that a process that stood still reads what arrived meanwhile first.
        let late_at = match self.silent_since {
            None => self.asked_at + SILENT_AFTER,
            Some(since) => since + GONE_AFTER,
        };
        tokio::select! {
            biased;
            answer = pending => {
                (self.pending, self.silent_since) = (None, None);
                answer.map_or_else(|error| Probe::Lost(chain(&error)), Probe::Answered)
            }
            () = sleep_until(late_at) => match self.silent_since {
                None => {
                    self.silent_since = Some(Instant::now());
                    Probe::Silent
                }
                Some(_) => Probe::Lost("RabbitMQ does not answer any more".to_owned()),
            },
        }
    }
}
