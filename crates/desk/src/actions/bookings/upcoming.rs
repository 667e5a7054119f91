//! What is still to come, and why: the plan, told for people.

use chrono::{DateTime, Utc};
use domain::plan::{Decision, Plan, Planned};
use serde::Serialize;
use store::messages::Message;

/// What the plan says of one kind of message that has not reached its end.
#[derive(Debug, Serialize)]
pub(crate) struct ToCome {
    pub(crate) kind: &'static str,
    /// `later`, `now`, `waits`, `skipped`, `expired` or `not_wanted`.
    pub(crate) expected: &'static str,
    /// When it may go.
    pub(crate) at: Option<DateTime<Utc>>,
    /// When it is of no more use.
    pub(crate) until: Option<DateTime<Utc>>,
    /// Why it is not to be sent, or what it waits for.
    pub(crate) reason: Option<&'static str>,
    /// Since when the fact holds that it answers.
    pub(crate) since: DateTime<Utc>,
}

pub(super) fn to_come(plan: &Plan, messages: &[Message]) -> Vec<ToCome> {
    let is_over = |planned: &Planned| {
        let mut same = messages.iter().map(|message| &message.existing);
        same.any(|message| {
            let over = message.state.is_end() || message.state.went();
            message.kind == planned.kind && message.basis_at == planned.basis_at && over
        })
    };
    plan.messages
        .iter()
        .filter(|planned| !is_over(planned))
        .map(told)
        .collect()
}

fn told(planned: &Planned) -> ToCome {
    let (expected, window, reason) = match &planned.decision {
        Decision::Later(Some(window)) => ("later", Some(window), None),
        Decision::Later(None) => ("waits", None, Some("another_event")),
        Decision::Due(window) => ("now", Some(window), None),
        Decision::Skip(reason, window) => ("skipped", Some(window), Some(reason.as_str())),
        Decision::Expired(window) => ("expired", Some(window), None),
        Decision::NotWanted(reason) => ("not_wanted", None, Some(reason.as_str())),
    };
    ToCome {
        kind: planned.kind.as_str(),
        expected,
        at: window.map(|window| window.opens_at),
        until: window.map(|window| window.closes_at),
        reason,
        since: planned.basis_at,
    }
}
