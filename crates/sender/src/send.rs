//! From ids to messages: prepare, wait for the turn, claim, call, record.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crypto::key_ring::KeyRing;
use domain::after_call::RetryPolicy;
use domain::ids::MessageId;
use domain::message::MessageKind;
use domain::silence_policy::SilencePolicy;
use futures_util::future::join_all;
use service::Stop;
use settings::Watched;
use store::planning::Planner;
use store::{Store, StoreError};
use whatsapp::client::Client;

use crate::claim::Claimed;
use crate::foreign::ForeignAnswers;
use crate::gate::{Gates, Lane, Passage};
use crate::metrics::SenderMetrics;
use crate::pace::Pace;
use crate::prepare::Ready;
use crate::reach::Reach;
use crate::record::Unrecorded;

/// How many messages are claimed in one transaction.
const CLAIMED_AT_ONCE: usize = 20;

/// What sending needs.
pub(crate) struct Sender {
    pub(crate) store: Store,
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) settings: Arc<Watched>,
    pub(crate) whatsapp: Client,
    pub(crate) pace: Pace,
    pub(crate) gates: Gates,
    pub(crate) reach: Reach,
    pub(crate) foreign_answers: ForeignAnswers,
    pub(crate) unrecorded: Unrecorded,
    pub(crate) policy: RetryPolicy,
    /// How long a hold lasts until one message may try again.
    pub(crate) probe_after: Duration,
    /// What silence after a call means.
    pub(crate) patience: SilencePolicy,
    pub(crate) metrics: SenderMetrics,
    /// Messages may have been held by files that were replaced meanwhile.
    pub(crate) judged_by_old_files: AtomicBool,
    /// What is not claimed when it comes stays queued for the other senders.
    pub(crate) stop: Stop,
}

impl Sender {
    /// Sends those of some messages that are due and wanted. After an error, after the stop, and while WhatsApp cannot be
    /// reached, the ids must come again.
    pub(crate) async fn send(&self, ids: Vec<MessageId>) -> Result<(), StoreError> {
        if !self.reach.is_given() {
            return Ok(());
        }
        let mut lanes: HashMap<Lane, Vec<Ready>> = HashMap::new();
        for one in self.prepare(ids).await? {
            lanes.entry(Lane::of(&one.wanted.route)).or_default().push(one);
        }
        let sending = lanes
            .into_iter()
            .map(|(lane, ready)| self.send_along(lane, ready));
        // Each to its end: calls of the one lane are under way when another fails.
        join_all(sending).await.into_iter().collect()
    }

    /// Sends what goes the same way: many at once, or one by one until an answer shows that the way is well.
    async fn send_along(&self, lane: Lane, mut ready: Vec<Ready>) -> Result<(), StoreError> {
        while !ready.is_empty() {
            let mut rest = ready.split_off(ready.len().min(CLAIMED_AT_ONCE));
            let passage = tokio::select! {
                biased;
                () = self.stop.stopped() => return Ok(()),
                passage = self.await_turn(&lane, &mut ready) => passage,
            };
            if !self.reach.is_given() {
                return Ok(());
            }
            let Claimed { granted, waiting } = self.claim(ready).await?;
            let calls = granted.into_iter().map(|granted| self.call(&lane, granted));
            let called = join_all(calls).await.into_iter().flatten();
            self.record(called.collect()).await;
            drop(passage);
            rest.extend(waiting);
            ready = rest;
        }
        Ok(())
    }

    /// Waits until some messages may be called for, and marks which: as many as the lane lets through, at their number's
    /// pace.
    async fn await_turn(&self, lane: &Lane, ready: &mut [Ready]) -> Passage {
        let passage = self.gates.enter(lane).await;
        let calls = match passage {
            Passage::Open => ready.len(),
            Passage::Alone(_) => 1,
        };
        for (place, one) in ready.iter_mut().enumerate() {
            one.wanted.may_call = place < calls;
        }
        for _ in 0..calls {
            self.pace.wait(lane.number()).await;
        }
        passage
    }

    /// Plans with the resorts' files as they are now.
    pub(crate) fn planner(&self) -> Planner {
        Planner {
            ring: Arc::clone(&self.ring),
            resorts: self.settings.current().readable_resorts(),
        }
    }

    /// Counts what became of a message.
    pub(crate) fn count(&self, kind: MessageKind, outcome: &str) {
        self.metrics
            .messages
            .with_label_values(&[kind.as_str(), outcome])
            .inc();
    }
}
