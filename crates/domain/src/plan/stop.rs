//! The answer to a guest who opts out.
//!
//! Whether a stop is confirmed, and by which booking's resort, is decided when the stop arrives: only a stop that
//! changes something becomes a fact of a booking. So each such fact is a round of its own.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Decision, Planned, View};
use crate::facts::Facts;
use crate::message::{MessageKind, Reason};

/// Plans the confirmation of the newest stop; `None` if the guest never opted out.
pub(crate) fn plan(view: &View<'_>) -> Option<Planned> {
    let kind = MessageKind::StopConfirmation;
    let stopped = view.facts.stopped.as_ref()?;
    let decision = if view.circumstances.marketing_consent.is_opted_out() {
        view.decision(kind, stopped.stamp.at, stopped)
    } else {
        Decision::NotWanted(Reason::OptedIn)
    };
    Some(Planned {
        kind,
        basis_at: stopped.stamp.at,
        decision,
    })
}

/// When the rounds before the newest stop ended.
pub(super) fn rounds_ended_at(facts: &Facts) -> Option<DateTime<Utc>> {
    let newest = facts.stopped.as_ref()?.stamp.at;
    // Times have a precision of microseconds, as in Postgres: every round before this instant is over.
    newest.checked_sub_signed(TimeDelta::microseconds(1))
}
