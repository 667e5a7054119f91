//! The order of the stages, from the ids of due messages to recorded results.
//!
//! prepare → [`Ready`](crate::stages::Ready) → the queue of its route, permit and rate → [`Permitted`] → claim →
//! [`Granted`] → call → [`Called`](crate::stages::Called) → record. Only this file knows the order; [`crate::consume`]
//! feeds it.
//!
//! Claims and results of all routes are written together: each transaction takes what has come meanwhile, and waits for
//! nothing more.

use std::sync::Arc;

use domain::ids::MessageId;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use store::{StoreError, claims};
use tokio::sync::mpsc::{Receiver, Sender as Channel, channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::call::call;
use crate::claim::{Claims, claim, claim_alone, release};
use crate::context::Sender;
use crate::in_hand::Deliveries;
use crate::isolate::isolated;
use crate::prepare::prepare;
use crate::record::record;
use crate::routes::Routes;
use crate::stages::{Granted, Outcome, Permitted};
use crate::telemetry;

/// How many messages are claimed, and how many results recorded, in one transaction.
const AT_ONCE: usize = 100;
/// How many transactions of claims run at once, and how many of results.
const TRANSACTIONS: usize = 2;

/// What became of some ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// Each was judged: it waits for its call, or in Postgres.
    All,
    /// The stop came, or WhatsApp cannot be reached: the caller must leave the ids to other senders.
    Not,
}

/// The routes' queues, and the stages behind them, which run until the routes are dropped and every call is recorded.
pub(crate) fn start(sender: &Arc<Sender>) -> (Routes, impl Future<Output = ()> + use<>) {
    let (permitted, claiming) = channel(AT_ONCE);
    let (outcomes, recording) = channel(AT_ONCE);
    let (claims, records) = (Arc::clone(sender), Arc::clone(sender));
    let stages = async move {
        // The results end when the claims have dropped their end of the channel.
        let claims = in_batches(claiming, move |batch, turn| {
            claim_and_call(Arc::clone(&claims), outcomes.clone(), batch, turn)
        });
        let records = in_batches(recording, |batch, turn| {
            conclude(Arc::clone(&records), batch, turn)
        });
        tokio::join!(claims, records);
    };
    (Routes::new(Arc::clone(sender), permitted), stages)
}

/// Puts those of some messages that are due and wanted into their routes' queues, with their deliveries. After an error
/// the caller must return the deliveries that are left.
pub(crate) async fn admit(
    sender: &Sender,
    routes: &Routes,
    mut ids: Vec<MessageId>,
    deliveries: &mut Deliveries,
) -> Result<Admitted, StoreError> {
    if sender.stop.is_stopped() || !sender.reachability.is_reachable() {
        return Ok(Admitted::Not);
    }
    ids.retain(|id| !routes.has(*id));
    let put_off = routes.queue(prepare(sender, ids).await?, deliveries);
    if !put_off.is_empty() {
        let waits = put_off
            .iter()
            .map(|(one, wait)| (one.wanted.id, *wait))
            .collect::<Vec<_>>();
        let writing = sender
            .store
            .run(move |connection| claims::hand_out_later(connection, &waits));
        writing.await?;
        telemetry::backlogged(&sender.metrics, &put_off);
    }
    Ok(Admitted::All)
}

/// Claims messages and calls for them, then passes the outcomes on.
async fn claim_and_call(
    sender: Arc<Sender>,
    outcomes: Channel<Outcome>,
    batch: Vec<Permitted>,
    turn: OwnedSemaphorePermit,
) {
    let Claims { granted, alone } = claim(&sender, batch).await;
    drop(turn);
    let calls = join_all(granted.into_iter().map(|one| call_for(&sender, one, &outcomes)));
    let others = join_all(
        alone
            .into_iter()
            .map(|one| isolated("claim", claim_alone_and_call(&sender, one, &outcomes))),
    );
    tokio::join!(calls, others);
}

async fn claim_alone_and_call(sender: &Sender, one: Permitted, outcomes: &Channel<Outcome>) {
    if let Some(granted) = claim_alone(sender, one).await {
        call_for(sender, granted, outcomes).await;
    }
}

/// A call that panics has no result: reconciliation finds its message.
async fn call_for(sender: &Sender, granted: Granted, outcomes: &Channel<Outcome>) {
    if let Some(outcome) = isolated("call", call(sender, granted)).await {
        // It fails only when recording has ended with the process.
        let _ = outcomes.send(outcome).await;
    }
}

async fn conclude(sender: Arc<Sender>, outcomes: Vec<Outcome>, _turn: OwnedSemaphorePermit) {
    let (mut called, mut not_called) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Outcome::Called(one) => called.push(*one),
            Outcome::NotCalled(one) => not_called.push(*one),
        }
    }
    // Answers first: only this process knows them.
    record(&sender, &called).await;
    release(&sender, &not_called).await;
}

/// Works on what comes until nothing more can, several batches side by side: whenever one may begin a transaction, it
/// takes what has come by then, at least one.
async fn in_batches<T, F: Future<Output = ()>>(
    mut from: Receiver<T>,
    work: impl Fn(Vec<T>, OwnedSemaphorePermit) -> F,
) {
    let transactions = Arc::new(Semaphore::new(TRANSACTIONS));
    let mut working = FuturesUnordered::new();
    let mut is_open = true;
    while is_open || !working.is_empty() {
        tokio::select! {
            Some(_) = working.next() => {}
            next = next(&mut from, &transactions), if is_open => match next {
                Some((batch, turn)) => working.push(isolated("batch", work(batch, turn))),
                None => is_open = false,
            },
        }
    }
}

async fn next<T>(from: &mut Receiver<T>, turns: &Arc<Semaphore>) -> Option<(Vec<T>, OwnedSemaphorePermit)> {
    // An error means that the semaphore was closed, which it never is.
    let turn = Arc::clone(turns).acquire_owned().await.ok()?;
    let mut batch = Vec::new();
    (from.recv_many(&mut batch, AT_ONCE).await > 0).then_some((batch, turn))
}
