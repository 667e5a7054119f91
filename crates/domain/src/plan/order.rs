//! The order's part of the plan: the booking's status from the reservation on, the confirmation and the review
//! request.

use chrono::{DateTime, NaiveTime, Utc};

use super::{Decision, Half, Planned, Status, View};
use crate::facts::{Fact, Facts, Notify};
use crate::local_time;
use crate::message::{MessageKind, Reason};
use crate::stay;

/// The facts of the current round: those after the last cancellation.
struct Round<'a> {
    confirmed: Option<&'a Fact<Notify>>,
    /// The fact that tells of a reservation: its confirmation, or a change of it where no cancellation is known. (A
    /// change after a cancellation revives nothing.)
    reserved: Option<&'a Fact<Notify>>,
    checked_in: Option<&'a Fact<Notify>>,
    checked_out: Option<&'a Fact<Notify>>,
}

/// Plans everything that follows the reservation.
pub(crate) fn plan(view: &View<'_>) -> Half {
    let confirmed = view.in_round(view.facts.confirmed.as_ref());
    let changed = view
        .facts
        .modified
        .as_ref()
        .filter(|_| view.facts.cancelled.is_none());
    let round = Round {
        confirmed,
        reserved: confirmed.or(changed),
        checked_in: view.in_round(view.facts.checked_in.as_ref()),
        checked_out: view.in_round(view.facts.checked_out.as_ref()),
    };
    let no_show_at = no_show_at(view, &round);
    let Some(status) = status(view, &round, no_show_at) else {
        return Half::default();
    };
    let messages = [confirmation(view, &round), review_request(view, &round)]
        .into_iter()
        .flatten()
        .collect();
    Half {
        status: Some(status),
        messages,
        status_changes_at: no_show_at.filter(|_| status != Status::Cancelled),
    }
}

/// Whether the facts tell of a reservation that is not cancelled, whatever the day.
pub fn has_reservation(facts: &Facts) -> bool {
    let cancelled = facts.cancelled.as_ref().map(|cancelled| &cancelled.stamp);
    let reviving = [&facts.confirmed, &facts.checked_in, &facts.checked_out];
    match cancelled {
        Some(cancelled) => reviving.into_iter().flatten().any(|fact| fact.stamp > *cancelled),
        None => facts.modified.is_some() || reviving.into_iter().any(Option::is_some),
    }
}

/// `None`: no event has told of an order.
fn status(view: &View<'_>, round: &Round<'_>, no_show_at: Option<DateTime<Utc>>) -> Option<Status> {
    let facts = view.facts;
    if round.checked_out.is_some() {
        return Some(Status::CheckedOut);
    }
    if round.checked_in.is_some() {
        return Some(Status::CheckedIn);
    }
    if facts.cancelled.is_some() && round.reserved.is_none() {
        return Some(Status::Cancelled);
    }
    let missed = no_show_at.is_some_and(|at| view.now >= at);
    round
        .reserved
        .map(|_| if missed { Status::NoShow } else { Status::Confirmed })
}

/// When a guest who has not arrived counts as a no-show. `None` where the resort does not track arrivals, the
/// arrival day is unknown, or the guest has arrived.
fn no_show_at(view: &View<'_>, round: &Round<'_>) -> Option<DateTime<Utc>> {
    if round.checked_in.is_some() || round.checked_out.is_some() {
        return None;
    }
    let after = view.resort.no_show_after?;
    let (arrival, _) = view.facts.dates();
    Some(local_time::after(
        local_time::instant(arrival?, NaiveTime::MIN, view.resort.time_zone),
        after,
    ))
}

fn confirmation(view: &View<'_>, round: &Round<'_>) -> Option<Planned> {
    let kind = MessageKind::ReservationConfirmation;
    let newest = view.facts.confirmed.as_ref()?;
    let decision = match round.confirmed {
        Some(confirmed) => view.decision(kind, confirmed.stamp.at, confirmed),
        None => Decision::NotWanted(Reason::Cancelled),
    };
    Some(Planned {
        kind,
        basis_at: newest.stamp.at,
        decision,
    })
}

fn review_request(view: &View<'_>, round: &Round<'_>) -> Option<Planned> {
    let basis = [round.reserved, round.checked_in, round.checked_out]
        .into_iter()
        .flatten()
        .max_by_key(|f| &f.stamp);
    let decision = match (view.resort.review_after_check_out, basis) {
        (None, _) => Decision::NotWanted(Reason::NotConfigured),
        (_, None) if view.facts.cancelled.is_some() => Decision::NotWanted(Reason::Cancelled),
        (Some(delay), _) => review_decision(view, round, delay),
    };
    let known = basis.or(view.facts.cancelled.as_ref())?;
    Some(Planned {
        kind: MessageKind::ReviewRequest,
        basis_at: known.stamp.at,
        decision,
    })
}

/// The delay counts from the check-out. Without that event it counts from noon (local time) of the departure day,
/// if the guest arrived; where the resort does not track arrivals, a guest with a reservation counts as arrived.
fn review_decision(view: &View<'_>, round: &Round<'_>, delay: std::time::Duration) -> Decision {
    let kind = MessageKind::ReviewRequest;
    if let Some(left) = round.checked_out {
        return view.decision(kind, local_time::after(left.stamp.at, delay), left);
    }
    let arrived = round
        .checked_in
        .or(round.reserved.filter(|_| view.resort.no_show_after.is_none()));
    let Some(arrived) = arrived else {
        return Decision::NotWanted(Reason::NotArrived);
    };
    let Some(departure) = stay::departure(view.facts.dates()) else {
        return Decision::Later(None);
    };
    let noon = NaiveTime::from_hms_opt(12, 0, 0).unwrap_or(NaiveTime::MIN);
    let left_at = local_time::instant(departure, noon, view.resort.time_zone);
    view.decision(kind, local_time::after(left_at, delay), arrived)
}
