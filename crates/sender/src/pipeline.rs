//! The order of the stages, from the ids of due messages to recorded results.
//!
//! prepare → [`Ready`] → wait for the route's permit and the number's rate → claim → [`Granted`]
//! → call → [`Called`](crate::stages::Called) → record. Only this file knows the order; [`crate::consume`] runs it for
//! each batch of ids from RabbitMQ.

use std::collections::HashMap;

use domain::ids::MessageId;
use futures_util::future::join_all;
use store::StoreError;

use crate::call::call;
use crate::claim::{claim, release};
use crate::context::Sender;
use crate::isolate::isolated;
use crate::prepare::prepare;
use crate::probe::{Permit, RouteKey};
use crate::record::record;
use crate::stages::{Claimed, Granted, Outcome, Ready};
use crate::telemetry;

/// How many messages are claimed in one transaction.
const CLAIMED_AT_ONCE: usize = 20;

/// Whether every id was handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    All,
    /// The stop came, or WhatsApp could not be reached: the caller must return the ids to the queue. Another sender gets
    /// what was not claimed, and finds nothing to do for the rest.
    SomeLeft,
}

/// Sends those of some messages that are due and wanted. After an error, too, the caller must return the ids.
pub(crate) async fn send(sender: &Sender, ids: Vec<MessageId>) -> Result<Sent, StoreError> {
    if !sender.reachability.is_reachable() {
        return Ok(Sent::SomeLeft);
    }
    let mut routes: HashMap<RouteKey, Vec<Ready>> = HashMap::new();
    for one in prepare(sender, ids).await? {
        routes.entry(one.route_key()).or_default().push(one);
    }
    let sending = routes
        .into_iter()
        .map(|(route, ready)| isolated("route", send_route(sender, route, ready)));
    // Not `try_join_all`: calls of one route are under way when another route fails, and must be recorded. The ids of a
    // route that panicked count as handled: returned, they would be redelivered at once and panic again.
    together(join_all(sending).await.into_iter().flatten())
}

/// Returns one error of several and logs the others.
fn together(routes: impl Iterator<Item = Result<Sent, StoreError>>) -> Result<Sent, StoreError> {
    let (mut sent, mut failed) = (Sent::All, None);
    for route in routes {
        match route {
            Ok(Sent::All) => {}
            Ok(Sent::SomeLeft) => sent = Sent::SomeLeft,
            Err(error) => {
                if let Some(other) = failed.replace(error) {
                    telemetry::sending_failed(&other);
                }
            }
        }
    }
    failed.map_or(Ok(sent), Err)
}

/// Sends the messages of one route: many at once, or one by one until an answer shows that the route is healthy.
async fn send_route(sender: &Sender, route: RouteKey, mut ready: Vec<Ready>) -> Result<Sent, StoreError> {
    while !ready.is_empty() {
        let mut rest = ready.split_off(ready.len().min(CLAIMED_AT_ONCE));
        let permit = tokio::select! {
            biased;
            () = sender.stop.stopped() => return Ok(Sent::SomeLeft),
            permit = await_permit(sender, &route, &mut ready) => permit,
        };
        if !sender.reachability.is_reachable() {
            return Ok(Sent::SomeLeft);
        }
        let Claimed { granted, waiting } = claim(sender, ready).await?;
        call_and_record(sender, &route, granted).await;
        // Only now: the next message of a route that is being probed must find the hold that this one may have laid.
        drop(permit);
        rest.extend(waiting);
        ready = rest;
    }
    Ok(Sent::All)
}

async fn call_and_record(sender: &Sender, route: &RouteKey, granted: Vec<Granted>) {
    let calls = granted
        .into_iter()
        .map(|one| isolated("call", call(sender, route, one)));
    let (mut called, mut not_called) = (Vec::new(), Vec::new());
    // A call that panicked has no result: reconciliation finds its message.
    for outcome in join_all(calls).await.into_iter().flatten() {
        match outcome {
            Outcome::Called(one) => called.push(*one),
            Outcome::NotCalled(one) => not_called.push(*one),
        }
    }
    // Answers first: only this process knows them.
    record(sender, called).await;
    release(sender, not_called).await;
}

/// Waits until some messages may be called for, and marks which: as many as the route permits, at their number's rate.
async fn await_permit(sender: &Sender, route: &RouteKey, ready: &mut [Ready]) -> Permit {
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
