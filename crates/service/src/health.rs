//! Whether a process can do its work, and what is missing when it cannot.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use serde::Serialize;
use tokio::sync::watch;

use crate::Stop;
use crate::lock;

const STOPPING: &str = "stopping";
/// Reasons that every process has when it starts and when it stops. The first one is that of a connection to RabbitMQ
/// (`broker::status`).
const USUAL: [&str; 2] = ["not connected yet", STOPPING];

/// The conditions under which a process can do its work; clones share them.
///
/// It is ready while every condition that was ever named holds. Reasons are shown to the outside and carry no personal data.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    conditions: Arc<Mutex<BTreeMap<String, Condition>>>,
    warnings: Arc<Mutex<BTreeMap<String, String>>>,
}

#[derive(Debug)]
struct Condition {
    /// Why it does not hold.
    reason: Option<String>,
    /// When it ceased to hold; `None` while it holds, or where it has not held before.
    lost_at: Option<Instant>,
}

/// What `/readyz` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<Missing>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Missing>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Missing {
    name: String,
    reason: String,
}

impl Readiness {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a condition that is not met yet, unless it is known already.
    pub fn expect(&self, name: &str) {
        self.lock().entry(name.to_owned()).or_insert_with(|| Condition {
            reason: Some("not checked yet".to_owned()),
            lost_at: None,
        });
    }

    /// Notes whether a condition holds, or why not; a change is logged.
    pub fn set(&self, name: &str, holds: Result<(), String>) {
        let reason = holds.err();
        let former = self.replace(name, reason.clone());
        match (former, reason) {
            (Some(former), reason) if former.reason == reason => {}
            (_, Some(reason)) => log_not_ready(name, &reason),
            (Some(former), None) => log_holds(name, former.lost_at),
            (None, None) => {}
        }
    }

    /// The process stops, and is not ready from now on.
    pub fn stopping(&self) {
        self.set("process", Err(STOPPING.to_owned()));
    }

    /// Returns what was known of the condition.
    fn replace(&self, name: &str, reason: Option<String>) -> Option<Condition> {
        let mut conditions = self.lock();
        let lost_at = conditions.get(name).and_then(|former| match former.reason {
            None => Some(Instant::now()),
            Some(_) => former.lost_at,
        });
        let lost_at = lost_at.filter(|_| reason.is_some());
        conditions.insert(name.to_owned(), Condition { reason, lost_at })
    }

