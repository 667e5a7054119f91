//! Alert rules and dashboards: what they ask for exists, what they say leads on, and Prometheus accepts it.

mod live;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use rules::{read, root};
use serde_json::Value;
use testkit::dashboards::{Dashboard, NAMES};
use testkit::prometheus::{RULES, tool};

use crate::metrics::documented;

const RULE_TESTS: [&str; 2] = [
    "deploy/prometheus/alerts_test.yml",
    "deploy/prometheus/alerts_days_test.yml",
];

fn promtool(arguments: &[&str]) {
    let done = Command::new(tool("promtool"))
        .args(arguments)
        .current_dir(root())
        .output();
    let done = done.unwrap_or_else(|error| panic!("promtool, which scripts/test installs: {error}"));
    let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "promtool {arguments:?}: {said}");
}

/// One rule of `alerts.yml`.
struct Rule {
    /// Empty for a recording rule.
    alert: String,
    expr: String,
    severity: String,
    annotations: BTreeMap<String, String>,
}

fn rules() -> Vec<Rule> {
    let file: Value = serde_yaml_ng::from_str(&read(RULES)).unwrap();
    let groups = file["groups"].as_array().unwrap();
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().unwrap());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    rules
        .map(|rule| Rule {
            alert: text(&rule["alert"]),
            expr: text(&rule["expr"]),
            severity: text(&rule["labels"]["severity"]),
            annotations: serde_json::from_value(rule["annotations"].clone()).unwrap_or_default(),
        })
        .collect()
}

fn alerts() -> Vec<Rule> {
    let mut rules = rules();
    rules.retain(|rule| !rule.alert.is_empty());
    assert!(rules.len() > 30, "{}", rules.len());
    rules
}

/// A dashboard, by the name of its file.
fn dashboard(name: &str) -> Value {
    serde_json::from_str(&read(format!("deploy/grafana/{name}.json"))).unwrap()
}

fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    dashboard["panels"].as_array().unwrap().iter()
}

/// Each query of each dashboard with the panel that asks it; Grafana's variables have values.
fn queries() -> Vec<(String, String)> {
    let mut queries = Vec::new();
    for name in NAMES {
        for panel in Dashboard::read(name).panels {
            for query in &panel.queries {
                let asked = query.asked("10s", "1m");
                assert!(!asked.contains('$'), "{name}: {asked}");
                queries.push((format!("{name}: {}", panel.title), asked));
            }
        }
    }
    queries
}

/// The metrics that an expression names.
fn metrics_in(expr: &str) -> BTreeSet<&str> {
    let is_part = |one: char| one.is_ascii_alphanumeric() || one == '_' || one == ':';
    let words = expr.split(|one| !is_part(one));
    words
        .filter(|word| word.starts_with("bellhop_") || word.starts_with("process_"))
        .collect()
}

#[test]
fn promtool_accepts_the_rules_and_the_configuration_and_every_test_of_the_rules_passes() {
    promtool(&["check", "rules", RULES]);
    promtool(&["check", "config", "deploy/prometheus/prometheus.yml"]);
    promtool(&["test", "rules", RULE_TESTS[0], RULE_TESTS[1]]);
}

// shows: B211
#[test]
fn every_alert_is_tested_firing_and_not_firing() {
    let mut firing = BTreeSet::new();
    for page in RULE_TESTS {
        let file: Value = serde_yaml_ng::from_str(&read(page)).unwrap();
        for test in file["tests"].as_array().unwrap() {
            let name = test["name"].as_str().unwrap();
            let looks: Vec<&Value> = test["promql_expr_test"]
                .as_array()
                .into_iter()
                .flatten()
                .collect();
            let fires = |look: &&Value| {
                look["exp_samples"]
                    .to_string()
                    .contains(&format!("\\\"{name}\\\""))
            };
            let is_quiet = |look: &&Value| look["exp_samples"].as_array().is_some_and(Vec::is_empty);
            if looks.iter().any(fires) && looks.iter().any(is_quiet) {
                firing.insert(name.to_owned());
            }
        }
    }

    let alerts: BTreeSet<String> = alerts().into_iter().map(|rule| rule.alert).collect();
    assert_eq!(firing, alerts);
}

