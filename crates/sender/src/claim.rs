//! Claiming: moves messages from `queued` to `sending` in Postgres, which gives this process the exclusive right to one
//! call for each. The claim commits before the call.

use std::sync::Arc;
use std::time::Instant;

use service::crash;
use store::claims::{self, Claim};
use store::{Fault, StoreError};
use uuid::Uuid;

use crate::context::Sender;
use crate::retry;
use crate::stages::{Claimed, Granted, Ready};
use crate::telemetry;

/// Claims messages. After an error no message is claimed.
pub(crate) async fn claim(sender: &Sender, ready: Vec<Ready>) -> Result<Claimed, StoreError> {
    let asked_at = Instant::now();
    let claims = commit(sender, &ready).await?;
    crash::point("sender.claims.committed");
    let mut claimed = Claimed::default();
    for one in ready {
        match claims.iter().find(|claim| claim.id() == one.wanted.id) {
            Some(Claim::Granted(_, attempt)) => claimed.granted.push(Granted {
                ready: one,
                attempt: *attempt,
                asked_at,
            }),
            Some(Claim::Ended(_, reason)) => telemetry::ended(&sender.metrics, &one, *reason),
            Some(Claim::Held(_, scope)) => telemetry::held(&sender.metrics, &one, scope),
            None if !one.wanted.may_call => claimed.waiting.push(one),
            // The message changed after it was prepared; the relay will publish its id again. Or another sender claimed it.
            Some(Claim::Outdated(_)) | None => {}
        }
    }
    Ok(claimed)
}

async fn commit(sender: &Sender, ready: &[Ready]) -> Result<Vec<Claim>, StoreError> {
    let token = Uuid::now_v7();
    let wanted: Vec<_> = ready.iter().map(|one| one.wanted.clone()).collect();
    let claimed = sender
        .store
        .transaction(move |connection| {
            let claims = claims::claim(connection, token, &wanted)?;
            crash::point("sender.claims.written");
            Ok(claims)
        })
        .await;
    match claimed {
        Ok(claims) => Ok(claims),
        // The commit may have succeeded although its answer was lost: the token finds what it claimed.
        // Rows that ended or were held carry no token. They are neither logged nor counted then, because another sender
        // may have ended them as well.
        Err(error) => match read_back(sender, token).await {
            Ok(granted) if !granted.is_empty() => Ok(granted),
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
pub(crate) async fn release(sender: &Sender, uncalled: Vec<Granted>) {
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
        Err(error) => telemetry::not_released(&uncalled, &error),
    }
}
