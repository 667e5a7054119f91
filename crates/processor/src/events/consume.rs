//! The loop of events: takes batches from the queue, has them applied, and settles each delivery after its event's commit.
//!
//! A delivery that cannot be settled at once is [delayed](super::delayed). While Postgres is away for long, everything goes
//! back to the queue, since other processors may reach it, and nothing is taken until the [`canary`] goes
//! through.

use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::consumer::{Consumer, Delivery, NotPublished, Verdict};
use domain::backoff::Backoff;
use domain::dead_letter::DeadLetterReason;
use service::{Stop, crash};

use super::apply::LockWait;
use super::canary;
use super::decode::{self, Decodability, Undecodable};
use super::delayed::{Delayed, Next};
use super::event::Opened;
use super::poison::{Begun, Poison, PostgresAway};
use super::settlement::{self, Settlement};
use super::side_by_side::{self, TAKEN};
use crate::context::Context;
use crate::watermark::Watermark;

/// How long a dead letter that could not be published waits.
const DEAD_LETTER_PAUSE: Duration = Duration::from_secs(1);
/// How long an event that is not for this process waits before another may have it: the longer the more often it came.
const GIVE_BACK: Backoff = Backoff {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(30),
};
/// How long the loop waits for events before it refreshes its readiness and metrics.
const IDLE: Duration = Duration::from_secs(1);
/// The condition of readiness that this loop sets.
const EVENTS: &str = "events";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Taking,
    /// Events could not be applied for [long](super::apply::LONG_OUTAGE): nothing else is begun.
    AwaitingPostgres,
}

/// The loop and what it owns.
pub(crate) struct Consume {
    context: Arc<Context>,
    consumer: Consumer,
    stop: Stop,
    watermark: Watermark,
    mode: Mode,
    delayed: Delayed,
    decodability: Decodability,
    poison: Poison,
}

impl Consume {
    pub(crate) fn new(context: Arc<Context>, consumer: Consumer, watermark: Watermark, stop: Stop) -> Self {
        Self {
            poison: Poison::new(Arc::clone(&context), stop.clone()),
            context,
            consumer,
            stop,
            watermark,
            mode: Mode::Taking,
            delayed: Delayed::default(),
            decodability: Decodability::default(),
        }
    }

    /// Consumes until the stop; what is not finished then goes back to the queue.
    pub(crate) async fn run(mut self) {
        while !self.stop.is_stopped() {
            self.step().await;
            self.wait_if_away().await;
        }
        self.clear_markers().await;
        self.context.finish_publishing().await;
        self.consumer.stop().await;
    }

    /// Handles what comes first: a batch of the queue, delayed deliveries that are due, or a second without either.
    pub(crate) async fn step(&mut self) {
        tokio::select! {
            () = self.stop.stopped() => return,
            () = self.delayed.due() => self.continue_delayed().await,
            batch = self.consumer.next_batch(TAKEN) => self.take(batch).await,
            () = tokio::time::sleep(IDLE) => {}
        }
        let delayed = i64::try_from(self.delayed.len()).unwrap_or(i64::MAX);
        self.context.metrics.delayed.set(delayed);
        let decodable = self.decodability.check(Instant::now());
        self.context.readiness.set(EVENTS, decodable);
    }

    pub(crate) async fn wait_if_away(&mut self) {
        if self.mode == Mode::AwaitingPostgres && !self.stop.is_stopped() {
            self.wait_for_postgres().await;
        }
    }

    /// Whether another event may be begun.
    fn is_taking(&self) -> bool {
        self.mode == Mode::Taking && !self.stop.is_stopped()
    }

    async fn take(&mut self, batch: Vec<Delivery>) {
        let (mut together, mut reports, mut alone) = (Vec::new(), Vec::new(), Vec::new());
        let mut undecodable = Vec::new();
        for delivery in batch {
            // Decoding may be what ends the process, so a suspicious event is not even decoded here.
            if Poison::is_suspicious(&delivery) {
                alone.push(delivery);
                continue;
            }
            match decode::decode(&self.context.ring, &delivery.body) {
                Ok(opened) if opened.is_report() => reports.push((delivery, opened, 0)),
                Ok(opened) => together.push((delivery, opened, 0)),
                Err(error) => undecodable.push((delivery, error)),
            }
        }
        self.apply_and_settle(together, LockWait::Usual).await;
        if self.is_taking() {
            self.apply_and_settle(reports, LockWait::Usual).await;
        }
        self.settle_undecodable(undecodable).await;
        for delivery in alone {
            // One by one takes its time. If the connection ends meanwhile, the rest is redelivered, perhaps to others.
            if self.consumer.owns(&delivery) && self.is_taking() {
                self.apply_alone(delivery, None).await;
            }
        }
    }

    /// Applies a suspicious event alone, under a marker. `retry` is the event and its earlier refusals, if it was delayed.
    async fn apply_alone(&mut self, delivery: Delivery, retry: Option<(Opened, u32)>) {
        let key = delivery.message_id.clone();
        match self.poison.begin(&delivery).await {
            Err(PostgresAway) => self.mode = Mode::AwaitingPostgres,
            Ok(Begun::Poisonous(letter)) => {
                self.settle(vec![(delivery, Verdict::DeadLetter(letter))]).await;
                crash::point("processor.poison.settled");
                self.finish_poisonous(key).await;
            }
            Ok(Begun::Attempt) => {
                self.attempt(delivery, retry).await;
                crash::point("processor.poison.settled");
                self.finish_attempt(key).await;
            }
        }
    }