#[test]
fn every_alert_has_a_severity_says_what_happened_and_leads_to_its_heading_in_the_operators_page() {
    let page = read("docs/operations.md");
    let headings: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .collect();

    let alerts = alerts();

    for rule in &alerts {
        let (alert, said) = (&rule.alert, &rule.annotations);
        assert!(["page", "ticket"].contains(&rule.severity.as_str()), "{alert}");
        assert!(
            said["summary"].len() > 15 && said["description"].len() > 40,
            "{alert}"
        );
        let anchor = format!("docs/operations.md#{}", alert.to_lowercase());
        assert_eq!(said["runbook_url"], anchor);
        assert!(
            headings.contains(alert.as_str()),
            "docs/operations.md lacks a heading {alert}"
        );
    }
    let known: BTreeSet<&str> = alerts.iter().map(|rule| rule.alert.as_str()).collect();
    let unknown: Vec<_> = headings.difference(&known).collect();
    let of_alerts: Vec<_> = unknown
        .iter()
        .filter(|heading| heading.starts_with("Bellhop"))
        .collect();
    assert!(of_alerts.is_empty(), "no such alerts: {of_alerts:?}");
}

#[test]
fn rules_and_dashboards_ask_for_documented_metrics_only() {
    let sections = documented();
    let known: BTreeMap<&String, &String> = sections.values().flatten().collect();
    let is_known = |metric: &str| {
        let of_histogram = ["_bucket", "_count", "_sum"]
            .iter()
            .filter_map(|end| metric.strip_suffix(end))
            .any(|name| {
                known
                    .get(&name.to_owned())
                    .is_some_and(|kind| *kind == "histogram")
            });
        of_histogram
            || known
                .get(&metric.to_owned())
                .is_some_and(|kind| *kind != "histogram")
    };
    let rules = rules().into_iter().map(|rule| (rule.alert, rule.expr));

    let unknown: Vec<String> = rules
        .chain(queries())
        .flat_map(|(place, expr)| {
            let unknown = metrics_in(&expr).into_iter().filter(|metric| !is_known(metric));
            unknown
                .map(|metric| format!("{place}: {metric}"))
                .collect::<Vec<_>>()
        })
        .collect();

    assert_eq!(unknown, [] as [String; 0]);
}

#[test]
fn every_dashboard_is_complete_and_its_queries_are_promql() {
    let mut uids = BTreeSet::new();
    for name in NAMES {
        let board = dashboard(name);
        assert!(uids.insert(board["uid"].as_str().unwrap().to_owned()), "{name}");
        let mut ids = BTreeSet::new();
        for panel in panels(&board) {
            let title = panel["title"].as_str().unwrap();
            let place = format!("{name}: {title}");
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{place}");
            assert!(panel["description"].as_str().unwrap().len() > 10, "{place}");
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{place}");
            let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap();
            assert!(!title.is_empty() && !unit.is_empty(), "{place}");
            for target in panel["targets"].as_array().unwrap() {
                assert!(!target["legendFormat"].as_str().unwrap().is_empty(), "{place}");
            }
        }
        let variables = board["templating"]["list"].as_array().unwrap();
        assert!(variables.iter().any(|one| one["name"] == "datasource"), "{name}");
    }
    let files = std::fs::read_dir(root().join("deploy/grafana")).unwrap().count();
    assert_eq!(files, NAMES.len(), "a dashboard that no test knows");

    // As recording rules: promtool 2.42 checks no single expression.
    let rules: Vec<Value> = queries()
        .iter()
        .enumerate()
        .map(|(index, (_, expr))| serde_json::json!({ "record": format!("query:{index}"), "expr": expr }))
        .collect();
    let rules = serde_json::json!({ "groups": [{ "name": "queries", "rules": rules }] });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), rules.to_string()).unwrap();
    promtool(&["check", "rules", file.path().to_str().unwrap()]);
}
