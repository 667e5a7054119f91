//! Takes events from the queue, applies them in batches, and settles them after the commit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::consumer::{Consumer, Delivery, NotPublished, Verdict};
use broker::dead_letter::Cause;
use chrono::Utc;
use domain::backoff::Backoff;
use domain::dead_letter::DeadLetterReason;
use service::{Stop, crash};
use store::StoreError;
use tokio::sync::Notify;

use crate::applying::{self, Outcome, Patience};
use crate::arrivals::Arrivals;
use crate::batch::Opened;
use crate::decode::{self, Unreadable};
use crate::outage::Outage;
use crate::parked::{Next, Parked};
use crate::reading::Reading;
use crate::shared::Shared;
use crate::suspects::SUSPICIOUS_DELIVERIES;

/// How many events are applied in one transaction.
pub(crate) const BATCH: usize = 200;
/// An event that Postgres refuses is tried this often again, each time after [`RETRY_PAUSE`].
const RETRIES: u32 = 3;
const RETRY_PAUSE: Duration = Duration::from_secs(5);
/// How long a letter that could not be published waits.
const LETTER_PAUSE: Duration = Duration::from_secs(1);
/// How long an event that is not for this process waits before another may have it: the longer the more often it came.
const GIVE_BACK: Backoff = Backoff {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(30),
};
/// How often the loop looks after itself where nothing happens.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const READING: &str = "events";

/// The loop's state.
pub(crate) struct Consuming {
    pub(crate) shared: Arc<Shared>,
    pub(crate) consumer: Consumer,
    pub(crate) parked: Parked,
    pub(crate) reading: Reading,
    pub(crate) outage: Outage,
    pub(crate) arrivals: Arrivals,
    /// Told when messages may be due.
    pub(crate) due: Arc<Notify>,
    pub(crate) stop: Stop,
}