    /// Notes a condition whenever what it depends on changes, until the stop.
    pub async fn follow<T: Clone>(
        &self,
        name: &str,
        mut seen: watch::Receiver<T>,
        holds: impl Fn(&T) -> Result<(), String>,
        stop: &Stop,
    ) {
        loop {
            let now = seen.borrow_and_update().clone();
            self.set(name, holds(&now));
            tokio::select! {
                () = stop.stopped() => return,
                changed = seen.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Shows what is wrong without making the process unready: it would be of no use to start another one in its place.
    pub fn warn(&self, name: &str, reason: &str) {
        lock(&self.warnings).insert(name.to_owned(), reason.to_owned());
    }

    pub fn clear_warning(&self, name: &str) {
        lock(&self.warnings).remove(name);
    }

    pub fn remove(&self, name: &str) {
        self.lock().remove(name);
    }

    /// Whether every condition holds.
    pub fn is_ready(&self) -> bool {
        self.lock().values().all(|condition| condition.reason.is_none())
    }

    /// The conditions that do not hold and the warnings, with their reasons.
    pub fn report(&self) -> Report {
        let missing: Vec<_> = self
            .lock()
            .iter()
            .filter_map(|(name, condition)| {
                Some(Missing {
                    name: name.clone(),
                    reason: condition.reason.clone()?,
                })
            })
            .collect();
        Report {
            status: if missing.is_empty() { "ready" } else { "not ready" },
            missing,
            warnings: self.warnings(),
        }
    }

    fn warnings(&self) -> Vec<Missing> {
        let into_missing = |(name, reason): (&String, &String)| Missing {
            name: name.clone(),
            reason: reason.clone(),
        };
        lock(&self.warnings).iter().map(into_missing).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Condition>> {
        lock(&self.conditions)
    }
}

fn log_not_ready(name: &str, reason: &str) {
    if USUAL.contains(&reason) {
        log::info!("condition.name" = name, reason, event = "not_ready"; "not ready");
    } else {
        log::warn!("condition.name" = name, reason, event = "not_ready"; "not ready");
    }
}

/// `lost_at`: where it held before.
fn log_holds(name: &str, lost_at: Option<Instant>) {
    if let Some(lost_at) = lost_at {
        let not_ready_s = (lost_at.elapsed().as_secs_f64() * 10.0).round() / 10.0;
        log::info!("condition.name" = name, not_ready_s, event = "condition_holds"; "condition holds again");
    } else {
        log::info!("condition.name" = name, event = "condition_holds"; "condition holds");
    }
}

/// In one line: `not ready: rabbitmq: connection refused`.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.status)?;
        for (index, Missing { name, reason }) in self.missing.iter().enumerate() {
            let before = if index == 0 { ':' } else { ';' };
            write!(f, "{before} {name}: {}", reason.replace('\n', " "))?;
        }
        for Missing { name, reason } in &self.warnings {
            write!(f, "; warning: {name}: {}", reason.replace('\n', " "))?;
        }
        Ok(())
    }
}

impl Report {
    pub fn is_ready(&self) -> bool {
        self.missing.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_ready_only_while_every_condition_holds() {
        let readiness = Readiness::new();
        readiness.expect("rabbitmq");
        readiness.set("settings", Ok(()));
        assert!(!readiness.is_ready());

        readiness.set("rabbitmq", Ok(()));
        assert!(readiness.is_ready());

        readiness.set("settings", Err("broken files".to_owned()));
        assert!(!readiness.is_ready());
    }

    #[test]
    fn how_long_a_condition_did_not_hold_counts_from_when_it_ceased_to() {
        let readiness = Readiness::new();
        let lost_at = |readiness: &Readiness| readiness.lock()["rabbitmq"].lost_at;
        readiness.expect("rabbitmq");
        readiness.set("rabbitmq", Err("not connected yet".to_owned()));
        assert_eq!(lost_at(&readiness), None, "it has not held before");

        readiness.set("rabbitmq", Ok(()));
        readiness.set("rabbitmq", Err("connection aborted".to_owned()));
        let lost = lost_at(&readiness);
        assert!(lost.is_some());
        readiness.set("rabbitmq", Err("connection refused".to_owned()));
        assert_eq!(lost_at(&readiness), lost);

        readiness.set("rabbitmq", Ok(()));
        assert_eq!(lost_at(&readiness), None);
    }

    #[test]
    fn a_condition_that_holds_is_not_unmade_by_naming_it_again() {
        let readiness = Readiness::new();
        readiness.set("rabbitmq", Ok(()));

        readiness.expect("rabbitmq");

        assert!(readiness.is_ready());
    }

    #[test]
    fn a_warning_is_shown_and_leaves_the_process_ready() {
        let readiness = Readiness::new();

        readiness.warn("whatsapp", "cannot be reached");
        let report = readiness.report();
        readiness.clear_warning("whatsapp");

        assert!(report.is_ready());
        assert_eq!(report.to_string(), "ready; warning: whatsapp: cannot be reached");
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            r#"{"status":"ready","warnings":[{"name":"whatsapp","reason":"cannot be reached"}]}"#
        );
        assert_eq!(
            serde_json::to_string(&readiness.report()).unwrap(),
            r#"{"status":"ready"}"#
        );
    }

    #[test]
    fn the_report_names_what_is_missing_and_why() {
        let readiness = Readiness::new();
        let report = |readiness: &Readiness| serde_json::to_string(&readiness.report()).unwrap();
        assert_eq!(report(&readiness), r#"{"status":"ready"}"#);

        readiness.set("rabbitmq", Err("connection refused".to_owned()));

        assert_eq!(
            readiness.report().to_string(),
            "not ready: rabbitmq: connection refused"
        );
        assert_eq!(
            report(&readiness),
            r#"{"status":"not ready","missing":[{"name":"rabbitmq","reason":"connection refused"}]}"#
        );
    }
}
