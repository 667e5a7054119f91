//! The guest's phone: what the sandbox has delivered to it.

use anyhow::Context;
use chrono::{DateTime, Utc};
use reqwest::{Client, Url};
use serde::Deserialize;
use serde_json::json;

/// Reads the sandbox's journal for one recipient.
pub(crate) struct Phone {
    http: Client,
    sandbox: Url,
}

/// One message as the guest sees it.
#[derive(Deserialize)]
pub(crate) struct Received {
    pub(crate) at: DateTime<Utc>,
    pub(crate) to: Option<String>,
    pub(crate) template: Option<String>,
    #[serde(default)]
    pub(crate) header: Option<String>,
    pub(crate) body: Option<String>,
    #[serde(default)]
    pub(crate) footer: Option<String>,
    #[serde(default)]
    pub(crate) button_url: Option<String>,
    #[serde(default)]
    pub(crate) replies: Vec<QuickReply>,
    pub(crate) wamid: Option<String>,
    pub(crate) accepted: bool,
    #[serde(default)]
    pub(crate) error_code: Option<i64>,
    pub(crate) statuses: Vec<String>,
}

/// A button that the guest can tap.
#[derive(Deserialize)]
pub(crate) struct QuickReply {
    /// The label, where the sandbox knows the template.
    pub(crate) text: Option<String>,
    payload: String,
}

impl QuickReply {
    pub(crate) fn label(&self) -> &str {
        self.text.as_deref().unwrap_or(&self.payload)
    }
}

impl Phone {
    pub(crate) fn new(http: Client, sandbox: Url) -> Self {
        Self { http, sandbox }
    }

    /// Every message that WhatsApp was asked to bring to `number` since then, oldest first; also those that it refused.
    pub(crate) async fn messages(&self, number: &str, since: DateTime<Utc>) -> anyhow::Result<Vec<Received>> {
        let all = self.all_messages().await?;
        Ok(all
            .into_iter()
            .filter(|message| message.to.as_deref() == Some(number) && message.at >= since)
            .collect())
    }

    /// Every message to anyone.
    pub(crate) async fn all_messages(&self) -> anyhow::Result<Vec<Received>> {
        let url = self
            .sandbox
            .join("/sandbox/messages")
            .context("DEMO_SANDBOX_URL takes no path")?;
        let response = self
            .http
            .get(url)
            .send()
            .await
            .context("cannot reach the sandbox")?;
        response
            .error_for_status()
            .context("the sandbox refused to show its messages")?
            .json()
            .await
            .context("cannot read the sandbox's messages")
    }
}

impl Phone {
    /// The page that shows the guest's phone.
    pub(crate) fn page(&self, number: &str) -> anyhow::Result<Url> {
        let page = self.sandbox.join(&format!("/phone/{number}"));
        page.context("DEMO_SANDBOX_URL takes no path")
    }

    /// The guest taps the button with this label.
    pub(crate) async fn tap(&self, number: &str, message: &Received, label: &str) -> anyhow::Result<()> {
        let button = message.replies.iter().find(|reply| reply.label() == label);
        let button = button.with_context(|| format!("the message has no button {label}"))?;
        let url = self
            .sandbox
            .join("/sandbox/inbound")
            .context("DEMO_SANDBOX_URL takes no path")?;
        let tapped = json!({ "payload": button.payload, "text": label, "wamid": message.wamid });
        self.http
            .post(url)
            .json(&json!({ "from": number, "button": tapped }))
            .send()
            .await
            .context("cannot reach the sandbox")?
            .error_for_status()
            .context("the sandbox refused the guest's tap")?;
        Ok(())
    }
}

impl Received {
    pub(crate) fn is_read(&self) -> bool {
        self.statuses.iter().any(|status| status == "read")
    }
}
