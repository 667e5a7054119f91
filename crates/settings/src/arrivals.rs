//! Warns about resorts that wait for arrivals which no source can report: every stay there would become `no_show`, and a
//! moment that counts from the check-in would never come.

use std::sync::Arc;

use domain::event::EventType;
use domain::moment::{Basis, Moment};
use domain::resort::Resort;

use crate::files::{Files, Good};
use crate::finding::{Finding, Severity};
use crate::source::SourceRules;

pub(crate) fn findings(files: &Files) -> Vec<Finding> {
    let mut sources: Vec<&Arc<SourceRules>> = Vec::new();
    let mut resorts = Vec::new();
    for (name, held) in files.held() {
        match &held.good {
            Some(Good::Source(source)) => sources.push(&source.rules),
            Some(Good::Resort(resort, _)) => resorts.push((name, held, resort)),
            // A broken file may be of the source that reports them.
            None => return Vec::new(),
        }
    }
    let mut findings = Vec::new();
    for (name, held, resort) in resorts {
        if is_told(resort, &sources) {
            continue;
        }
        let mut warn = |key: &str, text: String| {
            findings.push(Finding {
                file: name.to_string(),
                line: held.line_of(key).unwrap_or(1),
                severity: Severity::Warning,
                text,
            });
        };
        if resort.no_show_after.is_some() {
            let text = "check_in waits for arrivals, but no source of this resort can report guest_checked_in: every \
                        stay would become no_show; leave check_in out";
            warn("check_in", text.to_owned());
        }
        let of_arrival = |moment: &Moment| moment.at.basis == Basis::CheckedIn;
        for (moment, _) in resort.own_moments().filter(|(_, moment)| of_arrival(moment)) {
            let text = format!(
                "messages.{moment} counts from checked_in, which no source of this resort can report: it is never sent; \
                 count from check_in"
            );
            warn(&format!("messages.{moment}"), text);
        }
    }
    findings
}

/// Whether a source can report arrivals, or none speaks for the resort yet.
fn is_told(resort: &Resort, sources: &[&Arc<SourceRules>]) -> bool {
    let mut of_resort = sources
        .iter()
        .filter(|rules| rules.speaks_for(&resort.id))
        .peekable();
    of_resort.peek().is_none() || of_resort.any(|rules| reports_arrivals(rules))
}

fn reports_arrivals(rules: &SourceRules) -> bool {
    rules.mapping.as_ref().is_none_or(|mapping| {
        mapping
            .definition
            .event_types()
            .contains(&EventType::GuestCheckedIn)
    })
}
