//! Claiming: moves messages from `queued` to `sending` in Postgres, which gives this process the exclusive right to one
//! call for each. The claim commits before the call.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::backoff::Backoff;
use domain::ids::MessageId;
use service::crash;
use store::claims::{self, Claim, Wanted};
use store::{Connection, Fault, StoreError};
use uuid::Uuid;

use crate::context::Sender;
use crate::retry;
use crate::stages::{Granted, Permitted, Ready};
use crate::telemetry;

/// What a claim of several messages came to.
pub(crate) struct Claims {
    pub(crate) granted: Vec<Granted>,
    /// Each of these must be claimed alone ([`claim_alone`]): another transaction has locked it, or the claim of all of
    /// them failed.
    pub(crate) alone: Vec<Permitted>,
}

/// Claims messages together. While Postgres is unavailable it waits.
pub(crate) async fn claim(sender: &Sender, permitted: Vec<Permitted>) -> Claims {
    let wanted: Arc<Vec<Wanted>> = Arc::new(permitted.iter().map(|one| one.ready.wanted.clone()).collect());
    let claiming = commit(sender, move |connection, token| {
        claims::claim(connection, token, &wanted)
    });
    let (asked_at, claims) = match claiming.await {
        Ok(done) => done,
        Err(error) => {
            telemetry::claiming_apart(permitted.len(), &error);
            return Claims {
                granted: Vec::new(),
                alone: permitted,
            };
        }
    };
    let mut claims: HashMap<MessageId, Claim> = claims.into_iter().map(|claim| (claim.id(), claim)).collect();
    let (mut granted, mut alone, mut unclaimed) = (Vec::new(), Vec::new(), Vec::new());
    for one in permitted {
        // Taken out: an id that came again when its message had just left the queue is here twice, and has one claim.
        match claims.remove(&one.ready.wanted.id) {
            Some(Claim::Locked(_)) => alone.push(one),
            claim => match conclude(sender, one, claim.as_ref(), asked_at) {
                Concluded::Granted(one) => granted.push(*one),
                Concluded::Unclaimed(ready) => unclaimed.push(*ready),
                Concluded::Ended => {}
            },
        }
    }
    hand_out(sender, &unclaimed).await;
    Claims { granted, alone }
}

/// Claims one message, after waiting for its lock. After an error nothing has happened to it, and its id returns to the
/// queue.
pub(crate) async fn claim_alone(sender: &Sender, mut one: Permitted) -> Option<Granted> {
    let wanted = one.ready.wanted.clone();
    let claiming = commit(sender, move |connection, token| {
        Ok(claims::claim_waiting(connection, token, &wanted)?
            .into_iter()
            .collect())
    });
    match claiming.await {
        Ok((asked_at, claims)) => match conclude(sender, one, claims.first(), asked_at) {
            Concluded::Granted(granted) => Some(*granted),
            Concluded::Unclaimed(ready) => {
                hand_out(sender, &[*ready]).await;
                None
            }
            Concluded::Ended => None,
        },
        Err(error) => {
            telemetry::sending_failed(&error);
            let in_hand = one.ready.in_hand.take();
            // The next message of the route, and of the number, need not wait.
            drop(one);
            tokio::time::sleep(Backoff::RECONNECT.pause(4, rand::random())).await;
            if let Some(in_hand) = in_hand {
                in_hand.give_back();
            }
            None
        }
    }
}

enum Concluded {
    Granted(Box<Granted>),
    /// It is not held any more, and was not to be called for: it must be prepared again.
    Unclaimed(Box<Ready>),
    Ended,
}

