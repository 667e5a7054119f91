//! WhatsApp's end: it accepts every message as the Cloud API does, and remembers when each call came.
//!
//! It checks nothing and logs nothing, to be far from the limit. Two things it can do besides: throttle numbers, and report
//! statuses ([`reports`]).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{App, HttpResponse, HttpServer, web};
use serde::Deserialize;
use service::lock;
use tokio::sync::{Semaphore, mpsc};

use crate::webhook::guest_of;

pub(crate) mod reports;

const THROTTLED: &str = r#"{"error":{"message":"(#130429) Rate limit hit","type":"OAuthException","code":130429,"error_data":{"messaging_product":"whatsapp","details":"Message failed to send because there were too many messages sent from this phone number in a short period of time"},"fbtrace_id":"AbenchAbenchAbenchAbench"}}"#;

/// A message that was accepted.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) guest: u32,
    /// The business number's id.
    pub(crate) number: Arc<str>,
    pub(crate) at: Instant,
}

/// What its status is reported of.
#[derive(Debug)]
pub(crate) struct Accepted {
    wamid: String,
    number: String,
    recipient: String,
    callback: String,
    at: Instant,
}

#[derive(Debug, Default)]
struct State {
    calls: Mutex<Vec<Call>>,
    count: AtomicUsize,
    /// The last accepted body, as a model.
    body: Mutex<Bytes>,
    numbers: Mutex<HashMap<String, Arc<str>>>,
    wamids: AtomicUsize,
    /// Gets a place back for each call, where nothing is reported.
    window: Mutex<Option<Arc<Semaphore>>>,
    reporting: Mutex<Option<mpsc::UnboundedSender<Accepted>>>,
    /// The least time between two messages of a number that is throttled, and when the last one was accepted.
    throttled: Mutex<HashMap<String, (Duration, Option<Instant>)>>,
}

/// It runs until this value is dropped.
#[derive(Debug)]
pub(crate) struct Sink {
    state: Data<State>,
    address: SocketAddr,
    handle: ServerHandle,
}

#[derive(Deserialize)]
struct Message<'m> {
    to: &'m str,
    biz_opaque_callback_data: &'m str,
}

impl Sink {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let state = Data::new(State::default());
        let shared = state.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .route(
                    "/{version}/{number}/{endpoint:messages|marketing_messages}",
                    web::post().to(take),
                )
                // What a sender asks to see whether WhatsApp can be reached.
                .default_service(web::to(HttpResponse::NotFound))
        })
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))?;
        let address = server.addrs().first().copied();
        let running = server.run();
        let handle = running.handle();
        tokio::spawn(running);
        Ok(Self {
            state,
            address: address.ok_or_else(|| anyhow::anyhow!("the sink does not listen"))?,
            handle,
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many messages it has accepted since it was cleared.
    pub(crate) fn count(&self) -> usize {
        self.state.count.load(Ordering::Relaxed)
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        lock(&self.state.calls).clone()
    }

    pub(crate) fn body(&self) -> Bytes {
        lock(&self.state.body).clone()
    }

    /// Forgets everything: a new round begins.
    pub(crate) fn clear(&self) {
        lock(&self.state.calls).clear();
        self.state.count.store(0, Ordering::Relaxed);
        *lock(&self.state.window) = None;
        *lock(&self.state.reporting) = None;
        lock(&self.state.throttled).clear();
    }

    /// Gives a place back for each call from now on.
    pub(crate) fn open_window(&self, window: &Arc<Semaphore>) {
        *lock(&self.state.window) = Some(Arc::clone(window));
    }

    /// What it accepts from now on.
    pub(crate) fn accepted(&self) -> mpsc::UnboundedReceiver<Accepted> {
        let (give, take) = mpsc::unbounded_channel();
        *lock(&self.state.reporting) = Some(give);
        take
    }

    /// Accepts from this number only one message within this time, until the next [`Sink::clear`].
    pub(crate) fn throttle(&self, number: &str, period: Duration) {
        lock(&self.state.throttled).insert(number.to_owned(), (period, None));
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // It stops without being waited for.
        drop(self.handle.stop(false));
    }
}

impl State {
    fn is_throttled(&self, number: &str, now: Instant) -> bool {
        let mut throttled = lock(&self.throttled);
        let Some((period, last)) = throttled.get_mut(number) else {
            return false;
        };
        if last.is_some_and(|last| now.duration_since(last) < *period) {
            return true;
        }
        *last = Some(now);
        false
    }

    fn accept(&self, number: String, message: &Message<'_>, now: Instant) -> String {
        let known = Arc::clone(
            lock(&self.numbers)
                .entry(number.clone())
                .or_insert_with(|| number.as_str().into()),
        );
        let wamid = format!(
            "wamid.HBgMMzA2OTQ{:020}",
            self.wamids.fetch_add(1, Ordering::Relaxed)
        );
        lock(&self.calls).push(Call {
            guest: guest_of(message.to).unwrap_or_default(),
            number: known,
            at: now,
        });
        self.count.fetch_add(1, Ordering::Relaxed);
        let recipient = message.to.trim_start_matches('+').to_owned();
        let answer = format!(
            r#"{{"messaging_product":"whatsapp","contacts":[{{"input":"{}","wa_id":"{recipient}"}}],"messages":[{{"id":"{wamid}","message_status":"accepted"}}]}}"#,
            message.to
        );
        if let Some(reporting) = &*lock(&self.reporting) {
            let _ = reporting.send(Accepted {
                wamid,
                number,
                recipient,
                callback: message.biz_opaque_callback_data.to_owned(),
                at: now,
            });
        } else if let Some(window) = &*lock(&self.window) {
            window.add_permits(1);
        }
        answer
    }
}

async fn take(path: Path<(String, String)>, body: Bytes, state: Data<State>) -> HttpResponse {
    let now = Instant::now();
    let (_, number) = path.into_inner();
    let Ok(message) = serde_json::from_slice::<Message<'_>>(&body) else {
        return HttpResponse::BadRequest().finish();
    };
    let json = "application/json; charset=UTF-8";
    if state.is_throttled(&number, now) {
        return HttpResponse::TooManyRequests().content_type(json).body(THROTTLED);
    }
    let answer = state.accept(number, &message, now);
    lock(&state.body).clone_from(&body);
    HttpResponse::Ok().content_type(json).body(answer)
}
