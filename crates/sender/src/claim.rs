//! Claiming: who claims a message calls for it, within 2 s or not at all.

use std::time::{Duration, Instant};

use domain::ids::MessageId;
use domain::message::Attempt;
use service::crash;
use store::StoreError;
use store::claims::{self, Claim};
use uuid::Uuid;

use crate::log_lines;
use crate::persist;
use crate::prepare::Ready;
use crate::send::Sender;

/// A call begins this soon after its claim or not at all: later, a confirmation may have come.
const CLAIM_GOOD_FOR: Duration = Duration::from_secs(2);

/// A message that is ours to call for.
pub(crate) struct Granted {
    pub(crate) ready: Ready,
    pub(crate) attempt: Attempt,
    /// When the claim was asked for: Postgres granted it later.
    asked_at: Instant,
}

impl Granted {
    /// Whether a call may still begin. To be asked at the last moment: a process may have stood still.
    pub(crate) fn is_good(&self) -> bool {
        self.asked_at.elapsed() < CLAIM_GOOD_FOR
    }
}

/// What a claim left in our hands.
#[derive(Default)]
pub(crate) struct Claimed {
    pub(crate) granted: Vec<Granted>,
    /// Still queued: they were not to be called for yet.
    pub(crate) waiting: Vec<Ready>,
}

impl Sender {
    /// Claims messages. An error says that none is claimed.
    pub(crate) async fn claim(&self, ready: Vec<Ready>) -> Result<Claimed, StoreError> {
        let asked_at = Instant::now();
        let claims = self.ask(&ready).await?;
        crash::point("sender.claims.committed");
        let mut claimed = Claimed::default();
        for one in ready {
            match claims.iter().find(|claim| claim.id() == one.wanted.id) {
                Some(Claim::Granted(_, attempt)) => claimed.granted.push(Granted {
                    ready: one,
                    attempt: *attempt,
                    asked_at,
                }),
                Some(Claim::Ended(_, reason)) => {
                    self.count(one.wanted.route.kind, reason.as_str());
                    log_lines::ended(&one, *reason);
                }
                Some(Claim::Held(_, scope)) => {
                    self.count(one.wanted.route.kind, "held");
                    log_lines::held(&one, scope);
                }
                None if !one.wanted.may_call => claimed.waiting.push(one),
                Some(Claim::Outdated(_)) | None => {}
            }
        }
        Ok(claimed)
    }

    async fn ask(&self, ready: &[Ready]) -> Result<Vec<Claim>, StoreError> {
        let token = Uuid::now_v7();
        let wanted: Vec<_> = ready.iter().map(|one| one.wanted.clone()).collect();
        let claimed = self
            .store
            .transaction(move |connection| {
                let claims = claims::claim(connection, token, &wanted)?;
                crash::point("sender.claims.written");
                Ok(claims)
            })
            .await;
        match claimed {
            Ok(claims) => Ok(claims),
            // The commit may have happened without its answer: the token tells.
            Err(error) => match self.read_back(token).await {
                granted if granted.is_empty() => Err(error),
                granted => Ok(granted),
            },
        }
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

    /// Frees a message that is not called for after all, unless it is no longer ours.
    pub(crate) async fn release(&self, id: MessageId, attempt: Attempt) {
        persist::until_done("release a claim", || {
            self.store
                .run(move |connection| claims::release(connection, &[(id, attempt)]))
        })
        .await;
        crash::point("sender.claims.released");
    }
}
