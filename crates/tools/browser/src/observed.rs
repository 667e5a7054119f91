//! What can be seen of a page from outside: its width, its console, its requests, its picture.

use std::collections::BTreeSet;
use std::{env, fs};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use serde_json::{Value, json};

use crate::Browser;
use crate::browser::{target, text};

/// Asks for screenshots: the folder `target/screenshots` is written only where it is set.
const SCREENSHOTS: &str = "BELLHOP_SCREENSHOTS";
impl Browser {
    /// Whether a part of the page can only be seen by scrolling sideways, or by making it smaller, as telephones do with
    /// pages that do not say that they fit.
    ///
    /// # Errors
    /// As [`Browser::resize`].
    pub async fn scrolls_sideways(&self) -> anyhow::Result<bool> {
        let wider = "const page = document.scrollingElement; return page.scrollWidth > Math.min(page.clientWidth, screen.width)";
        Ok(self.run(wider, &[]).await? == json!(true))
    }

    /// Errors in the console since the last call, such as a script's or what the content security policy refused.
    ///
    /// # Errors
    /// As [`Browser::resize`].
    pub async fn console_errors(&self) -> anyhow::Result<Vec<String>> {
        let lines = self.driver.post("se/log", &json!({ "type": "browser" })).await?;
        let lines = lines.as_array().into_iter().flatten();
        let severe = lines.filter(|line| line.get("level").and_then(Value::as_str) == Some("SEVERE"));
        let message = |line: &Value| line.get("message").and_then(Value::as_str).map(str::to_owned);
        Ok(severe.filter_map(message).collect())
    }

    /// The hosts, with ports, of all requests since the last call.
    ///
    /// # Errors
    /// As [`Browser::resize`].
    pub async fn requested_hosts(&self) -> anyhow::Result<BTreeSet<String>> {
        let lines = self
            .driver
            .post("se/log", &json!({ "type": "performance" }))
            .await?;
        let lines = lines.as_array().into_iter().flatten();
        Ok(lines.filter_map(requested_host).collect())
    }

    /// Whether pictures are wanted of what is seen.
    pub fn takes_pictures() -> bool {
        env::var_os(SCREENSHOTS).is_some()
    }

    /// Writes what is seen to `target/screenshots/<name>.png`, where the variable `BELLHOP_SCREENSHOTS` is set.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub async fn screenshot(&self, name: &str) -> anyhow::Result<()> {
        if !Self::takes_pictures() {
            return Ok(());
        }
        let folder = target()?.join("screenshots");
        fs::create_dir_all(&folder)?;
        let picture = text(&self.driver.get("screenshot").await?)?;
        fs::write(folder.join(format!("{name}.png")), STANDARD.decode(picture)?)?;
        Ok(())
    }
}

/// The host of a request, from a line of the performance log.
fn requested_host(line: &Value) -> Option<String> {
    let event: Value = serde_json::from_str(line.get("message")?.as_str()?).ok()?;
    let event = event.get("message")?;
    if event.get("method")?.as_str()? != "Network.requestWillBeSent" {
        return None;
    }
    let url = Url::parse(event.pointer("/params/request/url")?.as_str()?).ok()?;
    let host = url.host_str()?;
    Some(
        url.port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
    )
}
