//! WhatsApp, played by the sandbox within this process, where no fault can reach its memory: what it took is what the
//! guests got.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use reqwest::Client;
use sandbox::{Callback, Sandbox, Settings, Templates};
use serde::Deserialize;
use serde_json::json;
use service::Stop;
use testkit::world::{APPROVED, Secrets};

use crate::fault::Mood;

/// The statuses of every message that is taken, and when they come.
const STATUSES: &str = "sent=50ms,delivered=600ms";
/// How many those are.
pub(crate) const REPORTS_OF_EACH: usize = 2;
/// Longer than a sender waits.
const HANGING_MS: u64 = 12_000;
const SLOW_MS: u64 = 3_000;

/// The sandbox and how to speak with it.
#[derive(Debug)]
pub(crate) struct WhatsApp {
    sandbox: Sandbox,
    http: Client,
}

/// One call, as the sandbox saw it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Call {
    pub(crate) at: DateTime<Utc>,
    pub(crate) to: Option<String>,
    pub(crate) template: Option<String>,
    /// The message's id, a dot, and the number of the attempt.
    pub(crate) callback_data: Option<String>,
    pub(crate) accepted: bool,
}

impl Call {
    /// The id of the message that it was for.
    pub(crate) fn message(&self) -> Option<&str> {
        self.callback_data.as_deref()?.split('.').next()
    }
}

impl WhatsApp {
    /// Starts it; reports go to this address.
    pub(crate) fn start(
        secrets: &Secrets,
        reports_to: std::net::SocketAddr,
        http: Client,
        stop: &Stop,
    ) -> anyhow::Result<Self> {
        let mut settings = Settings::for_tests();
        let callback = format!("http://{reports_to}/webhooks/whatsapp");
        settings.callback = Some(Callback::new(&callback, &secrets.app).map_err(anyhow::Error::msg)?);
        settings.templates = Templates::parse(APPROVED)?;
        settings.tokens = Some([secrets.access_token.clone()].into());
        settings.status_times = sandbox::StatusTimes::parse(STATUSES).map_err(anyhow::Error::msg)?;
        Ok(Self {
            sandbox: sandbox::start(settings, stop)?,
            http,
        })
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.sandbox.address()
    }

    /// From now on every second message meets with this.
    pub(crate) async fn is(&self, mood: Mood) -> anyhow::Result<()> {
        let page = "<html><body>Bad Gateway</body></html>";
        let answer = match mood {
            Mood::Slow => json!({ "after_ms": SLOW_MS }),
            Mood::Hanging => json!({ "after_ms": HANGING_MS }),
            Mood::CutsBefore => json!({ "cut": true }),
            Mood::CutsAfter => json!({ "cut": true, "accepted": true }),
            Mood::GarbageAndLost => json!({ "http": 502, "body": page }),
            Mood::GarbageAndTaken => json!({ "http": 200, "body": page }),
        };
        let rule = json!({ "every": 2, "answer": answer });
        let request = self.http.post(self.url("failures")).json(&rule);
        request.send().await?.error_for_status()?;
        Ok(())
    }

    /// All is well again.
    pub(crate) async fn is_well(&self) -> anyhow::Result<()> {
        let request = self.http.delete(self.url("failures"));
        request.send().await?.error_for_status()?;
        Ok(())
    }

    /// Every call that it got, oldest first.
    pub(crate) async fn calls(&self) -> anyhow::Result<Vec<Call>> {
        let answer = self.http.get(self.url("messages")).send().await?;
        answer.json().await.context("cannot read the sandbox's messages")
    }

    /// How many messages it has taken so far, as its metrics say.
    pub(crate) async fn taken(&self) -> anyhow::Result<usize> {
        let answer = self
            .http
            .get(format!("{}/metrics", self.sandbox.url()))
            .send()
            .await?;
        let text = answer.text().await?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("sandbox_calls_total{result=\"taken\"} "));
        Ok(line.and_then(|count| count.parse().ok()).unwrap_or_default())
    }

    fn url(&self, what: &str) -> String {
        format!("{}/sandbox/{what}", self.sandbox.url())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_reports_are_expected_as_there_are_statuses() {
        assert_eq!(STATUSES.split(',').count(), REPORTS_OF_EACH);
    }
}
