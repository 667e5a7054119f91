//! The order's part of the plan: the booking's status from the reservation on, and every message that follows it.

use chrono::{DateTime, NaiveTime, Utc};

use super::{Decision, Half, Planned, Status, View, difference};
use crate::facts::{Fact, Facts, Notify};
use crate::local_time;
use crate::message::{MessageKind, Reason};
use crate::moment::{Basis, Moment, Offset};
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
    let moments = view.moments(false);
    let mut messages: Vec<Planned> = moments
        .filter_map(|(kind, moment)| planned(view, &round, status, kind, moment))
        .collect();
    if !view.resort.moments.contains_key(&MessageKind::ReviewRequest) {
        let decision = Decision::NotWanted(Reason::NotConfigured);
        messages.extend(of_stay(view, &round, MessageKind::ReviewRequest, |_| decision));
    }
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

fn planned(
    view: &View<'_>,
    round: &Round<'_>,
    status: Status,
    kind: MessageKind,
    moment: &Moment,
) -> Option<Planned> {
    match moment.at.basis {
        Basis::Confirmed => after_confirmation(view, round, kind, moment),
        _ => of_stay(view, round, kind, |newest| {
            stay_decision(view, round, status, newest, kind, moment)
        }),
    }
}

fn after_confirmation(
    view: &View<'_>,
    round: &Round<'_>,
    kind: MessageKind,
    moment: &Moment,
) -> Option<Planned> {
    let newest = view.facts.confirmed.as_ref()?;
    let decision = match round.confirmed {
        Some(confirmed) => {
            let at = moment.at.after_instant(confirmed.stamp.at, view.resort.time_zone);
            view.decision(kind, at, confirmed)
        }
        None => Decision::NotWanted(Reason::Cancelled),
    };
    Some(Planned {
        kind,
        basis_at: newest.stamp.at,
        decision,
    })
}

/// Plans a kind that the stay asks for; `decide` gets the newest fact that tells of the stay.
fn of_stay<'a>(
    view: &View<'a>,
    round: &Round<'a>,
    kind: MessageKind,
    decide: impl FnOnce(&'a Fact<Notify>) -> Decision,
) -> Option<Planned> {
    let newest = [round.reserved, round.checked_in, round.checked_out]
        .into_iter()
        .flatten()
        .max_by_key(|fact| &fact.stamp);
    let known = newest.or(view.facts.cancelled.as_ref())?;
    Some(Planned {
        kind,
        basis_at: known.stamp.at,
        decision: newest.map_or(Decision::NotWanted(Reason::Cancelled), decide),
    })
}

fn stay_decision(
    view: &View<'_>,
    round: &Round<'_>,
    status: Status,
    newest: &Fact<Notify>,
    kind: MessageKind,
    moment: &Moment,
) -> Decision {
    let zone = view.resort.time_zone;
    let (arrival, _) = view.facts.dates();
    let departure = stay::departure(view.facts.dates());
    let at = match moment.at.basis {
        Basis::CheckedOut => return after_departure(view, round, kind, moment),
        Basis::CheckedIn => match round.checked_in {
            Some(arrived) => moment.at.after_instant(arrived.stamp.at, zone),
            None => return not_yet(view, kind, status),
        },
        basis => match if basis == Basis::CheckIn {
            arrival
        } else {
            departure
        } {
            Some(day) => moment.at.around_day(day, zone),
            None => return Decision::Later(None),
        },
    };
    // What is said before or during the stay must not reach a guest who has left, or who never came.
    let is_of_end = moment.at.basis == Basis::CheckOut && matches!(moment.at.offset, Offset::After(_));
    if !is_of_end && round.checked_out.is_some_and(|left| left.stamp.at < at) {
        return Decision::NotWanted(Reason::AlreadyLeft);
    }
    if status == Status::NoShow {
        return Decision::NotWanted(Reason::NotArrived);
    }
    match (moment.at.basis, round.checked_in) {
        (Basis::CheckedIn, Some(arrived)) => view.decision(kind, at, arrived),
        _ => view.decision_of_stay(kind, at, newest),
    }
}

/// A guest who has not arrived may still do so, unless they count as a no-show. A message that exists already followed an
/// arrival of a round that is over, as a late cancellation has told.
fn not_yet(view: &View<'_>, kind: MessageKind, status: Status) -> Decision {
    let ended_at = difference::rounds_ended_at(view.facts, kind);
    let exists = difference::of_current_round(&view.circumstances.messages, kind, ended_at).is_some();
    match status {
        Status::NoShow => Decision::NotWanted(Reason::NotArrived),
        _ if exists => Decision::NotWanted(Reason::NotArrived),
        _ => Decision::Later(None),
    }
}

/// Counted from the check-out. Without that event it counts from noon (local time) of the departure day, if the guest
/// arrived; where the resort does not track arrivals, a guest with a reservation counts as arrived.
fn after_departure(view: &View<'_>, round: &Round<'_>, kind: MessageKind, moment: &Moment) -> Decision {
    let zone = view.resort.time_zone;
    if let Some(left) = round.checked_out {
        return view.decision(kind, moment.at.after_instant(left.stamp.at, zone), left);
    }
    let arrived = round
        .checked_in
        .or(round.reserved.filter(|_| view.resort.no_show_after.is_none()));
    let Some(arrived) = arrived else {
        return Decision::NotWanted(Reason::NotArrived);
    };
    match stay::departure(view.facts.dates()) {
        Some(departure) => view.decision_of_stay(kind, moment.at.around_day(departure, zone), arrived),
        None => Decision::Later(None),
    }
}
