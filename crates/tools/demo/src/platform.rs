//! The booking platform: sends signed webhooks to ingest.

use anyhow::{Context, ensure};
use chrono::Utc;
use crypto::signature::sign_standard;
use reqwest::{Client, StatusCode, Url};
use serde_json::Value;

/// A website that speaks Standard Webhooks, as the source `direct`.
pub(crate) struct Platform {
    http: Client,
    ingest: Url,
    secret: String,
}

impl Platform {
    pub(crate) fn new(http: Client, ingest: Url, secret: String) -> Self {
        Self { http, ingest, secret }
    }

    /// Sends one event; anything but 200 is a failure.
    pub(crate) async fn send(&self, event_id: &str, event: &Value) -> anyhow::Result<()> {
        let body = serde_json::to_vec(event).context("cannot write the event")?;
        let sent_at = Utc::now().timestamp();
        let response = self
            .http
            .post(
                self.ingest
                    .join("/webhooks/direct")
                    .context("DEMO_INGEST_URL takes no path")?,
            )
            .header("content-type", "application/json")
            .header("webhook-id", event_id)
            .header("webhook-timestamp", sent_at)
            .header(
                "webhook-signature",
                sign_standard(&self.secret, event_id, sent_at, &body),
            )
            .body(body)
            .send()
            .await
            .context("cannot reach ingest")?;
        let status = response.status();
        let answer = response.text().await.unwrap_or_default();
        ensure!(status == StatusCode::OK, "ingest answered {status}: {answer}");
        Ok(())
    }
}
