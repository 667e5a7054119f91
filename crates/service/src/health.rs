//! Whether a process can do its work, and what is missing when it cannot.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde::Serialize;
use tokio::sync::watch;

use crate::Stop;
use crate::lock;

/// The conditions under which a process can do its work; clones share them.
///
/// It is ready while every condition that was ever named holds. Reasons are shown to the outside and carry no personal data.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    conditions: Arc<Mutex<BTreeMap<String, Option<String>>>>,
    warnings: Arc<Mutex<BTreeMap<String, String>>>,
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
        self.lock()
            .entry(name.to_owned())
            .or_insert_with(|| Some("not checked yet".to_owned()));
    }

    /// Notes whether a condition holds, or why not; a change is logged.
    pub fn set(&self, name: &str, holds: Result<(), String>) {
        let reason = holds.err();
        let former = self.lock().insert(name.to_owned(), reason.clone());
        match (former, reason) {
            (Some(former), reason) if former == reason => {}
            (_, Some(reason)) => {
                log::warn!("condition.name" = name, reason, event = "not_ready"; "not ready")
            }
            (Some(_), None) => {
                log::info!("condition.name" = name, event = "condition_holds"; "condition holds")
            }
            (None, None) => {}
        }
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
        self.lock().values().all(Option::is_none)
    }

    /// The conditions that do not hold and the warnings, with their reasons.
    pub fn report(&self) -> Report {
        let missing: Vec<_> = self
            .lock()
            .iter()
            .filter_map(|(name, reason)| {
                Some(Missing {
                    name: name.clone(),
                    reason: reason.clone()?,
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

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Option<String>>> {
        lock(&self.conditions)
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
            report(&readiness),
            r#"{"status":"not ready","missing":[{"name":"rabbitmq","reason":"connection refused"}]}"#
        );
    }
}
