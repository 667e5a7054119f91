//! From ids to messages: read, write out, pace, claim, call, record.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use domain::after_call::{CallOutcome, RetryPolicy};
use domain::ids::{MessageId, ResortId};
use domain::message::{Attempt, CallbackData, Reason};
use domain::resort::Resort;
use settings::Watched;
use store::claims::{self, Claim, Draft};
use store::planning::Policies;
use store::results::{self, CallResult};
use store::{Store, StoreError};
use uuid::Uuid;
use whatsapp::client::Client;
use whatsapp::request::Outgoing;

use crate::log_lines;
use crate::metrics::SenderMetrics;
use crate::pace::Pace;
use crate::persist;
use crate::write::{self, Ready, Written};

/// A call begins this soon after its claim or not at all: later, a confirmation may have come.
const CLAIM_GOOD_FOR: Duration = Duration::from_secs(2);
/// How many messages are claimed in one transaction.
const CLAIMED_AT_ONCE: usize = 20;

/// What sending needs.
pub(crate) struct Sender {
    pub(crate) store: Store,
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) settings: Arc<Watched>,
    pub(crate) whatsapp: Client,
    pub(crate) pace: Pace,
    pub(crate) policy: RetryPolicy,
    pub(crate) metrics: SenderMetrics,
}

/// A message that is ours to call for.
struct Granted {
    ready: Ready,
    attempt: Attempt,
}

impl Sender {
    /// Sends those of some messages that are due and wanted. An error means that Postgres is away: the ids come again.
    pub(crate) async fn send(&self, ids: Vec<MessageId>) -> Result<(), StoreError> {
        let ready = self.write_out(ids).await?;
        let mut by_number: Vec<Vec<Ready>> = Vec::new();
        for one in ready {
            match by_number.iter_mut().find(|group| same_number(group, &one)) {
                Some(group) => group.push(one),
                None => by_number.push(vec![one]),
            }
        }
        let groups = by_number
            .into_iter()
            .map(|group| self.send_from_one_number(group));
        futures_util::future::try_join_all(groups).await.map(|_| ())
    }

    async fn send_from_one_number(&self, mut ready: Vec<Ready>) -> Result<(), StoreError> {
        while !ready.is_empty() {
            let rest = ready.split_off(ready.len().min(CLAIMED_AT_ONCE));
            for one in &ready {
                self.pace.wait(&one.wanted.number).await;
            }
            let granted = self.claim(ready).await?;
            let calls = granted.into_iter().map(|granted| self.call(granted));
            let called: Vec<CallResult> = futures_util::future::join_all(calls)
                .await
                .into_iter()
                .flatten()
                .collect();
            self.record(called).await;
            ready = rest;
        }
        Ok(())
    }

