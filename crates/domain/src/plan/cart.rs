//! The cart's part of the plan: when a booking counts as abandoned, and its two reminders.

use chrono::{DateTime, NaiveDate, Utc};

use super::{Half, Planned, Reservation, Status, Verdict, View};
use crate::facts::{Fact, Facts, Notify};
use crate::local_time;
use crate::message::{MessageKind, Reason};
use crate::resort::Resort;
use crate::stay;

/// Since when the guest counts as gone, and by which fact.
struct Absence<'a> {
    since: DateTime<Utc>,
    cause: &'a Fact<Notify>,
}

/// Plans the reminders. The second value is when the status changes by itself.
pub(crate) fn plan(view: &View<'_>) -> (Half, Option<DateTime<Utc>>) {
    let Some(absence) = absence(view) else {
        return (
            Half {
                status: None,
                messages: Vec::new(),
            },
            None,
        );
    };
    let status = if judged_at(view) >= absence.since {
        Status::Abandoned
    } else {
        Status::Started
    };
    let settled = reason_against(view);
    let reminder = |kind, verdict: Verdict| Planned {
        kind,
        basis_at: absence.since,
        verdict: settled.map_or(verdict, Verdict::NotWanted),
    };
    let first = view.verdict(MessageKind::Reminder1, absence.since, absence.cause);
    let messages = vec![
        reminder(MessageKind::Reminder1, first),
        reminder(MessageKind::Reminder2, second_reminder(view, &absence)),
    ];
    let changes_at = Some(absence.since).filter(|at| became_at(view).is_none_or(|became| became >= *at));
    (
        Half {
            status: Some(status),
            messages,
        },
        changes_at,
    )
}

/// A cart that became a reservation keeps the status that it had then: later silence says nothing about it.
fn judged_at(view: &View<'_>) -> DateTime<Utc> {
    became_at(view).map_or(view.now, |became| became.min(view.now))
}

fn became_at(view: &View<'_>) -> Option<DateTime<Utc>> {
    view.facts.became.as_ref().map(|became| became.stamp.at)
}

/// The platform's word counts until the guest is active again; inactivity counts by itself.
fn absence<'a>(view: &View<'a>) -> Option<Absence<'a>> {
    let (activity, abandoned) = (view.facts.activity.as_ref(), view.facts.abandoned.as_ref());
    match (activity, abandoned) {
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

/// Why nobody must be reminded of this cart, whatever the clocks say. Once an order's event is known no cart event
/// sets anything, not even after a cancellation.
fn reason_against(view: &View<'_>) -> Option<Reason> {
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
        .around
        .elsewhere
        .iter()
        .any(|reservation| covers(view, reservation));
    covered.then_some(Reason::BookedElsewhere)
}

fn covers(view: &View<'_>, reservation: &Reservation) -> bool {
    let seen_on = last_seen_on(view.facts, view.resort);
    is_superfluous(view.facts.dates(), reservation.dates, seen_on)
}

/// Whether a reservation makes a cart superfluous: their days overlap or are unknown, unless that stay was over before the
/// day on which the guest was last active on the cart.
///
/// A claim asks the same of what was committed meanwhile, by the function `cart_is_superfluous` of the database; a
/// property test of `store` compares the two.
pub fn is_superfluous(cart: stay::Dates, reservation: stay::Dates, seen_on: Option<NaiveDate>) -> bool {
    let over_before =
        matches!((stay::departure(reservation), seen_on), (Some(left), Some(seen)) if left < seen);
    !over_before && stay::may_overlap(cart, reservation)
}

/// The day, at the resort, on which the guest was last active on a cart.
pub fn last_seen_on(facts: &Facts, resort: &Resort) -> Option<NaiveDate> {
    let newest = [&facts.activity, &facts.abandoned]
        .into_iter()
        .flatten()
        .map(|fact| fact.stamp.at)
        .max();
    newest.map(|at| local_time::day(at, resort.time_zone))
}

/// Counted from when the first one really went; activity after that puts it off.
fn second_reminder(view: &View<'_>, absence: &Absence<'_>) -> Verdict {
    let Some(delay) = view.resort.abandonment.reminder_2 else {
        return Verdict::NotWanted(Reason::NotConfigured);
    };
    let Some(first) = view.existing(MessageKind::Reminder1) else {
        return Verdict::Later(None);
    };
    // One that WhatsApp took and then failed to deliver is dead: it has a time of sending, but it never went.
    let Some(sent_at) = first.sent_at.filter(|_| first.state.went()) else {
        let never = first.withdrawn || (first.state.is_end() && !first.state.went());
        // It was planned when the first one seemed to have gone; it is planned again when that one really goes.
        let too_early = view.existing(MessageKind::Reminder2).is_some();
        return if never || too_early {
            Verdict::NotWanted(Reason::FirstReminderNeverWent)
        } else {
            Verdict::Later(None)
        };
    };
    let counted = local_time::after(sent_at, delay);
    let active_since = view
        .facts
        .activity
        .as_ref()
        .map(|activity| activity.stamp.at)
        .filter(|at| *at > sent_at);
    let put_off = active_since.map(|at| local_time::after(at, view.resort.abandonment.after));
    view.verdict(
        MessageKind::Reminder2,
        put_off.map_or(counted, |until| counted.max(until)),
        absence.cause,
    )
}
