//! One request to the callback, repeated with growing pauses until it is answered with exactly 200.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Client, redirect, retry};
use rustls::{ClientConfig, RootCertStore};
use service::Stop;

use super::{Letter, Tally};
use crate::notification::envelope;
use crate::settings::Callback;

const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A request that the callback refuses for its own sake is tried so often; the real one goes on for days.
const REFUSALS_MAX: u32 = 10;
/// A callback that is away or answers 5xx is tried so long.
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

    pub(super) async fn deliver(&self, letter: Letter) {
        let count = letter.updates.len();
        let result = tokio::select! {
            () = self.stop.stopped() => "dropped",
            taken = self.try_until_taken(&letter) => if taken { "taken" } else { "dropped" },
        };
        self.tally.settle(result, count);
        if result == "taken" {
            for told in letter.updates.into_iter().filter_map(|update| update.taken) {
                let _ = told.send(());
            }
        }
    }

    /// Asks the callback as Meta does when it is registered: its status, and whether it echoed the challenge.
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

    async fn try_until_taken(&self, letter: &Letter) -> bool {
        let account_event_at = letter.updates.iter().find_map(|update| update.account_event_at);
        let body = envelope(
            letter.updates.iter().map(|update| update.change.as_str()),
            account_event_at,
        );
        let signature = crypto::signature::sign_github(&self.callback.app_secret, body.as_bytes());
        if letter.updates.iter().any(|update| update.forged_first) {
            let forged = crypto::signature::sign_github("not the secret", body.as_bytes());
            self.post(body.clone(), &forged).await;
        }
        let (begun, mut refusals, mut pause) = (Instant::now(), 0, Duration::ZERO);
        loop {
            if letter.generation != self.generation.load(Ordering::Relaxed) {
                return false;
            }
            match self.post(body.clone(), &signature).await {
                Answer::Taken => return true,
                Answer::Refused => refusals += 1,
                Answer::Away => {}
            }
            if refusals >= REFUSALS_MAX || begun.elapsed() >= GIVE_UP_AFTER {
                log::warn!(updates = letter.updates.len(); "gave up on a notification");
                return false;
            }
            self.tally.count("repeated", letter.updates.len());
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
                log::warn!(status = answer.status().as_u16(); "the callback did not take a notification");
                if answer.status().is_client_error() {
                    Answer::Refused
                } else {
                    Answer::Away
                }
            }
            Err(error) => {
                log::warn!(error = service::chain(&error.without_url()); "the callback cannot be reached");
                Answer::Away
            }
        }
    }
}
