//! Routes: prepared messages wait in a bounded queue for each resort, number and template, so that one number's backlog
//! holds up no other.
//!
//! Each route has a task of its own, which waits for the route's permit ([`crate::probe`]) and its number's rate
//! ([`crate::rate_limit`]) and passes one message after the other on. What finds its queue full is put off in Postgres by
//! the time that the backlog will take ([`Backlog`]), and what waits when the sender stops is handed out again at once: an
//! id in RabbitMQ wakes a sender, it holds no work.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::ids::MessageId;
use service::lock;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender as Channel, channel};
use tokio::time::Instant;

use crate::claim::hand_out;
use crate::context::Sender;
use crate::in_hand::{Deliveries, InHand};
use crate::isolate::isolated;
use crate::probe::{Permit, RouteKey};
use crate::stages::{Permitted, Ready, Right};

/// Messages that wait in one queue at most; as many as go in a second, where that is fewer.
const WAITING: usize = 1_000;
/// A number that is slow has at least so many at hand.
const LEAST_WAITING: f64 = 20.0;
/// So many deliveries are kept until their messages have been claimed; more are acknowledged as soon as they wait. Should
/// the sender be killed, those come back when the relay publishes their ids again.
pub(crate) const KEPT: usize = 500;
/// What is put off comes back within this time, in case the rate recovers meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// The queues of all routes.
pub(crate) struct Routes {
    sender: Arc<Sender>,
    queues: Mutex<HashMap<RouteKey, Queue>>,
    waiting: Waiting,
    kept: Arc<Semaphore>,
    /// Where messages go that may be claimed.
    permitted: Channel<Permitted>,
}

struct Queue {
    /// Boxed: an empty channel has the space of 32 entries already, and each number has one or more.
    entries: Channel<Box<Entry>>,
    backlog: Backlog,
}

/// A message in a queue.
struct Entry {
    ready: Ready,
    waiting: WaitingId,
}

impl Entry {
    /// From now on its id is news again, since the relay may publish it for a new reason.
    fn leave(self: Box<Self>) -> Ready {
        drop(self.waiting);
        self.ready
    }
}

impl Routes {
    pub(crate) fn new(sender: Arc<Sender>, permitted: Channel<Permitted>) -> Self {
        Self {
            sender,
            queues: Mutex::default(),
            waiting: Waiting::default(),
            kept: Arc::new(Semaphore::new(KEPT)),
            permitted,
        }
    }

    /// Whether the message waits in a queue already: the relay publishes an id again while it does.
    pub(crate) fn has(&self, id: MessageId) -> bool {
        lock(&self.waiting.0).contains(&id)
    }

    /// Puts messages into their queues, with their deliveries. Returns those whose queue is full, and how long each must
    /// wait.
    pub(crate) fn queue(&self, ready: Vec<Ready>, deliveries: &mut Deliveries) -> Vec<(Ready, Duration)> {
        let mut queues = lock(&self.queues);
        let mut put_off = Vec::new();
        for mut one in ready {
            // Two batches may bring the same id at once.
            let Some(waiting) = self.waiting.enter(&self.sender, one.wanted.id) else {
                continue;
            };
            one.in_hand = deliveries
                .remove(&one.wanted.id)
                .and_then(|delivery| self.keep(delivery));
            let route = one.route_key();
            let rate = self.sender.rate_limits.rate(route.number());
            let queue = queues
                .entry(route)
                .or_insert_with_key(|route| self.start(route.clone()));
            let entry = Box::new(Entry { ready: one, waiting });
            if let Some(entry) = self.enter(queue, entry, rate) {
                let wait = queue.backlog.wait(rate, Instant::now());
                put_off.push((entry.leave(), wait));
            }
        }
        put_off
    }

    /// A delivery stays unacknowledged while few are.
    fn keep(&self, mut delivery: InHand) -> Option<InHand> {
        delivery.kept = Some(Arc::clone(&self.kept).try_acquire_owned().ok()?);
        Some(delivery)
    }

    /// Returns the message if there is no room for it.
    fn enter(&self, queue: &mut Queue, entry: Box<Entry>, rate: f64) -> Option<Box<Entry>> {
        let waiting = WAITING - queue.entries.capacity();
        if waiting as f64 >= rate.max(LEAST_WAITING) {
            return Some(entry);
        }
        match queue.entries.try_send(entry) {
            Ok(()) => None,
            Err(TrySendError::Full(entry)) => Some(entry),
            // Its task panicked: the route begins again.
            Err(TrySendError::Closed(entry)) => {
                *queue = self.start(entry.ready.route_key());
                queue.entries.try_send(entry).err().map(TrySendError::into_inner)
            }
        }
    }

