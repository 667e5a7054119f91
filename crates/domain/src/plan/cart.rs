//! The cart's part of the plan: when a booking counts as abandoned, and its reminders.

use chrono::{DateTime, NaiveDate, Utc};

use super::{Decision, Half, Planned, Reservation, Status, View};
use crate::facts::{Fact, Facts, Notify};
use crate::local_time;
use crate::message::{MessageKind, Reason};
use crate::moment::{Basis, Moment};
use crate::resort::Resort;
use crate::stay;

/// Since when the guest counts as absent (it may lie in the future), and the fact that says so.
struct Absence<'a> {
    since: DateTime<Utc>,
    cause: &'a Fact<Notify>,
}

/// Plans the reminders.
pub(crate) fn plan(view: &View<'_>) -> Half {
    let Some(absence) = absence(view) else {
        return Half::default();
    };
    let status = if judged_at(view) >= absence.since {
        Status::Abandoned
    } else {
        Status::Started
    };
    let ruled_out = reason_against_reminders(view);
    let reminder = |kind, decision: Decision| Planned {
        kind,
        basis_at: absence.since,
        decision: ruled_out.map_or(decision, Decision::NotWanted),
    };
    let mut messages: Vec<Planned> = view
        .moments(true)
        .map(|(kind, moment)| reminder(kind, decision(view, &absence, kind, moment)))
        .collect();
    if !view.resort.moments.contains_key(&MessageKind::Reminder2) {
        let decision = Decision::NotWanted(Reason::NotConfigured);
        messages.push(reminder(MessageKind::Reminder2, decision));
    }
    let counts_as_abandoned = |at: &DateTime<Utc>| became_at(view).is_none_or(|became| became >= *at);
    Half {
        status: Some(status),
        messages,
        status_changes_at: Some(absence.since).filter(counts_as_abandoned),
    }
}

fn decision(view: &View<'_>, absence: &Absence<'_>, kind: MessageKind, moment: &Moment) -> Decision {
    let at = |fact| moment.at.after_instant(fact, view.resort.time_zone);
    match (moment.at.basis, &view.facts.activity) {
        (Basis::FirstReminder, _) => second_reminder(view, absence, kind, moment),
        (Basis::Started, Some(activity)) => view.decision(kind, at(activity.stamp.at), activity),
        (Basis::Started, None) => Decision::Later(None),
        _ => view.decision(kind, at(absence.since), absence.cause),
    }
}

/// The time for which the status is decided. A cart that became a reservation keeps the status that it had then:
/// that the guest is inactive afterwards says nothing about it.
fn judged_at(view: &View<'_>) -> DateTime<Utc> {
    became_at(view).map_or(view.now, |became| became.min(view.now))
}

fn became_at(view: &View<'_>) -> Option<DateTime<Utc>> {
    view.facts.became.as_ref().map(|became| became.stamp.at)
}

/// What the platform said (`booking_abandoned`) counts until the guest is active again. Otherwise the guest counts
/// as absent after the resort's period of inactivity.
fn absence<'a>(view: &View<'a>) -> Option<Absence<'a>> {
    let (activity, abandoned) = (view.facts.activity.as_ref(), view.facts.abandoned.as_ref());
    match (activity, abandoned) {
        // The guest returned after the platform had reported the abandonment.
        (Some(activity), Some(abandoned)) if abandoned.stamp < activity.stamp => {
            Some(inactive(view, activity))
        }
        (_, Some(abandoned)) => Some(Absence {
            since: abandoned.stamp.at,
            cause: abandoned,
        }),
        (Some(activity), None) => Some(inactive(view, activity)),
        (None, None) => None,
    }
}

fn inactive<'a>(view: &View<'_>, activity: &'a Fact<Notify>) -> Absence<'a> {
    let since = local_time::after(activity.stamp.at, view.resort.abandonment.after);
    Absence {
        since,
        cause: activity,
    }
}

