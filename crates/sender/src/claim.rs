//! Claiming: who claims a message calls for it, within 2 s or not at all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::ids::MessageId;
use domain::message::Attempt;
use store::StoreError;
use store::claims::{self, Claim};
use uuid::Uuid;

use crate::log_lines;
use crate::persist;
use crate::send::Sender;
use crate::write::Ready;

/// A call begins this soon after its claim or not at all: later, a confirmation may have come.
const CLAIM_GOOD_FOR: Duration = Duration::from_secs(2);

/// A message that is ours to call for.
pub(crate) struct Granted {
    pub(crate) ready: Ready,
    pub(crate) attempt: Attempt,
}

/// What a claim left in our hands.
#[derive(Default)]
pub(crate) struct Claimed {
    pub(crate) granted: Vec<Granted>,
    /// Still queued: they were not to be called for yet.
    pub(crate) waiting: Vec<Ready>,
}

impl Sender {
    /// Claims messages.
    pub(crate) async fn claim(&self, ready: Vec<Ready>) -> Result<Claimed, StoreError> {
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
        let mut claimed = Claimed::default();
        for one in ready {
            match claims.iter().find(|claim| claim.id() == one.wanted.id) {
                Some(Claim::Granted(_, attempt)) => claimed.granted.push(Granted {
                    ready: one,
                    attempt: *attempt,
                }),
                Some(Claim::Ended(_, reason)) => {
                    self.count(&one, reason.as_str());
                    log_lines::ended(&one, *reason);
                }
                Some(Claim::Held(_, scope)) => {
                    self.count(&one, "held");
                    log_lines::held(&one, scope);
                }
                None if !one.wanted.may_call => claimed.waiting.push(one),
                Some(Claim::Outdated(_)) | None => {}
            }
        }
        if asked_at.elapsed() >= CLAIM_GOOD_FOR {
            let late = std::mem::take(&mut claimed.granted);
            self.release(
                late.iter()
                    .map(|one| (one.ready.wanted.id, one.attempt))
                    .collect(),
            )
            .await;
        }
        Ok(claimed)
    }

    fn count(&self, one: &Ready, outcome: &str) {
        self.metrics
            .messages
            .with_label_values(&[one.wanted.route.kind.as_str(), outcome])
            .inc();
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

    pub(crate) async fn release(&self, late: Vec<(MessageId, Attempt)>) {
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
}
