//! Claiming: moves messages from `queued` to `sending` in Postgres, which gives this process the exclusive right to one
//! call for each. The claim commits before the call.

use std::time::Instant;

use service::crash;
use store::StoreError;
use store::claims::{self, Claim};
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
            // Changed since it was prepared: its row hands it out again. Or another sender has it.
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
        Err(error) => match read_back(sender, token).await {
            granted if granted.is_empty() => Err(error),
            granted => Ok(granted),
        },
    }
}

async fn read_back(sender: &Sender, token: Uuid) -> Vec<Claim> {
    let claimed = retry::until_done("read a claim back", || {
        sender
            .store
            .run(move |connection| claims::claimed_by(connection, token))
    });
    claimed
        .await
        .into_iter()
        .map(|(id, attempt)| Claim::Granted(id, attempt))
        .collect()
}

/// Returns a claimed message to the queue without a call, unless a newer claim owns it.
pub(crate) async fn release(sender: &Sender, granted: &Granted) {
    let claim = (granted.ready.wanted.id, granted.attempt);
    retry::until_done("release a claim", || {
        sender
            .store
            .run(move |connection| claims::release(connection, &[claim]))
    })
    .await;
    crash::point("sender.claims.released");
}
