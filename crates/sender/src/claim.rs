//! Claiming: moves messages from `queued` to `sending` in Postgres, which gives this process the exclusive right to one
//! call for each. The claim commits before the call.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use domain::ids::MessageId;
use service::crash;
use store::claims::{self, Claim, Wanted};
use store::{Fault, StoreError};
use uuid::Uuid;

use crate::context::Sender;
use crate::retry;
use crate::stages::{Granted, Permitted};
use crate::telemetry;

/// Claims messages and returns those that were granted. While Postgres is unavailable it waits: only this process knows
/// that these messages may go. After an error no message is claimed.
pub(crate) async fn claim(sender: &Sender, permitted: Vec<Permitted>) -> Result<Vec<Granted>, StoreError> {
    let wanted: Arc<Vec<Wanted>> = Arc::new(permitted.iter().map(|one| one.ready.wanted.clone()).collect());
    let claiming = retry::during(&[Fault::Outage], "claim messages", || {
        commit(sender, Arc::clone(&wanted))
    });
    let (asked_at, claims) = claiming.await?;
    crash::point("sender.claims.committed");
    let claims: HashMap<MessageId, Claim> = claims.into_iter().map(|claim| (claim.id(), claim)).collect();
    let mut granted = Vec::new();
    for Permitted {
        mut ready,
        permit,
        slot,
    } in permitted
    {
        // Settled: should this process die now, the claim itself shows that its result is missing.
        ready.in_hand = None;
        match claims.get(&ready.wanted.id) {
            Some(Claim::Granted(_, attempt)) => granted.push(Granted {
                ready,
                permit,
                slot,
                attempt: *attempt,
                asked_at,
            }),
            Some(Claim::Ended(_, reason)) => telemetry::ended(&sender.metrics, &ready, *reason),
            Some(Claim::Held(_, scope)) => telemetry::held(&sender.metrics, &ready, scope),
            // The message changed after it was prepared; the relay will publish its id again. Or another sender claimed it.
            Some(Claim::Outdated(_)) | None => {}
        }
    }
    Ok(granted)
}

/// Returns the claims, and when they were asked for.
async fn commit(sender: &Sender, wanted: Arc<Vec<Wanted>>) -> Result<(Instant, Vec<Claim>), StoreError> {
    let (asked_at, token) = (Instant::now(), Uuid::now_v7());
    let claimed = sender
        .store
        .transaction(move |connection| {
            let claims = claims::claim(connection, token, &wanted)?;
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
