//! The night as an operator reads it afterwards: what the programs logged that wants attention, in order.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::Stretch;

const FILE: &str = "night.txt";
/// Fields that say nothing about the night.
const LEFT_OUT: [&str; 5] = ["time", "level", "target", "message", "trace"];
/// Changes that are told at level INFO.
const CHANGES: [&str; 4] = ["ready", "not_ready", "consuming", "publishing"];

/// A line of a log, or the begin of a stretch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    at: DateTime<Utc>,
    whose: String,
    said: String,
}

/// Writes it beside the logs.
pub(crate) fn write(logs: &Path, stretches: &[Stretch]) -> anyhow::Result<()> {
    let mut lines: Vec<Line> = stretches.iter().map(heading).collect();
    for entry in fs::read_dir(logs)? {
        let path = entry?.path();
        let is_log = path.extension().is_some_and(|extension| extension == "log");
        let name = path
            .file_stem()
            .filter(|_| is_log)
            .map(|name| name.to_string_lossy().into_owned());
        if let Some(name) = name {
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {name}'s log"))?;
            lines.extend(text.lines().filter_map(|line| notable(&name, line)));
        }
    }
    lines.sort();
    fs::write(logs.join(FILE), tell(&lines))?;
    Ok(())
}

fn heading(stretch: &Stretch) -> Line {
    Line {
        at: stretch.from,
        whose: "--".to_owned(),
        said: stretch.name.clone(),
    }
}

fn notable(whose: &str, line: &str) -> Option<Line> {
    let line: Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
    let is_loud = matches!(text("level"), "WARN" | "ERROR") || line.get("alert").is_some();
    if !is_loud && !CHANGES.contains(&text("event")) {
        return None;
    }
    let mut said = format!("{} {}", text("level"), text("message"));
    let fields = line
        .as_object()?
        .iter()
        .filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()));
    for (name, value) in fields {
        let _ = write!(said, " {name}={value}");
    }
    Some(Line {
        at: text("time").parse().ok()?,
        whose: whose.to_owned(),
        said,
    })
}

/// One line each; what one program says again and again is told once, with the number of times.
fn tell(lines: &[Line]) -> String {
    let mut text = String::new();
    for same in lines.chunk_by(|one, other| (&one.whose, &one.said) == (&other.whose, &other.said)) {
        let Some(first) = same.first() else { continue };
        let times = if same.len() > 1 {
            format!("  ({} times)", same.len())
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "{} {:<12} {}{times}",
            first.at.format("%H:%M:%S%.3f"),
            first.whose,
            first.said
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_and_alerts_are_told_in_order_and_once() {
        let loud = |second: u8| {
            let line = format!(
                r#"{{"time":"2026-11-23T10:00:0{second}.000Z","level":"WARN","target":"t","message":"held","alert":"number_held"}}"#
            );
            notable("sender-1", &line).unwrap()
        };
        let quiet = r#"{"time":"2026-11-23T10:00:00.000Z","level":"INFO","target":"t","message":"sent","event":"sent"}"#;
        let change = r#"{"time":"2026-11-23T10:00:03.000Z","level":"INFO","target":"t","message":"ready","event":"ready"}"#;
        assert_eq!(notable("sender-1", quiet), None);

        let told = tell(&[loud(1), loud(2), notable("ingest-1", change).unwrap()]);

        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(
            lines,
            [
                r#"10:00:01.000 sender-1     WARN held alert="number_held"  (2 times)"#,
                r#"10:00:03.000 ingest-1     INFO ready event="ready""#,
            ]
        );
    }
}
