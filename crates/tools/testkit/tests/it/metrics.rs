//! What each program's `/metrics` exports is valid, and is what `docs/metrics.md` lists.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use domain::message::MessageState::Read;
use rules::{folder_of, read, root};
use testkit::prometheus::tool;
use testkit::world::{Event, ResortFile, World};

use crate::scene::{ADA, CONFIRMATION};

/// The heading of the metrics that all programs export.
const EVERY_PROGRAM: &str = "every program";

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_of_every_program_are_valid_and_are_those_that_the_documentation_lists() {
    let world = World::start(&ResortFile::patient()).await;
    world.post(&Event::confirmed("BK-1", ADA)).await;
    world.until_state("BK-1", CONFIRMATION, Read).await;
    let (documented, desk) = (documented(), world.serve_desk().await);
    let served = ("desk".to_owned(), desk.address());

    for (program, address) in world.addresses().into_iter().chain([served]) {
        let exported = exported(address).await;
        check_with_promtool(&program, &exported);
        let own = &documented[&program];
        let listed: BTreeMap<_, _> = own.iter().chain(&documented[EVERY_PROGRAM]).collect();
        let types = types(&exported);

        for (metric, kind) in &types {
            assert_eq!(listed.get(metric), Some(&kind), "{program} exports {metric}");
        }
        let sources = sources(&program);
        for metric in own.keys().filter(|metric| !types.contains_key(*metric)) {
            // A series with labels that are not known in advance exists once its first event has been counted.
            let registered = sources.contains(&format!("\"{metric}\""));
            assert!(registered, "{program} knows no {metric}");
        }
    }
}

async fn exported(address: SocketAddr) -> String {
    let answer = reqwest::get(format!("http://{address}/metrics")).await.unwrap();
    assert!(answer.status().is_success());
    answer.text().await.unwrap()
}

/// Prometheus's own linter: names, units, help texts.
fn check_with_promtool(program: &str, exported: &str) {
    let mut checking = Command::new(tool("promtool"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("promtool, which scripts/test installs: {error}"));
    checking
        .stdin
        .take()
        .unwrap()
        .write_all(exported.as_bytes())
        .unwrap();
    let judged = checking.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&judged.stderr);
    assert!(
        judged.status.success() && complaints.is_empty(),
        "{program}: {complaints}"
    );
}

/// The type of each metric, from `# TYPE name type`.
fn types(exported: &str) -> BTreeMap<String, String> {
    let lines = exported.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    lines
        .filter_map(|line| line.split_once(' '))
        .map(|(metric, kind)| (metric.to_owned(), kind.to_owned()))
        .collect()
}

/// The type of each metric that `docs/metrics.md` lists, by the section that lists it.
pub(crate) fn documented() -> BTreeMap<String, BTreeMap<String, String>> {
    let mut sections = BTreeMap::new();
    let mut section = String::new();
    for line in read("docs/metrics.md").lines() {
        if let Some(title) = line.strip_prefix("## ") {
            section = title.trim_matches('`').to_lowercase();
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if let [_, metric, kind, ..] = cells[..]
            && let Some(metric) = metric.strip_prefix('`')
        {
            let metrics: &mut BTreeMap<_, _> = sections.entry(section.clone()).or_default();
            metrics.insert(metric.trim_end_matches('`').to_owned(), kind.to_owned());
        }
    }
    sections
}

/// The sources of a program.
fn sources(program: &str) -> String {
    let folder = root().join(folder_of(program)).join("src");
    let files: BTreeSet<PathBuf> = rules::all_files()
        .into_iter()
        .filter(|path| path.starts_with(&folder))
        .collect();
    files.into_iter().map(read).collect()
}
