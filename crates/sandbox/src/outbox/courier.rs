//! Sends a request to the callback, and again with growing pauses until the answer is exactly 200.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Client, redirect, retry};
use rustls::{ClientConfig, RootCertStore};
use service::Stop;

use super::{Request, Tally};
use crate::notification::envelope;
use crate::settings::Callback;

const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Attempts of a request that the callback answers with 4xx; the real WhatsApp repeats for days.
const REFUSALS_MAX: u32 = 10;
/// For a callback that is away or answers 5xx.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60 * 60);

pub(super) struct Courier {
    client: Client,
    callback: Callback,
    tally: Tally,
    generation: Arc<AtomicU64>,
    stop: Stop,
}

enum Answer {
    Taken,
    Refused,
    Away,
}

impl Courier {
    pub(super) fn new(
        callback: Callback,
        tally: Tally,
        generation: Arc<AtomicU64>,
        stop: Stop,
    ) -> io::Result<Self> {
        // The client wants a TLS set-up even though callbacks are plain http.
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .retry(retry::never())
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(ANSWER_TIMEOUT)
            .build()
            .map_err(io::Error::other)?;
        Ok(Self {
            client,
            callback,
            tally,
            generation,
            stop,
        })
    }

    pub(super) async fn deliver(&self, request: Request) {
        let count = request.updates.len();
        let result = tokio::select! {
            () = self.stop.stopped() => "dropped",
            taken = self.try_until_taken(&request) => if taken { "taken" } else { "dropped" },
        };
        self.tally.settle(result, count);
        if result == "taken" {
            for accepted in request.updates.into_iter().filter_map(|update| update.taken) {
                let _ = accepted.send(());
            }
        }
    }

    /// The question of Meta when a callback is registered.
    pub(super) async fn shake_hands(&self, verify_token: &str) -> Result<(u16, bool), reqwest::Error> {
        const CHALLENGE: &str = "1158201444";
        let mut url = self.callback.url.clone();
        url.query_pairs_mut()
            .append_pair("hub.mode", "subscribe")
            .append_pair("hub.challenge", CHALLENGE)
            .append_pair("hub.verify_token", verify_token);
        let answer = self
            .client
            .get(url)
            .send()
            .await
            .map_err(reqwest::Error::without_url)?;
        let status = answer.status().as_u16();
        let body = answer.text().await.map_err(reqwest::Error::without_url)?;
        Ok((status, body == CHALLENGE))
    }

    async fn try_until_taken(&self, request: &Request) -> bool {
        let account_event_at = request.updates.iter().find_map(|update| update.account_event_at);
        let body = envelope(
            request.updates.iter().map(|update| update.change.as_str()),
            account_event_at,
        );
        let signature = crypto::signature::sign_github(&self.callback.app_secret, body.as_bytes());
        if request.updates.iter().any(|update| update.forged_first) {
            let forged = crypto::signature::sign_github("not the secret", body.as_bytes());
            self.post(body.clone(), &forged).await;
        }
        let (begun, mut refusals, mut pause) = (Instant::now(), 0, Duration::ZERO);
        loop {
            if request.generation != self.generation.load(Ordering::Relaxed) {
                return false;
            }
            match self.post(body.clone(), &signature).await {
                Answer::Taken => return true,
                Answer::Refused => refusals += 1,
                Answer::Away => {}
            }
            if refusals >= REFUSALS_MAX || begun.elapsed() >= GIVE_UP_AFTER {
                log::warn!(event = "notification_given_up", updates = request.updates.len(); "gave up on a notification");
                return false;
            }
            self.tally.count("repeated", request.updates.len());
            tokio::time::sleep(pause).await;
            pause = (pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        }
    }

    async fn post(&self, body: String, signature: &str) -> Answer {
        let request = self
            .client
            .post(self.callback.url.clone())
            .header("content-type", "application/json")
            .header("user-agent", "facebookexternalua")
            .header("x-hub-signature-256", signature)
            .body(body);
        match request.send().await {
            Ok(answer) if answer.status() == 200 => Answer::Taken,
            Ok(answer) => {
                log::warn!(event = "notification_refused", status = answer.status().as_u16(); "the callback refused a notification");
                if answer.status().is_client_error() {
                    Answer::Refused
                } else {
                    Answer::Away
                }
            }
            Err(error) => {
                log::warn!(event = "callback_unreachable", error = service::chain(&error.without_url()); "the callback cannot be reached");
                Answer::Away
            }
        }
    }
}
