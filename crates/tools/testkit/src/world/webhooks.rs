//! The booking platform: what it sends, correctly signed, and what it is answered.

use std::net::SocketAddr;

use chrono::Utc;
use crypto::signature::sign_standard;
use reqwest::{RequestBuilder, StatusCode};
use service::lock;
use uuid::Uuid;

use super::{Event, ResortFile, World, must};

impl World {
    /// Sends a webhook, correctly signed, and expects that it is accepted.
    ///
    /// # Panics
    /// Where it is not.
    pub async fn post(&self, event: &Event) {
        let (status, answer) = self.send(event).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }

    /// As [`World::post`], in this trace.
    ///
    /// # Panics
    /// As [`World::post`].
    pub async fn post_in(&self, traceparent: &str, event: &Event) {
        let request = self.webhook(self.ingest.address(), event.bytes());
        let (status, answer) = self.exchange(request.header("traceparent", traceparent)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }

    /// Sends a webhook, correctly signed, and returns status and body of the answer.
    ///
    /// # Panics
    /// Where there is no answer.
    pub async fn send(&self, event: &Event) -> (StatusCode, String) {
        self.send_bytes(event.bytes()).await
    }

    /// As [`World::send`], with whatever bytes.
    ///
    /// # Panics
    /// As [`World::send`].
    pub async fn send_bytes(&self, body: Vec<u8>) -> (StatusCode, String) {
        self.exchange(self.webhook(self.ingest.address(), body)).await
    }

    async fn exchange(&self, request: RequestBuilder) -> (StatusCode, String) {
        let answer = must("ingest's answer", request.send().await);
        let (status, head) = (answer.status(), format!("{:?}\n", answer.headers()));
        let body = must("ingest's answer", answer.text().await);
        lock(&self.answers).extend(format!("{head}{body}\n").bytes());
        (status, body)
    }

    /// Replaces the resort's file: programs that start read it at once, those that run within 5 s.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn write_resort(&self, resort: &ResortFile) {
        let path = self.folder.path().join("resorts/azure-bay.toml");
        must("the resort's file", std::fs::write(path, resort.text()));
    }

    /// Writes the file of one more source, whose webhooks `ingest` takes from then on. A program that starts reads it too.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub async fn add_source(&self, source: &str, text: &str) {
        let path = self.folder.path().join(format!("sources/{source}.toml"));
        must("a source's file", std::fs::write(path, text));
        self.signal("ingest", "HUP");
        let url = format!("http://{}/webhooks/{source}", self.ingest.address());
        self.until("ingest knows the source", async || {
            let answer = self.http.post(&url).send().await.ok()?;
            (answer.status() != StatusCode::NOT_FOUND).then_some(())
        })
        .await;
    }

    /// Sends a body with a bearer token to another source, and returns status and body of the answer.
    ///
    /// # Panics
    /// As [`World::send`].
    pub async fn send_as(&self, path: &str, token: &str, body: Vec<u8>) -> (StatusCode, String) {
        let request = self
            .http
            .post(format!("http://{}{path}", self.ingest.address()))
            .header("content-type", "application/json")
            .bearer_auth(token)
            .body(body);
        let answer = must("ingest's answer", request.send().await);
        (answer.status(), must("ingest's answer", answer.text().await))
    }

    /// Everything that was answered to webhooks so far, heads and bodies.
    pub fn answers(&self) -> Vec<u8> {
        lock(&self.answers).clone()
    }

    /// A signed webhook to an ingest.
    pub(super) fn webhook(&self, ingest: SocketAddr, body: Vec<u8>) -> RequestBuilder {
        let (id, now) = (Uuid::now_v7().to_string(), Utc::now().timestamp());
        let signature = sign_standard(&self.secrets.signing, &id, now, &body);
        self.http
            .post(format!("http://{ingest}/webhooks/direct"))
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", now)
            .header("webhook-signature", signature)
            .body(body)
    }
}