    fn start(&self, route: RouteKey) -> Queue {
        let (entries, queue) = channel(WAITING);
        let work = serve(Arc::clone(&self.sender), route, queue, self.permitted.clone());
        tokio::spawn(isolated("route", work));
        Queue {
            entries,
            backlog: Backlog::default(),
        }
    }
}

/// Passes the messages of one route on, one after the other, until its queue is closed.
async fn serve(
    sender: Arc<Sender>,
    route: RouteKey,
    mut queue: Receiver<Box<Entry>>,
    next: Channel<Permitted>,
) {
    while let Some(entry) = queue.recv().await {
        let permitted = tokio::select! {
            biased;
            () = sender.stop.stopped() => None,
            () = sender.reachability.until_unreachable() => None,
            permitted = permit(&sender, &route) => Some(permitted),
        };
        let is_current = |ready: &Ready| {
            let now = sender.files.current().resort(&ready.route().resort);
            now.is_some_and(|resort| Arc::ptr_eq(&resort, &ready.resort) || resort == ready.resort)
        };
        match permitted {
            Some(right) if sender.reachability.is_reachable() && is_current(&entry.ready) => {
                let mut ready = entry.leave();
                ready.wanted.may_call = right.is_some();
                // It fails only when the claims have ended with the process.
                let _ = next.send(Permitted { ready, right }).await;
            }
            // The rest of the queue has the same reason to go back.
            _ => hand_out_again(&sender, entry, &mut queue).await,
        }
    }
}

/// `None`: the route is held.
async fn permit(sender: &Sender, route: &RouteKey) -> Option<Right> {
    match sender.probes.permit(route).await {
        Permit::Held => None,
        permit => Some(Right {
            permit,
            slot: sender.rate_limits.slot(route.number()).await,
        }),
    }
}

/// Empties a queue: the relay hands these ids out again, to this sender as the files are now, or to another one.
async fn hand_out_again(sender: &Sender, first: Box<Entry>, queue: &mut Receiver<Box<Entry>>) {
    let mut ready = vec![first.leave()];
    while let Ok(entry) = queue.try_recv() {
        ready.push(entry.leave());
    }
    hand_out(sender, &ready).await;
}

/// When the messages that found no room in a queue can go: one after the other at the route's rate.
#[derive(Default)]
struct Backlog(Option<Instant>);

impl Backlog {
    /// How long the next of them must wait. The first comes back when half of the queue has gone, so that the queue never
    /// runs empty.
    fn wait(&mut self, rate: f64, now: Instant) -> Duration {
        let one = Duration::from_secs_f64(1.0 / rate);
        let half = Duration::from_secs_f64(rate.max(LEAST_WAITING) / rate / 2.0);
        let at = self.0.map_or(now + half, |last| last.max(now + half)) + one;
        let wait = at - now;
        if wait <= LONGEST_WAIT {
            self.0 = Some(at);
            return wait;
        }
        // Spread: all at once, they would be in the way of others.
        LONGEST_WAIT.mul_f64(rand::random_range(0.5..1.0))
    }
}

/// The ids that wait in queues.
#[derive(Clone, Default)]
struct Waiting(Arc<Mutex<HashSet<MessageId>>>);

impl Waiting {
    /// `None`: the id waits already.
    fn enter(&self, sender: &Arc<Sender>, id: MessageId) -> Option<WaitingId> {
        if !lock(&self.0).insert(id) {
            return None;
        }
        sender.metrics.waiting.inc();
        Some(WaitingId {
            waiting: self.clone(),
            sender: Arc::clone(sender),
            id,
        })
    }
}

/// One id that waits until this is dropped.
struct WaitingId {
    waiting: Waiting,
    sender: Arc<Sender>,
    id: MessageId,
}

impl Drop for WaitingId {
    fn drop(&mut self) {
        lock(&self.waiting.0).remove(&self.id);
        self.sender.metrics.waiting.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // shows: B137
    #[test]
    fn a_backlog_comes_back_at_the_numbers_rate_and_within_five_minutes() {
        let (now, mut backlog) = (Instant::now(), Backlog::default());

        let waits: Vec<f64> = (0..160).map(|_| backlog.wait(80.0, now).as_secs_f64()).collect();

        assert!((waits[0] - 0.5125).abs() < 0.001, "{}", waits[0]);
        assert!((waits[159] - 2.5).abs() < 0.001, "{}", waits[159]);
        let slow: Vec<Duration> = (0..1_000).map(|_| backlog.wait(1.0, now)).collect();
        assert!(slow.iter().all(|wait| *wait <= LONGEST_WAIT));
        assert!(slow[999] >= LONGEST_WAIT / 2);
    }
}
