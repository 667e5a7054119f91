//! The booking platforms: they tell every event, and tell it again until it is accepted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use crypto::signature::sign_standard;
use reqwest::StatusCode;
use service::{Stop, lock};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::bookings::{SOURCES, Webhook};
use crate::stage::Stage;

/// Requests under way at once.
const AT_ONCE: usize = 100;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The pause before an event is sent again.
const AGAIN_AFTER: Duration = Duration::from_millis(700);

/// The events that were sent so far.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    accepted: AtomicUsize,
    repeated: AtomicUsize,
    /// Answers other than 200 by their status; 0 where there was none.
    refusals: Mutex<BTreeMap<u16, usize>>,
}

impl Sent {
    /// How many different events were answered with 200.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// How often one that was accepted already was accepted again.
    pub(crate) fn repeated(&self) -> usize {
        self.repeated.load(Ordering::Relaxed)
    }

    pub(crate) fn refusals(&self) -> BTreeMap<u16, usize> {
        lock(&self.refusals).clone()
    }

    fn refused(&self, status: Option<StatusCode>) {
        let status = status.map_or(0, |status| status.as_u16());
        let mut refusals = lock(&self.refusals);
        *refusals.entry(status).or_default() += 1;
    }
}

/// The begin of a run, on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begin {
    pub(crate) at: DateTime<Utc>,
    pub(crate) instant: Instant,
}

/// Tells everything at its time, and returns when all of it was accepted, or at the stop.
pub(crate) async fn send_all(
    stage: &Arc<Stage>,
    webhooks: Vec<Webhook>,
    begin: Begin,
    sent: &Arc<Sent>,
    stop: &Stop,
) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut sending = JoinSet::new();
    for one in webhooks {
        sleep_until(begin.instant + one.at).await;
        if stop.is_stopped() {
            break;
        }
        let (stage, sent, places, stop) = (
            Arc::clone(stage),
            Arc::clone(sent),
            Arc::clone(&places),
            stop.clone(),
        );
        sending.spawn(async move {
            for time in 0..one.times {
                if time > 0 {
                    sleep(AGAIN_AFTER).await;
                }
                send(&stage, &one, begin, &places, &sent, &stop).await;
                let counter = if time == 0 { &sent.accepted } else { &sent.repeated };
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        while sending.try_join_next().is_some() {}
    }
    tokio::select! {
        () = stop.stopped() => {}
        () = async { while sending.join_next().await.is_some() {} } => {}
    }
}

/// Tells one event until it is accepted, with growing pauses, at both ingests in turn.
async fn send(stage: &Stage, one: &Webhook, begin: Begin, places: &Semaphore, sent: &Sent, stop: &Stop) {
    let body = one.event(begin.at).bytes();
    let mut pause = FIRST_PAUSE;
    for ingest in stage
        .processes
        .ingests()
        .into_iter()
        .cycle()
        .skip(one.id.len() + one.source)
    {
        let status = {
            let _place = places.acquire().await;
            post(stage, one, &body, ingest).await
        };
        if status == Some(StatusCode::OK) || stop.is_stopped() {
            return;
        }
        sent.refused(status);
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn post(stage: &Stage, one: &Webhook, body: &[u8], ingest: std::net::SocketAddr) -> Option<StatusCode> {
    let source = SOURCES.get(one.source).copied().unwrap_or_default();
    let now = Utc::now().timestamp();
    let request = stage
        .http
        .post(format!("http://{ingest}/webhooks/{source}"))
        .header("content-type", "application/json")
        .header("webhook-id", &one.id)
        .header("webhook-timestamp", now)
        .header(
            "webhook-signature",
            sign_standard(&stage.secrets.signing, &one.id, now, body),
        )
        .body(body.to_vec());
    request.send().await.ok().map(|answer| answer.status())
}
