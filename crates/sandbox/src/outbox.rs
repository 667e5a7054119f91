//! Sends notifications to the callback: signed, in order for each guest, repeated until the callback accepts them.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use service::Stop;
use service::metrics::{IntCounterVec, IntGauge, MetricError, Metrics};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::clock::Millis;
use crate::settings::Callback;

mod courier;

use courier::Courier;

/// Guests are spread over queues; in each, a request is sent after the former one was accepted.
const QUEUES: u64 = 8;
/// How many waiting updates are sent in one request at most.
const TOGETHER: usize = 20;
/// How long updates of a batch wait for the rest.
const BATCH_PATIENCE: Duration = Duration::from_secs(2);

/// One update, such as a status of a message.
#[derive(Debug)]
pub(crate) struct Update {
    /// The change as Meta writes it.
    pub(crate) change: String,
    /// Set for updates of templates and accounts, which are sent alone.
    pub(crate) account_event_at: Option<Millis>,
    /// A copy with a wrong signature is sent first.
    pub(crate) forged_first: bool,
    /// Fires when the callback has accepted it.
    pub(crate) taken: Option<oneshot::Sender<()>>,
}

/// The updates of one request, and the number of clearings before them.
struct Request {
    updates: Vec<Update>,
    generation: u64,
}

/// Without a callback updates are dropped.
pub(crate) struct Outbox {
    queues: Vec<mpsc::UnboundedSender<Request>>,
    courier: Option<Arc<Courier>>,
    held: Mutex<VecDeque<Update>>,
    tally: Tally,
    generation: Arc<AtomicU64>,
    runtime: Handle,
}

#[derive(Clone)]
pub(crate) struct Tally {
    pub(crate) updates: IntCounterVec,
    pub(crate) waiting: IntGauge,
}

impl Tally {
    pub(crate) fn new(metrics: &Metrics) -> Result<Self, MetricError> {
        let help = "Updates by result; `repeated` counts further attempts of a request.";
        Ok(Self {
            updates: metrics.counters("sandbox_updates_total", help, &["result"])?,
            waiting: metrics.gauge(
                "sandbox_updates_waiting",
                "Updates that the callback has not accepted yet.",
            )?,
        })
    }

    pub(crate) fn count(&self, result: &str, updates: usize) {
        self.updates
            .with_label_values(&[result])
            .inc_by(u64::try_from(updates).unwrap_or(u64::MAX));
    }

    fn settle(&self, result: &str, updates: usize) {
        self.count(result, updates);
        self.waiting.sub(i64::try_from(updates).unwrap_or(i64::MAX));
    }
}

impl Outbox {
    /// Starts its tasks on the current runtime.
    pub(crate) fn start(callback: Option<Callback>, tally: Tally, stop: &Stop) -> std::io::Result<Self> {
        let generation = Arc::new(AtomicU64::new(0));
        let courier = callback
            .map(|callback| {
                Courier::new(callback, tally.clone(), generation.clone(), stop.clone()).map(Arc::new)
            })
            .transpose()?;
        let mut queues = Vec::new();
        if let Some(courier) = &courier {
            for _ in 0..QUEUES {
                let (sender, receiver) = mpsc::unbounded_channel();
                tokio::spawn(run_queue(receiver, courier.clone()));
                queues.push(sender);
            }
        }
        Ok(Self {
            queues,
            courier,
            held: Mutex::default(),
            tally,
            generation,
            runtime: Handle::current(),
        })
    }

    /// Asks the callback to verify itself; returns its status and whether it echoed the challenge.
    pub(crate) async fn shake_hands(&self, verify_token: &str) -> Result<(u16, bool), String> {
        let courier = self.courier.as_ref().ok_or("there is no callback")?;
        courier
            .shake_hands(verify_token)
            .await
            .map_err(|error| service::chain(&error))
    }

    /// Sends an update about a guest, after those about the same guest.
    pub(crate) fn push(&self, guest: &str, update: Update) {
        self.send(guest, vec![update]);
    }

    /// Keeps updates back until `size` of them can be sent in one request, or for two seconds.
    pub(crate) fn push_batched(self: &Arc<Self>, update: Update, size: usize) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.push_back(update);
        if held.len() >= size {
            let batch: Vec<_> = held.drain(..).collect();
            drop(held);
            self.send("", batch);
        } else if held.len() == 1 {
            let outbox = self.clone();
            self.runtime.spawn(async move {
                tokio::time::sleep(BATCH_PATIENCE).await;
                outbox.flush();
            });
        }
    }

    /// Drops all updates that the callback has not accepted yet.
    pub(crate) fn clear(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn report(&self) -> Value {
        let count = |result| self.tally.updates.with_label_values(&[result]).get();
        serde_json::json!({
            "taken": count("taken"), "repeated": count("repeated"), "dropped": count("dropped"),
            "waiting": self.tally.waiting.get(),
        })
    }

    fn flush(&self) {
        let batch: Vec<_> = self
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain(..)
            .collect();
        if !batch.is_empty() {
            self.send("", batch);
        }
    }

    fn send(&self, guest: &str, updates: Vec<Update>) {
        let mut hasher = DefaultHasher::new();
        guest.hash(&mut hasher);
        let queue = usize::try_from(hasher.finish() % QUEUES).unwrap_or_default();
        let Some(queue) = self.queues.get(queue) else {
            return;
        };
        self.tally
            .waiting
            .add(i64::try_from(updates.len()).unwrap_or(i64::MAX));
        let request = Request {
            updates,
            generation: self.generation.load(Ordering::Relaxed),
        };
        let _ = queue.send(request);
    }
}

async fn run_queue(mut waiting: mpsc::UnboundedReceiver<Request>, courier: Arc<Courier>) {
    let mut next = waiting.recv().await;
    while let Some(mut request) = next.take() {
        while request.updates.len() < TOGETHER {
            match waiting.try_recv() {
                Ok(more) if request.goes_with(&more) => request.updates.extend(more.updates),
                Ok(more) => {
                    next = Some(more);
                    break;
                }
                Err(_) => break,
            }
        }
        courier.deliver(request).await;
        if next.is_none() {
            next = waiting.recv().await;
        }
    }
}

impl Request {
    fn goes_with(&self, other: &Self) -> bool {
        let goes_along = |update: &Update| update.account_event_at.is_none() && !update.forged_first;
        self.generation == other.generation && self.updates.iter().chain(&other.updates).all(goes_along)
    }
}
