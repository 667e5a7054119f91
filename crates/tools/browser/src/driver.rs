//! One `chromedriver` with one session: its process, and its protocol.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use reqwest::{Client, Method, Url};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What to do where there is no browser.
const REMEDY: &str = "browser tests need Chromium and its chromedriver; on Debian scripts/test installs the packages \
                      chromium and chromium-driver, on Ubuntu take Google Chrome and its chromedriver";
/// How the driver's first lines end, after which comes its port.
const LISTENING: &str = "started successfully on port ";
/// Longer than any command of a test takes.
const PATIENCE: Duration = Duration::from_secs(60);
const END_PATIENCE: Duration = Duration::from_secs(5);

/// The browser ends with it.
#[derive(Debug)]
pub(crate) struct Driver {
    process: Child,
    /// Never read again, but the driver must be able to write.
    _output: BufReader<ChildStdout>,
    http: Client,
    /// The session's address.
    session: String,
    /// Home and temporary folder of driver and browser.
    _folder: TempDir,
}

impl Driver {
    /// Starts a driver on a free port, and a browser.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let folder = TempDir::new().context("cannot make a folder for the browser")?;
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .env("HOME", folder.path())
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start chromedriver: {REMEDY}"))?;
        let output = process.stdout.take().context("chromedriver has no output")?;
        let mut driver = Self {
            process,
            _output: BufReader::new(output),
            http: client()?,
            session: String::new(),
            _folder: folder,
        };
        let port = driver.read_port()?;
        let sessions = format!("http://127.0.0.1:{port}/session");
        let answer = driver.ask(Method::POST, &sessions, &capabilities()).await;
        let answer = answer.with_context(|| format!("chromedriver cannot start Chromium: {REMEDY}"))?;
        let id = answer.get("sessionId").and_then(Value::as_str);
        driver.session = format!("{sessions}/{}", id.context("the session has no id")?);
        Ok(driver)
    }

    /// A command of the session; returns its `value`.
    pub(crate) async fn post(&self, command: &str, body: &Value) -> anyhow::Result<Value> {
        let url = format!("{}/{command}", self.session);
        self.ask(Method::POST, &url, body).await
    }

    /// A question of the session; returns its `value`.
    pub(crate) async fn get(&self, question: &str) -> anyhow::Result<Value> {
        let url = format!("{}/{question}", self.session);
        self.ask(Method::GET, &url, &Value::Null).await
    }

    /// A command of Chromium's own protocol.
    pub(crate) async fn chromium(&self, command: &str, parameters: &Value) -> anyhow::Result<Value> {
        let body = json!({ "cmd": command, "params": parameters });
        self.post("goog/cdp/execute", &body).await
    }

    async fn ask(&self, method: Method, url: &str, body: &Value) -> anyhow::Result<Value> {
        let mut request = self.http.request(method.clone(), url);
        if method == Method::POST {
            request = request.json(body);
        }
        let mut answer: Value = request.send().await?.json().await?;
        let value = answer.get_mut("value").map(Value::take).unwrap_or_default();
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        if let Some(error) = text("error") {
            let message = text("message").unwrap_or_default();
            // Behind the first lines are the driver's own addresses.
            let message: Vec<_> = message.lines().take(2).collect();
            bail!("{error}: {}", message.join(" "));
        }
        Ok(value)
    }

    /// Written out, since nothing can be awaited where a value is dropped.
    fn end_session(&self) -> anyhow::Result<()> {
        let session = Url::parse(&self.session)?;
        let mut driver = TcpStream::connect((Ipv4Addr::LOCALHOST, session.port().unwrap_or_default()))?;
        driver.set_read_timeout(Some(END_PATIENCE))?;
        let path = session.path();
        write!(
            driver,
            "DELETE {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        )?;
        // The answer comes once the browser has ended; the connection stays open.
        let _ = driver.read(&mut [0; 1024])?;
        Ok(())
    }

    fn read_port(&mut self) -> anyhow::Result<u16> {
        let mut line = String::new();
        loop {
            line.clear();
            let read = self._output.read_line(&mut line)?;
            ensure!(read > 0, "chromedriver ended at once");
            if let Some((_, port)) = line.split_once(LISTENING) {
                return Ok(port.trim().trim_end_matches('.').parse()?);
            }
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The driver ends its browser, and would leave it behind if it were killed first. Where the test itself is killed, both
        // are in its group of processes.
        let _ = self.end_session();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn capabilities() -> Value {
    // As root Chromium starts without its sandbox only; containers have a small /dev/shm.
    let arguments = [
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--hide-scrollbars",
        "--lang=en",
        // Names that are no localhost: what browsers allow this machine alone is not allowed there.
        "--host-resolver-rules=MAP *.test 127.0.0.1",
    ];
    json!({ "capabilities": { "alwaysMatch": {
        "browserName": "chrome",
        // How long a search for an element waits until there is one.
        "timeouts": { "implicit": 5000, "script": 20_000 },
        "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        "goog:chromeOptions": { "args": arguments },
    } } })
}

/// It speaks to this machine alone, so it needs no certificates.
fn client() -> anyhow::Result<Client> {
    // An error means that another provider is in place, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy().tls_certs_only([]).timeout(PATIENCE);
    Ok(client.build()?)
}