impl Consuming {
    /// Consumes until the stop; what is not finished then is given back.
    pub(crate) async fn run(mut self) {
        while !self.stop.is_stopped() {
            tokio::select! {
                () = self.stop.stopped() => break,
                () = self.parked.due() => self.go_on_with_parked().await,
                batch = self.consumer.next_batch(BATCH) => self.take(batch).await,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let parked = i64::try_from(self.parked.len()).unwrap_or(i64::MAX);
            self.shared.counters.parked.set(parked);
            self.shared
                .readiness
                .set(READING, self.reading.check(Instant::now()));
            if self.outage.is_long && !self.stop.is_stopped() {
                self.wait_for_postgres().await;
            }
        }
        self.strike_out().await;
        self.consumer.stop().await;
    }

    async fn take(&mut self, batch: Vec<Delivery>) {
        let (mut together, mut reports, mut alone) = (Vec::new(), Vec::new(), Vec::new());
        let mut unreadable = Vec::new();
        for delivery in batch {
            if delivery.delivery_count >= SUSPICIOUS_DELIVERIES {
                alone.push(delivery);
                continue;
            }
            match decode::decode(&self.shared.ring, &delivery.body) {
                Ok(opened) if opened.is_report() => reports.push((delivery, opened, 0)),
                Ok(opened) => together.push((delivery, opened, 0)),
                Err(error) => unreadable.push((delivery, error)),
            }
        }
        self.apply(together, Patience::Usual).await;
        if self.goes_on() {
            self.apply(reports, Patience::Usual).await;
        }
        self.settle_unreadable(unreadable).await;
        for one in alone {
            // One by one takes its time. A connection that ends meanwhile brings the rest again, to whoever is free.
            if self.consumer.owns(&one) && self.goes_on() {
                self.apply_alone(one).await;
            }
        }
    }

    async fn go_on_with_parked(&mut self) {
        let (mut verdicts, mut crashed) = (Vec::new(), Vec::new());
        for (delivery, next) in self.parked.take_due() {
            match next {
                // What its connection took along comes again by itself.
                _ if !self.consumer.owns(&delivery) || !self.goes_on() => {}
                Next::Apply { opened, refusals } => {
                    self.apply(vec![(delivery, opened, refusals)], Patience::Short)
                        .await;
                }
                Next::Bury(letter) => {
                    crashed.extend(
                        (letter.reason == DeadLetterReason::Crashed).then(|| delivery.message_id.clone()),
                    );
                    verdicts.push((delivery, Verdict::DeadLetter(letter)));
                }
                Next::GiveBack => verdicts.push((delivery, Verdict::GiveBack)),
            }
        }
        self.settle(verdicts).await;
        for key in crashed {
            self.outlived(key).await;
        }
    }

    pub(crate) async fn apply(&mut self, group: Vec<(Delivery, Opened, u32)>, patience: Patience) {
        if group.is_empty() {
            return;
        }
        let events: Vec<Opened> = group.iter().map(|(_, opened, _)| opened.clone()).collect();
        let outcomes = applying::apply(&self.shared, &self.stop, &events, patience).await;
        let (mut verdicts, mut heard) = (Vec::with_capacity(group.len()), None);
        for ((delivery, opened, refusals), outcome) in group.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Settled => {
                    heard = heard.max(Some(opened.envelope.received_at));
                    verdicts.push((delivery, Verdict::Done));
                }
                Outcome::Unmatched => {
                    heard = heard.max(Some(opened.envelope.received_at));
                    let letter = self.bury_unmatched(&opened);
                    verdicts.push((delivery, Verdict::DeadLetter(letter)));
                }
                // It goes back with everything that is in hand.
                Outcome::NotTried => self.outage.is_long = true,
                Outcome::BeyondUs(error) => self.leave_to_others(delivery, service::chain(&error)),
                Outcome::InTheWay(error) => {
                    log::warn!("event.id" = opened.key(), error = service::chain(&error);
                        "another transaction holds what this event needs; trying again in 5 s");
                    self.parked
                        .put(delivery, Next::Apply { opened, refusals }, RETRY_PAUSE);
                }
                Outcome::Refused(error) if refusals >= RETRIES => {
                    let letter = self.bury(&opened, refusals + 1, &error);
                    verdicts.push((delivery, Verdict::DeadLetter(letter)));
                }
                Outcome::Refused(error) => {
                    let refusals = refusals + 1;
                    log::warn!("event.id" = opened.key(), tries = refusals, error = service::chain(&error);
                        "Postgres refused this event; trying again in 5 s");
                    self.shared.count_event(&opened.envelope.event_type, "retried");
                    self.parked
                        .put(delivery, Next::Apply { opened, refusals }, RETRY_PAUSE);
                }
            }
        }
        self.due.notify_one();
        self.settle(verdicts).await;
        if let Some(newest) = heard {
            self.arrivals.applied(newest);
        }
    }

    /// The stop is applied; a person may find out whose it is.
    fn bury_unmatched(&self, opened: &Opened) -> Cause {
        log::warn!("event.id" = opened.key(), "request.id" = opened.envelope.request_id, names = opened.names.len();
            "a stop in WhatsApp matches no guest; it is stored under the writer's names, and a dead letter asks a person");
        self.shared.counters.unmatched_stops.inc();
        letter(
            DeadLetterReason::UnmatchedStop,
            "no guest has one of the writer's names",
            1,
        )
    }

    fn bury(&self, opened: &Opened, attempts: u32, error: &StoreError) -> Cause {
        let reason = reason_of(error);
        let error = service::chain(error);
        log::error!("event.id" = opened.key(), "event.type" = opened.envelope.event_type,
            "request.id" = opened.envelope.request_id, attempts = attempts, error = error; "event is a dead letter");
        self.shared.count_event(&opened.envelope.event_type, "dead");
        letter(reason, &error, attempts)
    }

    pub(crate) async fn settle_unreadable(&mut self, unreadable: Vec<(Delivery, Unreadable)>) {
        let mut verdicts = Vec::new();
        for (delivery, error) in unreadable {
            match error {
                Unreadable::ForGood(why) => {
                    log::error!("event.id" = delivery.message_id, error = why; "event is a dead letter: it cannot be read");
                    self.shared.count_event("unreadable", "dead");
                    verdicts.push((
                        delivery,
                        Verdict::DeadLetter(letter(DeadLetterReason::Undecodable, &why, 1)),
                    ));
                }
                Unreadable::ByUs(why) => self.leave_to_others(delivery, why),
            }
        }
        self.settle(verdicts).await;
    }

    /// Keeps an event that is not for this process a while, then gives it back.
    fn leave_to_others(&mut self, delivery: Delivery, why: String) {
        let pause = GIVE_BACK.pause(delivery.delivery_count + 1, rand::random());
        log::error!("event.id" = delivery.message_id, error = why, alert = true;
            "event goes back: it is for a newer processor, or one with other keys");
        self.parked.put(delivery, Next::GiveBack, pause);
        self.reading.fails(why, pause, Instant::now());
    }

    pub(crate) async fn settle(&mut self, verdicts: Vec<(Delivery, Verdict)>) {
        if verdicts.is_empty() {
            return;
        }
        let any_letter = verdicts
            .iter()
            .any(|(_, verdict)| matches!(verdict, Verdict::DeadLetter(_)));
        if any_letter {
            crash::point("processor.letters.due");
        }
        let safe = self.consumer.publish_dead_letters(verdicts).await;
        if any_letter {
            crash::point("processor.letters.confirmed");
        }
        let settled = self.consumer.carry_out(safe).await;
        crash::point("processor.events.acknowledged");
        if settled.lost > 0 {
            log::warn!(events = settled.lost; "settled events come again: their connection is gone");
        }
        for NotPublished {
            delivery,
            cause,
            error,
        } in settled.not_published
        {
            log::warn!("event.id" = delivery.message_id, error = error.to_string();
                "the event's letter could not be published; trying again in 1 s");
            self.parked.put(delivery, Next::Bury(cause), LETTER_PAUSE);
        }
    }
}

/// A handler that panics takes its thread along, and nothing else.
fn reason_of(error: &StoreError) -> DeadLetterReason {
    match error {
        StoreError::Panicked => DeadLetterReason::Crashed,
        _ => DeadLetterReason::CannotBeApplied,
    }
}

pub(crate) fn letter(reason: DeadLetterReason, error: &str, attempts: u32) -> Cause {
    Cause {
        reason,
        error: error.to_owned(),
        attempts,
        dead_lettered_at: Some(Utc::now()),
    }
}
