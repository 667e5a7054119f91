//! The booking platforms: they tell every event, and tell it again until it is accepted.

use std::collections::BTreeMap;
use std::iter;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
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
    answers: Mutex<Vec<Answer>>,
    /// Guests who begin later are left out.
    end: OnceLock<Duration>,
}

/// One try of a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) at: DateTime<Utc>,
    /// 0 where there was none.
    pub(crate) status: u16,
}

impl Answer {
    pub(crate) fn is_accepted(self) -> bool {
        self.status == StatusCode::OK
    }
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

    /// From now on no guest begins.
    pub(crate) fn end_at(&self, end: Duration) {
        let _ = self.end.set(end);
    }

    /// Where it was ended.
    pub(crate) fn end(&self) -> Option<Duration> {
        self.end.get().copied()
    }

    fn has_ended_before(&self, one: &Webhook) -> bool {
        self.end().is_some_and(|end| end < one.guest_begins_at)
    }

    /// All answers so far, in their order.
    pub(crate) fn answers(&self) -> Vec<Answer> {
        lock(&self.answers).clone()
    }

    /// Answers other than 200 by their status.
    pub(crate) fn refusals(&self) -> BTreeMap<u16, usize> {
        let mut refusals = BTreeMap::new();
        for answer in lock(&self.answers).iter().filter(|answer| !answer.is_accepted()) {
            *refusals.entry(answer.status).or_default() += 1;
        }
        refusals
    }

    fn answered(&self, status: Option<StatusCode>) {
        let status = status.map_or(0, |status| status.as_u16());
        let at = Utc::now();
        lock(&self.answers).push(Answer { at, status });
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
        if sent.has_ended_before(&one) {
            continue;
        }
        sleep_until(begin.instant + one.at).await;
        if stop.is_stopped() {
            break;
        }
        if sent.has_ended_before(&one) {
            continue;
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

/// Tells one event until it is accepted, with growing pauses, each time at the next ingest.
async fn send(stage: &Stage, one: &Webhook, begin: Begin, places: &Semaphore, sent: &Sent, stop: &Stop) {
    let body = one.event(begin.at).bytes();
    let mut pause = FIRST_PAUSE;
    for turn in iter::successors(Some(one.id.len() + one.source), |turn| Some(turn + 1)) {
        let status = {
            let _place = places.acquire().await;
            match stage.load_balancer.choose(turn) {
                Some(ingest) => post(stage, one, &body, ingest).await,
                // What a load balancer answers.
                None => Some(StatusCode::SERVICE_UNAVAILABLE),
            }
        };
        sent.answered(status);
        if status == Some(StatusCode::OK) || stop.is_stopped() {
            return;
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn post(stage: &Stage, one: &Webhook, body: &[u8], ingest: SocketAddr) -> Option<StatusCode> {
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
