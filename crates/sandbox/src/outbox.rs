//! Brings notifications to the callback: signed, in order for each guest, repeated until they are taken.

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

/// Guests are spread over lanes; within one, a request follows when the former was taken.
const LANES: u64 = 8;
/// How many waiting updates go together when nobody asks for more.
const TOGETHER: usize = 20;
/// How long updates that shall go together wait for the rest.
const BATCH_PATIENCE: Duration = Duration::from_secs(2);

/// One update, such as a status of a message.
#[derive(Debug)]
pub(crate) struct Update {
    /// The change as Meta writes it.
    pub(crate) change: String,
    /// Set for what happens to templates and accounts; such an update goes alone.
    pub(crate) account_event_at: Option<Millis>,
    /// A copy with a wrong signature goes first.
    pub(crate) forged_first: bool,
    /// Told when the callback has taken it.
    pub(crate) taken: Option<oneshot::Sender<()>>,
}

/// Updates that go in one request, and the clearing that they came after.
struct Letter {
    updates: Vec<Update>,
    generation: u64,
}

/// Where updates wait; without a callback they are thrown away.
pub(crate) struct Outbox {
    lanes: Vec<mpsc::UnboundedSender<Letter>>,
    courier: Option<Arc<Courier>>,
    held: Mutex<VecDeque<Update>>,
    tally: Tally,
    generation: Arc<AtomicU64>,
    runtime: Handle,
}

/// What became of the updates.
#[derive(Clone)]
pub(crate) struct Tally {
    pub(crate) updates: IntCounterVec,
    pub(crate) waiting: IntGauge,
}

impl Tally {
    pub(crate) fn new(metrics: &Metrics) -> Result<Self, MetricError> {
        let help = "Updates by what became of them; repeated counts further tries of a request.";
        Ok(Self {
            updates: metrics.counters("sandbox_updates_total", help, &["result"])?,
            waiting: metrics.gauge(
                "sandbox_updates_waiting",
                "Updates that the callback has not taken yet.",
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
    /// Starts the lanes on the current runtime.
    pub(crate) fn start(callback: Option<Callback>, tally: Tally, stop: &Stop) -> std::io::Result<Self> {
        let generation = Arc::new(AtomicU64::new(0));
        let courier = callback
            .map(|callback| {
                Courier::new(callback, tally.clone(), generation.clone(), stop.clone()).map(Arc::new)
            })
            .transpose()?;
        let mut lanes = Vec::new();
        if let Some(courier) = &courier {
            for _ in 0..LANES {
                let (sender, receiver) = mpsc::unbounded_channel();
                tokio::spawn(run_lane(receiver, courier.clone()));
                lanes.push(sender);
            }
        }
        Ok(Self {
            lanes,
            courier,
            held: Mutex::default(),
            tally,
            generation,
            runtime: Handle::current(),
        })
    }

    /// Asks the callback to verify itself: its status, and whether it echoed the challenge; why not otherwise.
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

    /// Keeps updates back until so many can go in one request, or for two seconds.
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

    /// Drops everything that the callback has not taken yet.
    pub(crate) fn clear(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many updates were taken, repeated, dropped, and are waiting.
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
        let lane = usize::try_from(hasher.finish() % LANES).unwrap_or_default();
        let Some(lane) = self.lanes.get(lane) else { return };
        self.tally
            .waiting
            .add(i64::try_from(updates.len()).unwrap_or(i64::MAX));
        let letter = Letter {
            updates,
            generation: self.generation.load(Ordering::Relaxed),
        };
        let _ = lane.send(letter);
    }
}

async fn run_lane(mut waiting: mpsc::UnboundedReceiver<Letter>, courier: Arc<Courier>) {
    let mut next = waiting.recv().await;
    while let Some(mut letter) = next.take() {
        while letter.updates.len() < TOGETHER {
            match waiting.try_recv() {
                Ok(more) if letter.goes_with(&more) => letter.updates.extend(more.updates),
                Ok(more) => {
                    next = Some(more);
                    break;
                }
                Err(_) => break,
            }
        }
        courier.deliver(letter).await;
        if next.is_none() {
            next = waiting.recv().await;
        }
    }
}

impl Letter {
    fn goes_with(&self, other: &Self) -> bool {
        let goes_along = |update: &Update| update.account_event_at.is_none() && !update.forged_first;
        self.generation == other.generation && self.updates.iter().chain(&other.updates).all(goes_along)
    }
}
