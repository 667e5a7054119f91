//! A browser, and what a person does with its page.

use std::env;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::driver::Driver;

/// The name of an element's id in WebDriver.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const PATIENCE: Duration = Duration::from_secs(10);
/// The WebDriver standard's error for an element that the page has no more.
const REPLACED: &str = "stale element reference";
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The size of what is seen of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// 1280 × 900.
    Desktop,
    /// 390 × 844 as a phone, two pixels wide and high each.
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

/// A browser with one page, as one person has it. It ends with this value.
///
/// Every host whose name ends in `.test` is this machine, though not a trusted one as `127.0.0.1` is.
/// Elements are named by CSS selectors. A method that needs an element waits 5 s for it.
#[derive(Debug)]
pub struct Browser {
    pub(crate) driver: Driver,
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
        let (width, height, mobile, scale) = match window {
            Window::Desktop => (1280, 900, false, 1),
            Window::Phone => (390, 844, true, 2),
        };
        let size = json!({ "width": width, "height": height, "screenWidth": width, "screenHeight": height,
                           "deviceScaleFactor": scale, "mobile": mobile });
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
        let read = async |id: String| self.driver.get(&format!("element/{id}/text")).await;
        text(&self.with_element(selector, read).await?)
    }

    /// Clicks into the middle of an element; a page that this opens is loaded afterwards.
    ///
    /// # Errors
    /// Where there is no such element, or another one covers it.
    pub async fn click(&self, selector: &str) -> anyhow::Result<()> {
        let click = async |id: String| {
            let command = format!("element/{id}/click");
            self.driver.post(&command, &json!({})).await
        };
        self.with_element(selector, click).await.map(drop)
    }

    /// Types into a field, after what is in it.
    ///
    /// # Errors
    /// Where there is no such field.
    pub async fn type_into(&self, selector: &str, words: &str) -> anyhow::Result<()> {
        let enter = async |id: String| {
            let command = format!("element/{id}/value");
            self.driver.post(&command, &json!({ "text": words })).await
        };
        self.with_element(selector, enter).await.map(drop)
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

    /// Finds an element and uses it. A page that refreshes itself may replace it in between: then nothing was done, and it is
    /// found again.
    async fn with_element(
        &self,
        selector: &str,
        usage: impl AsyncFn(String) -> anyhow::Result<Value>,
    ) -> anyhow::Result<Value> {
        let begun = Instant::now();
        loop {
            match usage(self.find(selector).await?).await {
                Err(error) if error.to_string().starts_with(REPLACED) && begun.elapsed() < PATIENCE => {}
                done => return done,
            }
        }
    }

    async fn find(&self, selector: &str) -> anyhow::Result<String> {
        let query = json!({ "using": "css selector", "value": selector });
        let found = self.driver.post("element", &query).await?;
        text(found.get(ELEMENT).context("the element has no id")?)
    }
}

/// The folder in which cargo builds, and `scripts/test` installs tools.
pub(crate) fn target() -> anyhow::Result<PathBuf> {
    // target/debug/deps/it-0123456789abcdef
    let program = env::current_exe()?;
    let folder = program.ancestors().nth(3).context("this is no test of cargo's")?;
    Ok(folder.to_owned())
}

pub(crate) fn text(value: &Value) -> anyhow::Result<String> {
    let text = value.as_str().with_context(|| format!("{value} is no text"))?;
    Ok(text.to_owned())
}