    async fn attempt(&mut self, delivery: Delivery, retry: Option<(Opened, u32)>) {
        if let Some((opened, refusals)) = retry {
            let group = vec![(delivery, opened, refusals)];
            return self.apply_and_settle(group, LockWait::Short).await;
        }
        match decode::decode(&self.context.ring, &delivery.body) {
            Ok(opened) => {
                let group = vec![(delivery, opened, 0)];
                self.apply_and_settle(group, LockWait::Usual).await;
            }
            Err(error) => self.settle_undecodable(vec![(delivery, error)]).await,
        }
    }

    /// The marker of a poisonous event is deleted when its dead letter is published: until then, it tells the next process
    /// not to attempt the event.
    async fn finish_poisonous(&mut self, key: String) {
        if !self.delayed.has_dead_letter(&key) {
            self.finish_attempt(key).await;
        }
    }

    /// The process survived the attempt, so its marker is deleted.
    async fn finish_attempt(&mut self, key: String) {
        self.poison.finish(key);
        if self.is_taking() {
            self.clear_markers().await;
        }
    }

    async fn clear_markers(&mut self) {
        if let Err(PostgresAway) = self.poison.clear().await {
            self.mode = Mode::AwaitingPostgres;
        }
    }

    async fn continue_delayed(&mut self) {
        let (mut verdicts, mut poisonous) = (Vec::new(), Vec::new());
        for (delivery, next) in self.delayed.take_due() {
            // RabbitMQ redelivers what is dropped here: its connection is gone, or the loop is about to close it.
            if !self.consumer.owns(&delivery) || !self.is_taking() {
                continue;
            }
            match next {
                Next::Apply { opened, refusals } if Poison::is_suspicious(&delivery) => {
                    self.apply_alone(delivery, Some((opened, refusals))).await;
                }
                Next::Apply { opened, refusals } => {
                    let group = vec![(delivery, opened, refusals)];
                    self.apply_and_settle(group, LockWait::Short).await;
                }
                Next::DeadLetter(letter) => {
                    if letter.reason == DeadLetterReason::Crashed {
                        poisonous.push(delivery.message_id.clone());
                    }
                    verdicts.push((delivery, Verdict::DeadLetter(letter)));
                }
                Next::GiveBack => verdicts.push((delivery, Verdict::GiveBack)),
            }
        }
        self.settle(verdicts).await;
        for key in poisonous {
            self.finish_poisonous(key).await;
        }
    }

    async fn apply_and_settle(&mut self, group: Vec<(Delivery, Opened, u32)>, lock_wait: LockWait) {
        if group.is_empty() {
            return;
        }
        let events: Vec<Opened> = group.iter().map(|(_, opened, _)| opened.clone()).collect();
        let outcomes = side_by_side::apply(&self.context, &self.stop, &events, lock_wait).await;
        let (mut verdicts, mut newest) = (Vec::with_capacity(group.len()), None);
        for ((delivery, opened, refusals), outcome) in group.into_iter().zip(outcomes) {
            if outcome.is_committed() {
                newest = newest.max(Some(opened.envelope.received_at));
            }
            let settlement = settlement::of_outcome(&self.context, opened, refusals, outcome);
            verdicts.extend(self.now_or_later(delivery, settlement));
        }
        self.settle(verdicts).await;
        if let Some(newest) = newest {
            self.watermark.applied(newest);
        }
    }

    async fn settle_undecodable(&mut self, undecodable: Vec<(Delivery, Undecodable)>) {
        let mut verdicts = Vec::new();
        for (delivery, error) in undecodable {
            let settlement = settlement::of_undecodable(&self.context, &delivery, error);
            verdicts.extend(self.now_or_later(delivery, settlement));
        }
        self.settle(verdicts).await;
    }

    /// What can be settled now; the rest is kept.
    fn now_or_later(&mut self, delivery: Delivery, settlement: Settlement) -> Option<(Delivery, Verdict)> {
        match settlement {
            Settlement::Now(verdict) => return Some((delivery, verdict)),
            Settlement::Later(next, pause) => self.delayed.put(delivery, next, pause),
            Settlement::GiveBack(why) => {
                let pause = GIVE_BACK.pause(delivery.delivery_count + 1, rand::random());
                log::error!("event.id" = delivery.message_id, error = why, alert = "event_given_back";
                    "event requeued: this processor is too old or lacks its key");
                self.delayed.put(delivery, Next::GiveBack, pause);
                self.decodability.failed(why, pause, Instant::now());
            }
            Settlement::RequeueAll => self.mode = Mode::AwaitingPostgres,
            // The stop closes the connection, which requeues every unsettled delivery.
            Settlement::LeaveUnsettled => {}
        }
        None
    }

    async fn settle(&mut self, verdicts: Vec<(Delivery, Verdict)>) {
        if verdicts.is_empty() {
            return;
        }
        let not_published = settlement::settle(&self.context, &mut self.consumer, verdicts).await;
        for NotPublished { delivery, cause, .. } in not_published {
            self.delayed
                .put(delivery, Next::DeadLetter(cause), DEAD_LETTER_PAUSE);
        }
    }

    /// Gives everything back and waits until the canary goes through, or the process stops.
    async fn wait_for_postgres(&mut self) {
        log::warn!(delayed = self.delayed.len(), event = "postgres_away";
            "Postgres is away for long; events in hand go back to the queue");
        self.consumer.disconnect("Postgres is away").await;
        self.delayed = Delayed::default();
        self.context.metrics.delayed.set(0);
        canary::wait_for_postgres(&self.context, &self.stop).await;
        self.mode = Mode::Taking;
        self.clear_markers().await;
    }
}
