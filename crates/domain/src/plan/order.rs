//! The order's part of the plan: confirmation, arrival and review request.

use chrono::{DateTime, NaiveTime, Utc};

use super::{Half, Planned, Status, Verdict, View};
use crate::facts::{Fact, Facts, Notify};
use crate::local_time;
use crate::message::{MessageKind, Reason};
use crate::stay;

/// The order's facts that belong to the round that runs now: those after the last cancellation.
struct Round<'a> {
    confirmed: Option<&'a Fact<Notify>>,
    /// Why a reservation is known to stand: its confirmation, or, where no cancellation is known either, a change of it.
    reserved: Option<&'a Fact<Notify>>,
    checked_in: Option<&'a Fact<Notify>>,
    checked_out: Option<&'a Fact<Notify>>,
}

/// Plans everything after the booking. The second value is when the status changes by itself.
pub(crate) fn plan(view: &View<'_>) -> (Half, Option<DateTime<Utc>>) {
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
        return (
            Half {
                status: None,
                messages: Vec::new(),
            },
            None,
        );
    };
    let messages = [confirmation(view, &round), review_request(view, &round)]
        .into_iter()
        .flatten()
        .collect();
    let changes_at = if status == Status::Cancelled {
        None
    } else {
        no_show_at
    };
    (
        Half {
            status: Some(status),
            messages,
        },
        changes_at,
    )
}

/// Whether the facts speak of a reservation that is not cancelled, whatever the day.
pub fn reservation_stands(facts: &Facts) -> bool {
    let cancelled = facts.cancelled.as_ref().map(|cancelled| &cancelled.stamp);
    let reviving = [&facts.confirmed, &facts.checked_in, &facts.checked_out];
    match cancelled {
        Some(cancelled) => reviving.into_iter().flatten().any(|fact| fact.stamp > *cancelled),
        None => facts.modified.is_some() || reviving.into_iter().any(Option::is_some),
    }
}

/// `None`: no order is known.
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

/// When a guest who has not arrived counts as missing; `None` where arrivals are not tracked, the day is not known
/// or the guest is there.
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
    let verdict = match round.confirmed {
        Some(confirmed) => view.verdict(kind, confirmed.stamp.at, confirmed),
        None => Verdict::NotWanted(Reason::Cancelled),
    };
    Some(Planned {
        kind,
        basis_at: newest.stamp.at,
        verdict,
    })
}

fn review_request(view: &View<'_>, round: &Round<'_>) -> Option<Planned> {
    let basis = [round.reserved, round.checked_in, round.checked_out]
        .into_iter()
        .flatten()
        .max_by_key(|f| &f.stamp);
    let verdict = match (view.resort.review_after_check_out, basis) {
        (None, _) => Verdict::NotWanted(Reason::NotConfigured),
        (_, None) if view.facts.cancelled.is_some() => Verdict::NotWanted(Reason::Cancelled),
        (Some(delay), _) => review_verdict(view, round, delay),
    };
    let known = basis.or(view.facts.cancelled.as_ref())?;
    Some(Planned {
        kind: MessageKind::ReviewRequest,
        basis_at: known.stamp.at,
        verdict,
    })
}

/// Counted from the actual check-out, else from local noon of the departure day of a guest who arrived.
fn review_verdict(view: &View<'_>, round: &Round<'_>, delay: std::time::Duration) -> Verdict {
    let kind = MessageKind::ReviewRequest;
    if let Some(left) = round.checked_out {
        return view.verdict(kind, local_time::after(left.stamp.at, delay), left);
    }
    let arrived = round
        .checked_in
        .or(round.reserved.filter(|_| view.resort.no_show_after.is_none()));
    let Some(arrived) = arrived else {
        return Verdict::NotWanted(Reason::NotArrived);
    };
    let Some(departure) = stay::departure(view.facts.dates()) else {
        return Verdict::Later(None);
    };
    let noon = NaiveTime::from_hms_opt(12, 0, 0).unwrap_or(NaiveTime::MIN);
    let left_at = local_time::instant(departure, noon, view.resort.time_zone);
    view.verdict(kind, local_time::after(left_at, delay), arrived)
}
