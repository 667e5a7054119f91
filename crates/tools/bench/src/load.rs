//! Webhooks, signed beforehand, sent so many at a time.

use std::net::SocketAddr;
use std::time::Duration;

use chrono::Utc;
use crypto::signature::sign_standard;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::Client;
use testkit::world::Event;
use tokio::time::Instant;
use uuid::Uuid;

/// One webhook, ready to go.
struct Webhook {
    id: String,
    timestamp: i64,
    signature: String,
    body: Vec<u8>,
}

impl Webhook {
    fn new(number: usize, secret: &str) -> Self {
        let event = Event::started(&format!("BK-{number}"), "+306912345678")
            .staying("2026-12-20", "2026-12-27")
            .with("/booking/room", "Sea view");
        let (id, timestamp) = (Uuid::now_v7().to_string(), Utc::now().timestamp());
        let body = event.bytes();
        let signature = sign_standard(secret, &id, timestamp, &body);
        Self {
            id,
            timestamp,
            signature,
            body,
        }
    }

    async fn send(self, http: &Client, url: &str) -> anyhow::Result<Duration> {
        let begin = Instant::now();
        let request = http
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", self.id)
            .header("webhook-timestamp", self.timestamp)
            .header("webhook-signature", self.signature)
            .body(self.body);
        let answer = request.send().await?.error_for_status()?;
        answer.bytes().await?;
        Ok(begin.elapsed())
    }
}

/// How long each answer took, shortest first, and all of them together.
pub(crate) struct Taken {
    pub(crate) each: Vec<Duration>,
    pub(crate) all: Duration,
}

/// Sends so many webhooks; one that is not answered with 200 is an error.
pub(crate) async fn send(
    to: SocketAddr,
    secret: &str,
    requests: usize,
    at_once: usize,
) -> anyhow::Result<Taken> {
    let http = Client::builder().no_proxy().tls_certs_only([]).build()?;
    let url = format!("http://{to}/webhooks/direct");
    let webhooks: Vec<Webhook> = (0..requests).map(|number| Webhook::new(number, secret)).collect();
    let begin = Instant::now();
    let mut each: Vec<Duration> = stream::iter(webhooks)
        .map(|webhook| webhook.send(&http, &url))
        .buffer_unordered(at_once)
        .try_collect()
        .await?;
    let all = begin.elapsed();
    each.sort_unstable();
    Ok(Taken { each, all })
}
