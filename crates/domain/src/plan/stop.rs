//! The guest's part of the plan: the answer to a stop.
//!
//! Whether a stop is to be confirmed, and by which booking's resort, is decided when it arrives: only a stop that is news
//! becomes a fact of a booking. So each such fact is a round of its own.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Planned, Verdict, View};
use crate::facts::Facts;
use crate::message::{MessageKind, Reason};

/// The confirmation of the newest stop; nothing where the guest never said one.
pub(crate) fn plan(view: &View<'_>) -> Option<Planned> {
    let kind = MessageKind::StopConfirmation;
    let stopped = view.facts.stopped.as_ref()?;
    let verdict = if view.around.wishes.is_opted_out() {
        view.verdict(kind, stopped.stamp.at, stopped)
    } else {
        Verdict::NotWanted(Reason::OptedIn)
    };
    Some(Planned {
        kind,
        basis_at: stopped.stamp.at,
        verdict,
    })
}

/// When the rounds before the newest stop ended.
pub(super) fn rounds_ended_at(facts: &Facts) -> Option<DateTime<Utc>> {
    let newest = facts.stopped.as_ref()?.stamp.at;
    // Times are kept in microseconds: everything before this one is over.
    newest.checked_sub_signed(TimeDelta::microseconds(1))
}
