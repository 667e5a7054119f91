//! What a test does with a browser.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use serde_json::{Value, json};

use crate::driver::Driver;

/// Asks for screenshots: the folder `target/screenshots` is written only where it is set.
const SCREENSHOTS: &str = "BELLHOP_SCREENSHOTS";
/// The name of an element's id in WebDriver.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// More keys than any page has places to stop at.
const TABS: usize = 200;
/// Says where a press of Tab has led.
const STEP: &str = "const at = document.activeElement; \
                    if (at.matches(arguments[0])) return 'there'; \
                    if (window.passed.has(at)) return 'around'; \
                    window.passed.add(at)";

/// The size of what is seen of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// 1280 × 900.
    Desktop,
    /// 390 × 844, as a phone.
    Phone,
}

/// The colours that the person prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// `prefers-color-scheme: light`.
    Light,
    /// `prefers-color-scheme: dark`.
    Dark,
}

/// A key without a character of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// To the next place.
    Tab,
    /// Presses what is focused, or sends a form.
    Enter,
    /// The blank.
    Space,
    /// Leaves.
    Escape,
}

/// A browser with one page, as one person has it. It ends with this value.
///
/// Elements are named by CSS selectors. A method that needs an element waits 5 s for it.
#[derive(Debug)]
pub struct Browser {
    driver: Driver,
}

impl Browser {
    /// Starts one, within half a second.
    ///
    /// # Errors
    /// Where there is none; the error says how to get one.
    pub async fn start(window: Window, theme: Theme) -> anyhow::Result<Self> {
        let browser = Self {
            driver: Driver::start().await?,
        };
        browser.resize(window).await?;
        browser.colour(theme).await?;
        Ok(browser)
    }

    /// Gives the page this size from now on.
    ///
    /// # Errors
    /// Where the browser has ended; so do all others below.
    pub async fn resize(&self, window: Window) -> anyhow::Result<()> {
        let (width, height, mobile) = match window {
            Window::Desktop => (1280, 900, false),
            Window::Phone => (390, 844, true),
        };
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.driver
            .chromium("Emulation.setDeviceMetricsOverride", &size)
            .await?;
        Ok(())
    }

    /// Shows pages in these colours from now on.
    ///
    /// # Errors
    /// As [`Browser::resize`].
    pub async fn colour(&self, theme: Theme) -> anyhow::Result<()> {
        let value = match theme {
            Theme::Light => "light",
            Theme::Dark => "dark",
        };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.driver.chromium("Emulation.setEmulatedMedia", &media).await?;
        Ok(())
    }

    /// Opens a page and waits until it is loaded.
    ///
    /// # Errors
    /// Where nothing answers there.
    pub async fn go(&self, url: &str) -> anyhow::Result<()> {
        self.driver.post("url", &json!({ "url": url })).await?;
        Ok(())
    }

    /// The address of the page.
    ///
    /// # Errors
    /// As [`Browser::resize`].
    pub async fn address(&self) -> anyhow::Result<String> {
        text(&self.driver.get("url").await?)
    }

    /// The title of the page.
    ///
    /// # Errors
    /// As [`Browser::resize`].
    pub async fn title(&self) -> anyhow::Result<String> {
        text(&self.driver.get("title").await?)
    }

    /// What a person reads of an element.
    ///
    /// # Errors
    /// Where there is no such element.
    pub async fn text(&self, selector: &str) -> anyhow::Result<String> {
        let id = self.find(selector).await?;
        text(&self.driver.get(&format!("element/{id}/text")).await?)
    }

    /// Clicks into the middle of an element; a page that this opens is loaded afterwards.
    ///
    /// # Errors
    /// Where there is no such element, or another one covers it.
    pub async fn click(&self, selector: &str) -> anyhow::Result<()> {
        let command = format!("element/{}/click", self.find(selector).await?);
        self.driver.post(&command, &json!({})).await?;
        Ok(())
    }

    /// Types into a field, after what is in it.
    ///
    /// # Errors
    /// Where there is no such field.
    pub async fn type_into(&self, selector: &str, words: &str) -> anyhow::Result<()> {
        let command = format!("element/{}/value", self.find(selector).await?);
        self.driver.post(&command, &json!({ "text": words })).await?;
        Ok(())
    }

