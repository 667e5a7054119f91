//! The desk, asked as the support staff would: its command line and its page.

use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Client, Url, redirect};
use serde_json::Value;

/// The desk's program, if there is one to ask.
pub(crate) struct Desk {
    program: Option<String>,
    /// A one-time link that signs in at the desk's page, if the page is to be tried.
    link: Option<Url>,
}

impl Desk {
    pub(crate) fn new(program: Option<String>, link: Option<Url>) -> Self {
        Self { program, link }
    }

    /// Signs in at the page as a browser does, by the link and its button, and reads the booking's page; `None` where the page
    /// is not to be tried.
    pub(crate) async fn read_page(&self, resort: &str, booking: &str) -> anyhow::Result<Option<String>> {
        let Some(link) = self.link.clone() else {
            return Ok(None);
        };
        let browser = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .tls_certs_only([])
            .build()?;
        let page = link.join(&format!("/bookings/{resort}/{booking}"))?;
        let button = browser.post(link).header("sec-fetch-site", "same-origin");
        let signed_in = button.send().await.context("cannot reach the desk's page")?;
        let cookie = signed_in.headers().get(SET_COOKIE);
        let cookie = cookie.context("the desk's page does not sign in by its link")?;
        let answer = browser.get(page).header(COOKIE, cookie.clone()).send().await?;
        Ok(Some(answer.error_for_status()?.text().await?))
    }

    /// The booking's status; `None` without a desk, or while the desk does not know the booking.
    pub(crate) async fn status(&self, resort: &str, booking: &str) -> anyhow::Result<Option<String>> {
        let Some(program) = self.program.clone() else {
            return Ok(None);
        };
        let mut command = Command::new(program);
        command
            .args(["bookings", "show", resort, booking, "--json"])
            .stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .context("the thread that asked the desk has died")?
            .context("cannot start the desk")?;
        // 1: it does not know the booking yet.
        ensure!(
            output.status.code() != Some(2),
            "the desk did not understand the question: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        if !output.status.success() {
            return Ok(None);
        }
        let shown: Value =
            serde_json::from_slice(&output.stdout).context("cannot read what the desk shows")?;
        Ok(shown.get("status").and_then(Value::as_str).map(str::to_owned))
    }

    /// What `desk report` says of this month.
    pub(crate) async fn report(&self) -> anyhow::Result<Value> {
        let said = self.ask(&["report", "--json"]).await?;
        serde_json::from_str(&said).context("cannot read the desk's report")
    }

    pub(crate) async fn report_text(&self) -> anyhow::Result<String> {
        self.ask(&["report"]).await
    }

    /// Runs a command that must succeed.
    async fn ask(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(self.program.as_deref().context("DEMO_DESK is missing")?);
        command.args(arguments).stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .context("the thread that asked the desk has died")?
            .context("cannot start the desk")?;
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        ensure!(
            output.status.success(),
            "the desk failed: {}",
            said(&output.stderr)
        );
        Ok(said(&output.stdout))
    }

    pub(crate) fn is_there(&self) -> bool {
        self.program.is_some()
    }
}
