//! Warns about resorts that wait for arrivals which no source can report: every stay there would become `no_show`.

use std::sync::Arc;

use domain::event::EventType;
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
    let without = resorts
        .into_iter()
        .filter(|(_, _, resort)| resort.no_show_after.is_some() && !is_told(resort, &sources));
    without
        .map(|(name, held, _)| Finding {
            file: name.to_string(),
            line: held.line_of("check_in").unwrap_or(1),
            severity: Severity::Warning,
            text: "check_in waits for arrivals, but no source of this resort can report guest_checked_in: every stay \
                   would become no_show; leave check_in out"
                .to_owned(),
        })
        .collect()
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