    /// Reads and writes out, and ends or puts off what cannot be sent now.
    async fn write_out(&self, ids: Vec<MessageId>) -> Result<Vec<Ready>, StoreError> {
        let ring = Arc::clone(&self.ring);
        let (drafts, now) = self
            .store
            .run(move |connection| {
                Ok((
                    claims::read_drafts(connection, &ring, &ids)?,
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
            match self.write_one(&draft, &resort, now) {
                Written::Ready(one) => ready.push(*one),
                Written::Skip(reason) => skipped.push((draft.id, reason)),
                Written::PutOff(at) => later.push((draft.id, at)),
                Written::Hold(scope) => held.push((draft.id, scope)),
            }
        }
        if !(skipped.is_empty() && later.is_empty() && held.is_empty()) {
            self.store
                .transaction(move |connection| {
                    claims::skip(connection, &skipped)?;
                    claims::put_off(connection, &later)?;
                    claims::hold(connection, &held)
                })
                .await?;
        }
        Ok(ready)
    }

    fn write_one(&self, draft: &Draft, resort: &Resort, now: DateTime<Utc>) -> Written {
        let written = write::write(draft, resort, now);
        let outcome = match &written {
            Written::Ready(_) => return written,
            Written::Skip(_) => "skipped",
            Written::PutOff(_) => "put_off",
            Written::Hold(_) => "held",
        };
        self.metrics
            .messages
            .with_label_values(&[draft.kind.as_str(), outcome])
            .inc();
        log_lines::not_sent(draft, &written);
        written
    }

    /// Claims messages and returns those that are ours.
    async fn claim(&self, ready: Vec<Ready>) -> Result<Vec<Granted>, StoreError> {
        let asked_at = Instant::now();
        let (token, wanted) = (
            Uuid::now_v7(),
            ready.iter().map(|one| one.wanted.clone()).collect::<Vec<_>>(),
        );
        let claimed = self
            .store
            .transaction(move |connection| claims::claim(connection, token, &wanted))
            .await;
        let claims = match claimed {
            Ok(claims) => claims,
            // The commit may have happened without its answer: the token tells.
            Err(_) => self.read_back(token).await,
        };
        let mut granted = Vec::new();
        for one in ready {
            match claims.iter().find(|claim| claim.id() == one.wanted.id) {
                Some(Claim::Granted(_, attempt)) => granted.push(Granted {
                    ready: one,
                    attempt: *attempt,
                }),
                Some(Claim::Ended(_, reason)) => self.ended(&one, *reason),
                Some(Claim::Outdated(_)) | None => {}
            }
        }
        if asked_at.elapsed() < CLAIM_GOOD_FOR {
            return Ok(granted);
        }
        let late = granted
            .iter()
            .map(|granted| (granted.ready.wanted.id, granted.attempt))
            .collect();
        self.release(late).await;
        Ok(Vec::new())
    }

    fn ended(&self, one: &Ready, reason: Reason) {
        self.metrics
            .messages
            .with_label_values(&[one.wanted.kind.as_str(), reason.as_str()])
            .inc();
        log_lines::ended(one, reason);
    }

    async fn read_back(&self, token: Uuid) -> Vec<Claim> {
        let held = persist::until_done("read a claim back", || {
            self.store
                .run(move |connection| claims::claimed_by(connection, token))
        });
        held.await
            .into_iter()
            .map(|(id, attempt)| Claim::Granted(id, attempt))
            .collect()
    }

    async fn release(&self, late: Vec<(MessageId, Attempt)>) {
        if late.is_empty() {
            return;
        }
        log::warn!(messages = late.len(); "claims took too long; released without a call");
        let late = Arc::new(late);
        persist::until_done("release claims", || {
            let late = Arc::clone(&late);
            self.store
                .run(move |connection| claims::release(connection, &late))
        })
        .await;
    }

    /// Calls WhatsApp once. `None`: the resort's token is gone since the message was written; nothing was sent.
    async fn call(&self, granted: Granted) -> Option<CallResult> {
        let Granted { ready, attempt } = granted;
        let Ready {
            wanted,
            to,
            content,
            retries,
            turn,
            booking,
        } = ready;
        let token = self.token_for(&booking);
        let Some(token) = token else {
            self.release(vec![(wanted.id, attempt)]).await;
            return None;
        };
        let callback = CallbackData {
            message: wanted.id,
            attempt,
        };
        let message = Outgoing {
            to,
            callback,
            content,
        };
        self.metrics.in_flight.inc();
        let answer = self.whatsapp.send(&wanted.number, token.reveal(), &message).await;
        self.metrics.in_flight.dec();
        self.metrics.call_duration.observe(answer.duration.as_secs_f64());
        let error_code = match &answer.outcome {
            CallOutcome::Refused(refusal) => Some(refusal.code),
            _ => None,
        };
        if let Some(code) = error_code {
            self.metrics
                .refusals
                .with_label_values(&[&code.to_string()])
                .inc();
        }
        let next = self.policy.next_step(retries, turn, &answer.outcome);
        let outcome = log_lines::called(&wanted, &booking, attempt, &answer, &next);
        self.metrics
            .messages
            .with_label_values(&[wanted.kind.as_str(), outcome])
            .inc();
        Some(CallResult {
            id: wanted.id,
            attempt,
            next,
            error_code,
        })
    }

    fn token_for(&self, booking: &str) -> Option<Arc<crypto::secret::Secret>> {
        let resort = booking
            .split('/')
            .next()
            .and_then(|resort| ResortId::parse(resort).ok())?;
        self.settings.current().access_token(&resort)
    }

    /// Records results until Postgres took them: they exist nowhere else.
    async fn record(&self, called: Vec<CallResult>) {
        if called.is_empty() {
            return;
        }
        let called = Arc::new(called);
        persist::until_done("record what came of calls", || {
            let (called, ring) = (Arc::clone(&called), Arc::clone(&self.ring));
            let snapshot = self.settings.current();
            self.store.transaction(move |connection| {
                let resort = |id: &ResortId| snapshot.resort(id);
                let policies = Policies {
                    ring: &ring,
                    resort: &resort,
                };
                results::record_calls(connection, &policies, &called)
            })
        })
        .await;
    }
}

fn same_number(group: &[Ready], one: &Ready) -> bool {
    group
        .first()
        .is_some_and(|first| first.wanted.number == one.wanted.number)
}
