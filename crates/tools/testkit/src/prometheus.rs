//! A Prometheus that scrapes our programs, with the configuration and the rules that we ship.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use rules::{read, root};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

/// The alert rules, from the repository's root.
pub const RULES: &str = "deploy/prometheus/alerts.yml";
const CONFIGURATION: &str = "deploy/prometheus/prometheus.yml";

/// How often it scrapes and looks at the rules, as the configuration has it: a run of minutes would be a few points.
const SCRAPED_EVERY: &str = "1s";

/// A running Prometheus. It is killed when this value is dropped.
#[derive(Debug)]
pub struct Prometheus {
    server: Child,
    api: Url,
    _folder: TempDir,
}

/// How many points a line has at most.
const STEPS: f64 = 200.0;

/// One line of a chart.
#[derive(Debug, Deserialize)]
pub struct Series {
    #[serde(rename = "metric")]
    pub labels: BTreeMap<String, String>,
    /// Unix time and value. Prometheus has values that are no number, such as a quantile of nothing.
    #[serde(rename = "values")]
    points: Vec<(f64, String)>,
}

impl Series {
    /// Unix time and value, where that is a number.
    pub fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        let parsed = self.points.iter().map(|(at, value)| (*at, value.parse()));
        parsed.filter_map(|(at, value)| {
            Some((at, value.ok()?)).filter(|(_, value): &(f64, f64)| value.is_finite())
        })
    }
}

/// A stretch of time, looked at in steps.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Range {
    pub fn of(from: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        Self { from, until }
    }

    /// Its last moment.
    #[must_use]
    pub fn end(self) -> Self {
        Self::of(self.until, self.until)
    }

    /// Unix time of its first moment.
    pub fn begin(self) -> f64 {
        seconds(self.from)
    }

    /// How long it is, in seconds.
    pub fn seconds(self) -> f64 {
        seconds(self.until) - self.begin()
    }
}

/// To the millisecond, as Prometheus keeps time.
fn seconds(time: DateTime<Utc>) -> f64 {
    time.timestamp_millis() as f64 / 1e3
}

/// A program of Prometheus, which `scripts/test` installs.
pub fn tool(name: &str) -> PathBuf {
    let installed = root().join("target/tools/bin").join(name);
    if installed.is_file() {
        installed
    } else {
        PathBuf::from(name)
    }
}

impl Prometheus {
    /// Scrapes each of these programs once a second, under the job that has its name, and nothing else.
    ///
    /// # Errors
    /// Where Prometheus is not installed.
    ///
    /// # Panics
    /// Where the repository's configuration cannot be read.
    pub fn start(programs: &[(String, SocketAddr)]) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        // JSON is YAML.
        fs::write(
            folder.path().join("prometheus.yml"),
            configuration(programs)?.to_string(),
        )?;
        fs::write(folder.path().join("alerts.yml"), read(RULES))?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let server = Command::new(tool("prometheus"))
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=data")
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=error")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start prometheus, which scripts/test installs")?;
        Ok(Self {
            server,
            api: Url::parse(&format!("http://{address}/api/v1/"))?,
            _folder: folder,
        })
    }

    /// What a path of its HTTP API answers.
    ///
    /// # Errors
    /// While it starts, and where it does not understand the question.
    pub async fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> anyhow::Result<Value> {
        let mut url = self.api.join(path)?;
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        let mut answer: Value = reqwest::get(url).await?.json().await?;
        let status = answer.get("status").and_then(Value::as_str);
        anyhow::ensure!(status == Some("success"), "{parameters:?}: {answer}");
        Ok(answer.get_mut("data").map(Value::take).unwrap_or_default())
    }

    /// Whether a query has an answer.
    pub async fn knows(&self, query: &str) -> bool {
        let answer = self.ask("query", &[("query", query)]).await.ok();
        let series = answer.as_ref().and_then(|data| data.get("result")?.as_array());
        series.is_some_and(|series| !series.is_empty())
    }

    /// What a query had for answers in a stretch of time.
    ///
    /// # Errors
    /// As [`Prometheus::ask`].
    pub async fn over(&self, query: &str, range: Range) -> anyhow::Result<Vec<Series>> {
        let [from, until] = [range.from, range.until].map(|time| seconds(time).to_string());
        // At least as long as the time between two scrapes.
        let step = (range.seconds() / STEPS).ceil().max(1.0).to_string();
        let parameters = [
            ("query", query),
            ("start", &from),
            ("end", &until),
            ("step", &step),
        ];
        let mut answer = self.ask("query_range", &parameters).await?;
        let series = answer.get_mut("result").map(Value::take).unwrap_or_default();
        Ok(serde_json::from_value(series)?)
    }

    /// The alerts that are pending or firing now; `None` while it starts.
    pub async fn alerts(&self) -> Option<BTreeSet<String>> {
        let data = self.ask("alerts", &[]).await.ok()?;
        let alerts = data.get("alerts")?.as_array()?.iter();
        alerts
            .map(|alert| Some(alert.pointer("/labels/alertname")?.as_str()?.to_owned()))
            .collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Ours, with these addresses. A job without a program has none.
fn configuration(programs: &[(String, SocketAddr)]) -> anyhow::Result<Value> {
    let mut configuration: Value = serde_yaml_ng::from_str(&read(CONFIGURATION))?;
    for key in ["scrape_interval", "evaluation_interval"] {
        if let Some(interval) = configuration.pointer_mut(&format!("/global/{key}")) {
            *interval = json!(SCRAPED_EVERY);
        }
    }
    let mut placed = 0;
    let jobs = configuration
        .get_mut("scrape_configs")
        .and_then(Value::as_array_mut);
    for job in jobs.into_iter().flatten() {
        let name = job.get("job_name").and_then(Value::as_str).unwrap_or_default();
        let of_job = programs.iter().filter(|(program, _)| program == name);
        let addresses: Vec<String> = of_job.map(|(_, address)| address.to_string()).collect();
        placed += addresses.len();
        if let Some(targets) = job.pointer_mut("/static_configs/0/targets") {
            *targets = json!(addresses);
        }
    }
    anyhow::ensure!(placed == programs.len(), "{CONFIGURATION} lacks a job");
    Ok(configuration)
}
