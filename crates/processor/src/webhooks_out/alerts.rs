//! Alerts of all programs, for the resorts that they concern and that want to know.

use std::sync::Arc;

use domain::ids::ResortId;
use domain::raised_alert::{RaisedAlert, Subject};
use domain::webhook_out::WebhookEvent;
use settings::Snapshot;
use store::{Connection, StoreError, raised_alerts};

/// Alerts in one transaction.
const AT_ONCE: i64 = 50;

/// The failure of a receiver tells nobody: it would have to be told to that receiver.
const UNTOLD: &str = "webhook_out_failed";

pub(super) fn tell(connection: &mut Connection, files: &Arc<Snapshot>) -> Result<(), StoreError> {
    raised_alerts::tell(connection, AT_ONCE, |alert| concerned(files, alert)).map(drop)
}

/// The resorts that want to know an alert: those that it names, or all where it names none of them.
fn concerned(files: &Snapshot, alert: &RaisedAlert) -> Vec<ResortId> {
    if alert.alert == UNTOLD {
        return Vec::new();
    }
    let all: Vec<ResortId> = files.resorts().map(|resort| resort.id.clone()).collect();
    let named = |is_named: &dyn Fn(&ResortId) -> bool| -> Vec<ResortId> {
        all.iter().filter(|id| is_named(id)).cloned().collect()
    };
    let has_number = |id: &ResortId, number: &str| {
        let resort = files.resort(id);
        resort.is_some_and(|resort| resort.number.as_str() == number)
    };
    let mut found = match alert.subject() {
        // A resort that has no file here is nobody else's matter.
        Subject::Resort(resort) => named(&|id| id.as_str() == resort),
        Subject::Source(source) => of_source(files, source, &all),
        Subject::Number(number) => or_all(named(&|id| has_number(id, number)), &all),
        Subject::Account(account) => {
            let of_account = named(&|id| files.business_account(id) == Some(account));
            or_all(of_account, &all)
        }
        Subject::Everything => all.clone(),
    };
    found.retain(|id| {
        let receiver = files.webhook_out(id);
        receiver.is_some_and(|receiver| receiver.events.contains(&WebhookEvent::Alert))
    });
    found
}

fn of_source(files: &Snapshot, source: &str, all: &[ResortId]) -> Vec<ResortId> {
    let rules = files.all_source_rules().find(|rules| rules.id.as_str() == source);
    match rules {
        Some(rules) => all.iter().filter(|id| rules.speaks_for(id)).cloned().collect(),
        None => all.to_vec(),
    }
}

/// Not every file names its account, and WhatsApp names numbers in several ways.
fn or_all(found: Vec<ResortId>, all: &[ResortId]) -> Vec<ResortId> {
    match found.is_empty() {
        true => all.to_vec(),
        false => found,
    }
}