    /// Presses a key, for whatever is focused.
    ///
    /// # Errors
    /// As [`Browser::resize`].
    pub async fn press(&self, key: Key) -> anyhow::Result<()> {
        self.keys(key.code()).await
    }

    /// Types with the keyboard alone, for whatever is focused.
    ///
    /// # Errors
    /// As [`Browser::resize`].
    pub async fn keys(&self, words: &str) -> anyhow::Result<()> {
        let strokes = words.chars().flat_map(|key| {
            ["keyDown", "keyUp"].map(|action| json!({ "type": action, "value": key.to_string() }))
        });
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes.collect::<Vec<_>>() });
        self.driver
            .post("actions", &json!({ "actions": [keyboard] }))
            .await?;
        Ok(())
    }

    /// Presses Tab until the element is focused.
    ///
    /// # Errors
    /// Where the keyboard does not lead there, once around the page.
    pub async fn tab_to(&self, selector: &str) -> anyhow::Result<()> {
        self.run("window.passed = new Set()", &[]).await?;
        for _ in 0..TABS {
            self.press(Key::Tab).await?;
            match self.run(STEP, &[json!(selector)]).await?.as_str() {
                Some("there") => return Ok(()),
                Some("around") => break,
                _ => {}
            }
        }
        bail!("the keyboard does not lead to {selector}")
    }

    /// Runs the body of a function in the page; returns what it returns.
    ///
    /// # Errors
    /// Where it throws.
    pub async fn run(&self, body: &str, arguments: &[Value]) -> anyhow::Result<Value> {
        let script = json!({ "script": body, "args": arguments });
        self.driver.post("execute/sync", &script).await
    }

    /// Waits until an expression of the page is true.
    ///
    /// # Errors
    /// Where it is not within 10 s.
    pub async fn wait_until(&self, expression: &str) -> anyhow::Result<()> {
        let begun = Instant::now();
        while self.run(&format!("return Boolean({expression})"), &[]).await? != json!(true) {
            if begun.elapsed() > PATIENCE {
                bail!("it did not become true: {expression}");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// The page as the server sends it to this browser, for [`crate::html_validate`].
    ///
    /// # Errors
    /// Where the page may not ask its own server.
    pub async fn served(&self) -> anyhow::Result<String> {
        let fetched = "return fetch(location.href).then((answer) => answer.text())";
        text(&self.run(fetched, &[]).await?)
    }

    /// Whether a part of the page can only be seen by scrolling sideways.
    ///
    /// # Errors
    /// As [`Browser::resize`].
    pub async fn scrolls_sideways(&self) -> anyhow::Result<bool> {
        let wider = "const page = document.scrollingElement; return page.scrollWidth > page.clientWidth";
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

    /// Writes what is seen to `target/screenshots/<name>.png`, where the variable `BELLHOP_SCREENSHOTS` is set.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub async fn screenshot(&self, name: &str) -> anyhow::Result<()> {
        if env::var_os(SCREENSHOTS).is_none() {
            return Ok(());
        }
        let folder = target()?.join("screenshots");
        fs::create_dir_all(&folder)?;
        let picture = text(&self.driver.get("screenshot").await?)?;
        fs::write(folder.join(format!("{name}.png")), STANDARD.decode(picture)?)?;
        Ok(())
    }

    async fn find(&self, selector: &str) -> anyhow::Result<String> {
        let query = json!({ "using": "css selector", "value": selector });
        let found = self.driver.post("element", &query).await?;
        text(found.get(ELEMENT).context("the element has no id")?)
    }
}

impl Key {
    /// Its code in WebDriver.
    fn code(self) -> &'static str {
        match self {
            Self::Tab => "\u{E004}",
            Self::Enter => "\u{E007}",
            Self::Space => " ",
            Self::Escape => "\u{E00C}",
        }
    }
}

/// The folder in which cargo builds, and `scripts/test` installs tools.
pub(crate) fn target() -> anyhow::Result<PathBuf> {
    // target/debug/deps/it-0123456789abcdef
    let program = env::current_exe()?;
    let folder = program.ancestors().nth(3).context("this is no test of cargo's")?;
    Ok(folder.to_owned())
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

fn text(value: &Value) -> anyhow::Result<String> {
    let text = value.as_str().with_context(|| format!("{value} is no text"))?;
    Ok(text.to_owned())
}