/// Why this cart gets no reminder, whatever the time. Once an event of the order is known, no event of the cart
/// counts any more, not even after a cancellation.
fn reason_against_reminders(view: &View<'_>) -> Option<Reason> {
    let facts = view.facts;
    let reserved = [
        &facts.confirmed,
        &facts.modified,
        &facts.checked_in,
        &facts.checked_out,
    ];
    if reserved.into_iter().any(Option::is_some) {
        return Some(Reason::Confirmed);
    }
    if facts.cancelled.is_some() {
        return Some(Reason::Cancelled);
    }
    if facts.became.is_some() {
        return Some(Reason::BecameReservation);
    }
    let covered = view
        .circumstances
        .elsewhere
        .iter()
        .any(|reservation| covers(view, reservation));
    if covered {
        return Some(Reason::BookedElsewhere);
    }
    is_paused(view).then_some(Reason::Replied)
}

/// Whether the guest wrote after they were last active on the cart: then staff come first.
fn is_paused(view: &View<'_>) -> bool {
    let seen = view.facts.activity.as_ref().or(view.facts.abandoned.as_ref());
    let replied_at = view
        .circumstances
        .replied_at
        .filter(|_| view.resort.pause_on_reply);
    replied_at.is_some_and(|replied_at| seen.is_none_or(|seen| seen.stamp.at <= replied_at))
}

fn covers(view: &View<'_>, reservation: &Reservation) -> bool {
    let seen_on = last_seen_on(view.facts, view.resort);
    is_superfluous(view.facts.dates(), reservation.dates, seen_on)
}

/// Whether a reservation makes a cart superfluous: their days overlap or are unknown, unless that stay was over
/// before the day on which the guest was last active on the cart.
///
/// A claim asks the same about what was committed since the plan, with the database's function
/// `cart_is_superfluous`; a property test of `store` compares the two.
pub fn is_superfluous(cart: stay::Dates, reservation: stay::Dates, seen_on: Option<NaiveDate>) -> bool {
    let over_before =
        matches!((stay::departure(reservation), seen_on), (Some(left), Some(seen)) if left < seen);
    !over_before && stay::may_overlap(cart, reservation)
}

/// The day, in the resort's time zone, on which the guest was last active on a cart.
pub fn last_seen_on(facts: &Facts, resort: &Resort) -> Option<NaiveDate> {
    let newest = [&facts.activity, &facts.abandoned]
        .into_iter()
        .flatten()
        .map(|fact| fact.stamp.at)
        .max();
    newest.map(|at| local_time::day(at, resort.time_zone))
}

/// The delay counts from when the first reminder was really sent. If the guest was active on the cart since then,
/// the second one also waits until the guest counts as absent again.
fn second_reminder(view: &View<'_>, absence: &Absence<'_>, kind: MessageKind, moment: &Moment) -> Decision {
    let Some(first) = view.existing(MessageKind::Reminder1) else {
        let never = view.facts.is_withdrawn_by_staff(MessageKind::Reminder1);
        return match never {
            true => Decision::NotWanted(Reason::FirstReminderNeverWent),
            false => Decision::Later(None),
        };
    };
    // A reminder that WhatsApp accepted and then failed to deliver is dead: it has a `sent_at`, but the guest never
    // got it.
    let Some(sent_at) = first.sent_at.filter(|_| first.state.went()) else {
        let never = first.withdrawn || (first.state.is_end() && !first.state.went());
        // A second reminder exists already: it was planned while the first one seemed to have been sent. It is
        // planned again once the first one really is.
        let too_early = view.existing(kind).is_some();
        return if never || too_early {
            Decision::NotWanted(Reason::FirstReminderNeverWent)
        } else {
            Decision::Later(None)
        };
    };
    let counted = moment.at.after_instant(sent_at, view.resort.time_zone);
    let active_since = view
        .facts
        .activity
        .as_ref()
        .map(|activity| activity.stamp.at)
        .filter(|at| *at > sent_at);
    let put_off = active_since.map(|at| local_time::after(at, view.resort.abandonment.after));
    view.decision(
        kind,
        put_off.map_or(counted, |until| counted.max(until)),
        absence.cause,
    )
}