fn conclude(sender: &Sender, one: Permitted, claim: Option<&Claim>, asked_at: Instant) -> Concluded {
    let Permitted { mut ready, right } = one;
    // Settled: should this process die now, the claim itself shows that its result is missing.
    ready.in_hand = None;
    match (claim, right) {
        (Some(Claim::Granted(_, attempt)), Some(right)) => {
            return Concluded::Granted(Box::new(Granted {
                ready,
                right,
                attempt: *attempt,
                asked_at,
            }));
        }
        (Some(Claim::Ended(_, reason)), _) => telemetry::ended(&sender.metrics, &ready, *reason),
        (Some(Claim::Held(_, scope)), _) => {
            telemetry::held(&sender.metrics, &ready, scope);
            sender.probes.is_held(&ready.route_key());
        }
        (None, None) => {
            sender.probes.learn(&ready.route_key(), false);
            return Concluded::Unclaimed(Box::new(ready));
        }
        // The message changed after it was prepared; the relay will publish its id again. Or another sender claimed it.
        _ => {}
    }
    Concluded::Ended
}

/// Returns the claims, and when they were asked for.
async fn commit(
    sender: &Sender,
    claim: impl Fn(&mut Connection, Uuid) -> Result<Vec<Claim>, StoreError> + Clone + Send + 'static,
) -> Result<(Instant, Vec<Claim>), StoreError> {
    let committing = retry::during(&[Fault::Outage], "claim messages", || {
        commit_once(sender, claim.clone())
    });
    let done = committing.await?;
    crash::point("sender.claims.committed");
    Ok(done)
}

async fn commit_once(
    sender: &Sender,
    claim: impl FnOnce(&mut Connection, Uuid) -> Result<Vec<Claim>, StoreError> + Send + 'static,
) -> Result<(Instant, Vec<Claim>), StoreError> {
    let (asked_at, token) = (Instant::now(), Uuid::now_v7());
    let claimed = sender
        .store
        .transaction(move |connection| {
            let claims = claim(connection, token)?;
            crash::point("sender.claims.written");
            Ok(claims)
        })
        .await;
    match claimed {
        Ok(claims) => Ok((asked_at, claims)),
        // The commit may have succeeded although its answer was lost: the token finds what it claimed.
        // Rows that ended or were held carry no token. They are neither logged nor counted then, because another sender
        // may have ended them as well.
        Err(error) => match read_back(sender, token).await {
            Ok(granted) if !granted.is_empty() => Ok((asked_at, granted)),
            _ => Err(error),
        },
    }
}

async fn read_back(sender: &Sender, token: Uuid) -> Result<Vec<Claim>, StoreError> {
    let reading = retry::during(&[Fault::Outage], "read a claim back", || {
        sender
            .store
            .run(move |connection| claims::claimed_by(connection, token))
    });
    let claimed = reading.await.inspect_err(telemetry::claim_not_read_back)?;
    Ok(claimed
        .into_iter()
        .map(|(id, attempt)| Claim::Granted(id, attempt))
        .collect())
}

/// Has the relay hand out messages again at once that were not claimed.
pub(crate) async fn hand_out(sender: &Sender, unclaimed: &[Ready]) {
    if unclaimed.is_empty() {
        return;
    }
    let ids: Vec<_> = unclaimed
        .iter()
        .map(|one| (one.wanted.id, Duration::ZERO))
        .collect();
    let handing_out = sender
        .store
        .run(move |connection| claims::hand_out_later(connection, &ids));
    if let Err(error) = handing_out.await {
        telemetry::not_handed_out(&error);
    }
}

/// Returns claimed messages to the queue without a call, unless a newer claim owns them. What cannot be returned is
/// left to reconciliation, which finds claims without a result.
pub(crate) async fn release(sender: &Sender, uncalled: &[Granted]) {
    if uncalled.is_empty() {
        return;
    }
    let claims: Arc<Vec<_>> = Arc::new(uncalled.iter().map(Granted::claim).collect());
    let passing = [Fault::Outage, Fault::Contention, Fault::Locked];
    let releasing = retry::during(&passing, "release claims", || {
        let claims = Arc::clone(&claims);
        sender
            .store
            .run(move |connection| claims::release(connection, &claims))
    });
    match releasing.await {
        Ok(()) => {
            crash::point("sender.claims.released");
            uncalled.iter().for_each(telemetry::released);
        }
        Err(error) => telemetry::not_released(uncalled, &error),
    }
}
