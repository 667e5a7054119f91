//! The order of the stages, from the ids of due messages to recorded results.
//!
//! prepare → [`Ready`] → wait for the route's permit and the number's rate → claim → [`Granted`](crate::stages::Granted)
//! → call → [`Called`](crate::stages::Called) → record. Only this file knows the order; [`crate::consume`] runs it for
//! each batch of ids from RabbitMQ.

use std::collections::HashMap;

use domain::ids::MessageId;
use futures_util::future::join_all;
use store::StoreError;

use crate::call::call;
use crate::claim::claim;
use crate::context::Sender;
use crate::prepare::prepare;
use crate::probe::{Permit, RouteKey};
use crate::record::record;
use crate::stages::{Claimed, Ready};

/// How many messages are claimed in one transaction.
const CLAIMED_AT_ONCE: usize = 20;

/// Sends those of some messages that are due and wanted. After an error, after the stop, and while WhatsApp cannot be
/// reached, the caller must return the ids to the queue.
pub(crate) async fn send(sender: &Sender, ids: Vec<MessageId>) -> Result<(), StoreError> {
    if !sender.reachability.is_reachable() {
        return Ok(());
    }
    let mut routes: HashMap<RouteKey, Vec<Ready>> = HashMap::new();
    for one in prepare(sender, ids).await? {
        routes.entry(one.route_key()).or_default().push(one);
    }
    let sending = routes
        .into_iter()
        .map(|(route, ready)| send_route(sender, route, ready));
    // Not `try_join_all`: calls of one route are under way when another route fails, and must be recorded.
    join_all(sending).await.into_iter().collect()
}

/// Sends the messages of one route: many at once, or one by one until an answer shows that the route is healthy.
async fn send_route(sender: &Sender, route: RouteKey, mut ready: Vec<Ready>) -> Result<(), StoreError> {
    while !ready.is_empty() {
        let mut rest = ready.split_off(ready.len().min(CLAIMED_AT_ONCE));
        let permit = tokio::select! {
            biased;
            () = sender.stop.stopped() => return Ok(()),
            permit = await_turn(sender, &route, &mut ready) => permit,
        };
        if !sender.reachability.is_reachable() {
            return Ok(());
        }
        let Claimed { granted, waiting } = claim(sender, ready).await?;
        let calls = granted.into_iter().map(|one| call(sender, &route, one));
        let called = join_all(calls).await.into_iter().flatten();
        record(sender, called.collect()).await;
        // Only now: the next message of a route that is being probed must find the hold that this one may have laid.
        drop(permit);
        rest.extend(waiting);
        ready = rest;
    }
    Ok(())
}

/// Waits until some messages may be called for, and marks which: as many as the route permits, at their number's rate.
async fn await_turn(sender: &Sender, route: &RouteKey, ready: &mut [Ready]) -> Permit {
    let permit = sender.probes.permit(route).await;
    let calls = match permit {
        Permit::Many => ready.len(),
        Permit::One(_) => 1,
    };
    for (place, one) in ready.iter_mut().enumerate() {
        one.wanted.may_call = place < calls;
    }
    for _ in 0..calls {
        sender.rate_limits.wait(route.number()).await;
    }
    permit
}
