//! From ids to messages: read, write out, pace, claim, call, record.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use domain::after_call::{RetryPolicy, Scope};
use domain::dead_letter::DeadLetterReason;
use domain::ids::MessageId;
use domain::resort::Resort;
use domain::silence::Patience;
use service::{Stop, crash};
use settings::Watched;
use store::claims::{self, Draft, Waiting};
use store::holds::{self, Hold};
use store::results::CallResult;
use store::{Store, StoreError};
use whatsapp::client::Client;

use crate::claim::Claimed;
use crate::gate::{Gates, Lane, Passage};
use crate::log_lines;
use crate::metrics::SenderMetrics;
use crate::pace::Pace;
use crate::write::{self, Ready, Written};

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
    pub(crate) policy: RetryPolicy,
    /// How long a hold lasts until one message may try again.
    pub(crate) probe_after: Duration,
    /// What silence after a call means.
    pub(crate) patience: Patience,
    pub(crate) metrics: SenderMetrics,
    /// What is not claimed when it comes stays queued for the other senders.
    pub(crate) stop: Stop,
}

impl Sender {
    /// Sends those of some messages that are due and wanted. An error means that Postgres is away: the ids come again.
    pub(crate) async fn send(&self, ids: Vec<MessageId>) -> Result<(), StoreError> {
        let mut lanes: HashMap<Lane, Vec<Ready>> = HashMap::new();
        for one in self.write_out(ids).await? {
            lanes.entry(Lane::of(&one.wanted.route)).or_default().push(one);
        }
        let sending = lanes
            .into_iter()
            .map(|(lane, ready)| self.send_along(lane, ready));
        futures_util::future::try_join_all(sending).await.map(|_| ())
    }

    /// Sends what goes the same way: many at once, or one by one until an answer shows that the way is well.
    async fn send_along(&self, lane: Lane, mut ready: Vec<Ready>) -> Result<(), StoreError> {
        while !ready.is_empty() && !self.stop.is_stopped() {
            let passage = self.gates.enter(&lane).await;
            let mut rest = ready.split_off(ready.len().min(CLAIMED_AT_ONCE));
            let calls = match passage {
                Passage::Open => ready.len(),
                Passage::Alone(_) => 1,
            };
            for (place, one) in ready.iter_mut().enumerate() {
                one.wanted.may_call = place < calls;
            }
            for one in ready.iter().take(calls) {
                self.pace.wait(&one.wanted.route.number).await;
            }
            let Claimed { granted, waiting } = self.claim(ready).await?;
            let calls = granted.into_iter().map(|granted| self.call(&lane, granted));
            let called: Vec<CallResult> = futures_util::future::join_all(calls)
                .await
                .into_iter()
                .flatten()
                .collect();
            self.record(called).await;
            rest.extend(waiting);
            ready = rest;
        }
        Ok(())
    }

    /// Reads and writes out, and ends or puts off what cannot be sent now.
    async fn write_out(&self, ids: Vec<MessageId>) -> Result<Vec<Ready>, StoreError> {
        let ring = Arc::clone(&self.ring);
        let (drafts, holds, now) = self
            .store
            .run(move |connection| {
                Ok((
                    claims::read_drafts(connection, &ring, &ids)?,
                    holds::held_templates(connection)?,
                    store::pool::clock(connection)?,
                ))
            })
            .await?;
        let (mut ready, mut skipped, mut later, mut held) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let snapshot = self.settings.current();
        self.metrics.damaged.inc_by(log_lines::damaged(&drafts.damaged));
        for draft in drafts.readable {
            let Some(resort) = snapshot.resort(&draft.booking.resort) else {
                self.metrics.without_resort.inc();
                log_lines::without_resort(&draft);
                continue;
            };
            let waiting = |scope, hold| Waiting {
                id: draft.id,
                scope,
                hold,
            };
            match self.write_one(&draft, &resort, &holds, now) {
                Written::Ready(one) => match self.pace.take_pair(&one.wanted.route.number, &one.to) {
                    Ok(()) => ready.push(*one),
                    Err(wait) => {
                        log_lines::crowded(&one, wait);
                        later.push((draft.id, now + wait));
                    }
                },
                Written::Skip(reason) => skipped.push((draft.id, reason)),
                Written::PutOff(at) => later.push((draft.id, at)),
                Written::TemplateHeld(key) => held.push(waiting(Scope::Template.as_str(), Some(key))),
                Written::TemplateMissing => {
                    held.push(waiting(DeadLetterReason::TemplateMissing.as_str(), None))
                }
            }
        }
        if !(skipped.is_empty() && later.is_empty() && held.is_empty()) {
            self.store
                .transaction(move |connection| {
                    claims::skip(connection, &skipped)?;
                    claims::put_off(connection, &later)?;
                    claims::hold(connection, &held)?;
                    crash::point("sender.unsent.written");
                    Ok(())
                })
                .await?;
            crash::point("sender.unsent.committed");
        }
        Ok(ready)
    }

    fn write_one(&self, draft: &Draft, resort: &Resort, held: &[Hold], now: DateTime<Utc>) -> Written {
        let written = write::write(draft, resort, held, now);
        let outcome = match &written {
            Written::Ready(_) => return written,
            Written::Skip(_) => "skipped",
            Written::PutOff(_) => "put_off",
            Written::TemplateHeld(_) | Written::TemplateMissing => "held",
        };
        self.metrics
            .messages
            .with_label_values(&[draft.kind.as_str(), outcome])
            .inc();
        log_lines::not_sent(draft, &written);
        written
    }
}
