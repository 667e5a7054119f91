//! A real Prometheus scrapes the real programs, with the configuration, the rules and the queries that we ship.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use domain::message::MessageState::Read;
use rules::read;
use serde_json::Value;
use tempfile::TempDir;
use testkit::world::{Event, ResortFile, World};
use url::Url;

use super::{RULES, metrics_in, queries, tool};
use crate::scene::{ADA, BOB, CONFIRMATION};

/// Series that begin with their first event, which this world does not have.
const MAY_BE_EMPTY: [(&str, &str); 5] = [
    ("bellhop_fetches_total", "no source asks its platform"),
    ("bellhop_ignored_events_total", "all events are in our own format"),
    ("bellhop_map_field_missing_total", "no source has a mapping"),
    ("bellhop_mended_bodies_total", "no JSON is damaged"),
    ("bellhop_refusals_total", "WhatsApp refuses nothing"),
];

/// A Prometheus of this test's own.
struct Prometheus {
    server: Child,
    url: Url,
    _folder: TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Prometheus {
    /// Scrapes each program once a second under its job.
    fn start(programs: &[(String, String)]) -> Self {
        let folder = TempDir::new().unwrap();
        let mut configuration =
            read("deploy/prometheus/prometheus.yml").replace("_interval: 15s", "_interval: 1s");
        for (job, address) in programs {
            let named = configuration.find(&format!("job_name: {job}\n")).unwrap();
            let begin = named + configuration[named..].find('[').unwrap();
            let length = configuration[begin..].find(']').unwrap();
            configuration.replace_range(begin..=begin + length, &format!("['{address}']"));
        }
        fs::write(folder.path().join("prometheus.yml"), configuration).unwrap();
        fs::write(folder.path().join("alerts.yml"), read(RULES)).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let server = Command::new(tool("prometheus"))
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=data")
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=error")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("prometheus, which scripts/test installs: {error}"));
        Self {
            server,
            url: Url::parse(&format!("http://{address}/api/v1/")).unwrap(),
            _folder: folder,
        }
    }

    /// What it answers; `None` while it starts.
    async fn ask(&self, path: &str, query: &str) -> Option<Value> {
        let mut url = self.url.join(path).unwrap();
        if !query.is_empty() {
            url.query_pairs_mut().append_pair("query", query);
        }
        let answer = reqwest::get(url).await.ok()?;
        let answer: Value = answer.json().await.ok()?;
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        Some(answer["data"].clone())
    }

    /// Whether a query has an answer.
    async fn knows(&self, query: &str) -> bool {
        let Some(data) = self.ask("query", query).await else {
            return false;
        };
        data["result"].as_array().is_some_and(|series| !series.is_empty())
    }

    /// The alerts that are pending or firing; `None` while it starts.
    async fn alerts(&self) -> Option<BTreeSet<String>> {
        let data = self.ask("alerts", "").await?;
        let alerts = data["alerts"].as_array()?.iter();
        let name = |alert: &Value| Some(alert["labels"]["alertname"].as_str()?.to_owned());
        alerts.map(name).collect()
    }
}

/// The queries that have no answer yet and should have one.
async fn unanswered(prometheus: &Prometheus) -> Vec<String> {
    let mut missing = Vec::new();
    for (panel, query) in queries() {
        let may_be_empty = metrics_in(&query)
            .iter()
            .any(|metric| MAY_BE_EMPTY.iter().any(|(name, _)| name == metric));
        if !may_be_empty && !prometheus.knows(&query).await {
            missing.push(format!("{panel}: {query}"));
        }
    }
    missing
}

// shows: B210
#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_every_dashboard_has_an_answer_and_only_the_alert_that_should_begins() {
    let mut world = World::start(&ResortFile::patient()).await;
    let desk = world.serve_desk().await;
    let mut programs = world.addresses();
    programs.push(("desk".to_owned(), desk.address()));
    let programs: Vec<_> = programs
        .into_iter()
        .map(|(job, address)| (job, address.to_string()))
        .collect();
    let prometheus = Prometheus::start(&programs);
    let ingest = &programs.iter().find(|(job, _)| job == "ingest").unwrap().1;
    let webhooks = format!("http://{ingest}/webhooks/direct");
    let unsigned = reqwest::Client::new()
        .post(&webhooks)
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(unsigned.status(), 401);
    world.post(&Event::confirmed("BK-1", ADA)).await;
    world.until_state("BK-1", CONFIRMATION, Read).await;
    let _ = reqwest::get(format!("http://{}/", desk.address())).await;

    let mut missing = Vec::new();
    for _ in 0..40 {
        missing = unanswered(&prometheus).await;
        if missing.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    assert_eq!(missing, [] as [String; 0]);
    // Those that begin while Prometheus has read nothing yet end by themselves.
    let is_calm = async || prometheus.alerts().await.filter(BTreeSet::is_empty);
    world.until("no alert", is_calm).await;

    world.kill_senders();
    world.post(&Event::confirmed("BK-2", BOB)).await;

    let begun = world
        .until("an alert", async || {
            prometheus.alerts().await.filter(|alerts| !alerts.is_empty())
        })
        .await;
    assert_eq!(begun, BTreeSet::from(["BellhopProcessDown".to_owned()]));
}
