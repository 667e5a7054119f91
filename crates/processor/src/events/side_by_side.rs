//! Many events as several batches, which are applied side by side.

use futures_util::future::join_all;
use service::Stop;

use super::apply::{self, ApplyOutcome, LockWait};
use super::decode;
use super::event::Opened;
use crate::context::Context;

/// How many events are applied in one transaction.
pub(super) const BATCH: usize = 200;
/// How many events are taken at once: two batches.
pub(crate) const TAKEN: usize = 2 * BATCH;

/// Applies events and returns what became of each, in their order. More than a [`BATCH`] of them are several batches, side by
/// side; events of one booking are neighbours there, so that two batches seldom wait for each other.
pub(super) async fn apply(
    context: &Context,
    stop: &Stop,
    events: &[Opened],
    lock_wait: LockWait,
) -> Vec<ApplyOutcome> {
    if events.len() <= BATCH {
        return apply::apply_with_retries(context, stop, events, lock_wait).await;
    }
    let mut sorted: Vec<(usize, &Opened)> = events.iter().enumerate().collect();
    sorted.sort_by_cached_key(|(_, opened)| opened.booking());
    let size = sorted.len().div_ceil(sorted.len().div_ceil(BATCH));
    let batches = sorted.chunks(size).map(|batch| async move {
        let events: Vec<Opened> = batch.iter().map(|(_, opened)| (*opened).clone()).collect();
        let outcomes = apply::apply_with_retries(context, stop, &events, lock_wait).await;
        let places = batch.iter().map(|(place, _)| *place);
        places.zip(outcomes).collect::<Vec<_>>()
    });
    let mut outcomes: Vec<(usize, ApplyOutcome)> = join_all(batches).await.into_iter().flatten().collect();
    outcomes.sort_unstable_by_key(|(place, _)| *place);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Applies envelopes without the queue, for [`steps`](crate::steps).
pub(crate) async fn apply_bodies(context: &Context, stop: &Stop, bodies: &[Vec<u8>]) -> Vec<&'static str> {
    let opened: Result<Vec<Opened>, _> = bodies
        .iter()
        .map(|body| decode::decode(&context.ring, body))
        .collect();
    let Ok(events) = opened else {
        return vec!["undecodable"; bodies.len()];
    };
    let outcomes = apply(context, stop, &events, LockWait::Usual).await;
    outcomes.iter().map(ApplyOutcome::name).collect()
}
