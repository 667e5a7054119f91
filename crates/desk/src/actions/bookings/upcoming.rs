//! What comes next and why: the plan's messages that have not reached their end.

use chrono::{DateTime, Utc};
use domain::message::MessageKind;
use domain::plan::{Decision, Existing, Plan, Planned};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct Upcoming {
    pub(crate) kind: MessageKind,
    /// `later`, `now`, `waits`, `skipped`, `expired` or `not_wanted`.
    pub(crate) expected: &'static str,
    pub(crate) at: Option<DateTime<Utc>>,
    pub(crate) until: Option<DateTime<Utc>>,
    /// Why it is not sent, or what it waits for.
    pub(crate) reason: Option<&'static str>,
    /// The time of the fact that it follows from.
    pub(crate) since: DateTime<Utc>,
}

pub(crate) fn upcoming<'m>(
    plan: &Plan,
    messages: impl Iterator<Item = &'m Existing> + Clone,
) -> Vec<Upcoming> {
    let is_over = |planned: &Planned| {
        messages.clone().any(|message| {
            let over = message.state.is_end() || message.state.went();
            message.kind == planned.kind && message.basis_at == planned.basis_at && over
        })
    };
    plan.messages
        .iter()
        .filter(|planned| !is_over(planned))
        .map(view)
        .collect()
}

fn view(planned: &Planned) -> Upcoming {
    let (expected, window, reason) = match &planned.decision {
        Decision::Later(Some(window)) => ("later", Some(window), None),
        Decision::Later(None) => ("waits", None, Some("another_event")),
        Decision::Due(window) => ("now", Some(window), None),
        Decision::Skip(reason, window) => ("skipped", Some(window), Some(reason.as_str())),
        Decision::Expired(window) => ("expired", Some(window), None),
        Decision::NotWanted(reason) => ("not_wanted", None, Some(reason.as_str())),
    };
    Upcoming {
        kind: planned.kind,
        expected,
        at: window.map(|window| window.opens_at),
        until: window.map(|window| window.closes_at),
        reason,
        since: planned.basis_at,
    }
}
