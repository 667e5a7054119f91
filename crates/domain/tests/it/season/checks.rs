//! What must never happen, written from the rules and from what was heard and sent alone: no function that plans, judges
//! or claims is called here.

use chrono::{DateTime, NaiveDate, TimeDelta, Timelike, Utc};
use chrono_tz::Europe::Athens;
use domain::country::Country;
use domain::event::{Event, EventType, Family};
use domain::ids::BookingId;
use domain::message::MessageKind;
use domain::simulation::Sent;

use crate::stories::Delivery;

/// First reminders and offers that one number may get within a day at the season's resort.
pub(super) const CAP: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Breach {
    ReminderAfterBooking,
    InQuietHours,
    AfterStop,
    TwiceInRound,
    OfCancelledBooking,
    /// To a guest without consent, or marketing to a number of the United States.
    NotAllowed,
    /// More first reminders and offers to the same number within a day than [`CAP`].
    BeyondCap,
    /// A reminder within a day after a confirmation.
    InRest,
}

/// The events that had arrived by then.
struct Heard<'j>(Vec<&'j Event>);

/// Everything that should not have gone.
pub(super) fn breaches(journey: &[Delivery], sent: &[Sent]) -> Vec<Breach> {
    let mut found = Vec::new();
    for (number, message) in sent.iter().enumerate() {
        let arrived = journey
            .iter()
            .filter(|delivery| delivery.received_at <= message.at);
        let heard = Heard(arrived.map(|delivery| &delivery.event).collect());
        let wrong = [
            (
                is_reminder(message.kind) && heard.booked(message),
                Breach::ReminderAfterBooking,
            ),
            (
                is_marketing(message.kind) && is_night(message.at),
                Breach::InQuietHours,
            ),
            (is_marketing(message.kind) && heard.stopped(), Breach::AfterStop),
            (
                went_before(journey, &sent[..number], message),
                Breach::TwiceInRound,
            ),
            (
                !is_reminder(message.kind) && heard.cancelled(&message.booking),
                Breach::OfCancelledBooking,
            ),
            (
                is_marketing(message.kind) && heard.refuses(message),
                Breach::NotAllowed,
            ),
            (
                counts(message.kind) && of_day(&sent[..number], message) >= CAP,
                Breach::BeyondCap,
            ),
            (
                is_reminder(message.kind) && heard.confirmed_within_a_day(message),
                Breach::InRest,
            ),
        ];
        found.extend(
            wrong
                .into_iter()
                .filter(|(is_wrong, _)| *is_wrong)
                .map(|(_, breach)| breach),
        );
    }
    found
}

fn is_reminder(kind: MessageKind) -> bool {
    ["reminder_1", "reminder_2", "nudge", "second_nudge"].contains(&kind.as_str())
}

/// Also `nudge`, which the resort calls utility: it is a reminder.
fn is_marketing(kind: MessageKind) -> bool {
    !["reservation_confirmation", "welcome", "pre_arrival"].contains(&kind.as_str())
}

/// First reminders and offers; the second reminder goes with the first, and a review request is no offer.
fn counts(kind: MessageKind) -> bool {
    ["reminder_1", "nudge", "second_nudge", "upsell"].contains(&kind.as_str())
}

/// How many that count went to the same number within the day before.
fn of_day(earlier: &[Sent], message: &Sent) -> usize {
    let is_of_day =
        |one: &&Sent| counts(one.kind) && one.to == message.to && message.at - one.at < TimeDelta::days(1);
    earlier.iter().filter(is_of_day).count()
}

fn is_night(at: DateTime<Utc>) -> bool {
    let hour = at.with_timezone(&Athens).hour();
    !(9..21).contains(&hour)
}

/// Whether one of its kind has gone for its booking and no cancellation has arrived since.
fn went_before(journey: &[Delivery], earlier: &[Sent], message: &Sent) -> bool {
    let same = |other: &&Sent| other.kind == message.kind && other.booking == message.booking;
    let Some(last) = earlier.iter().rfind(same) else {
        return false;
    };
    let ended = journey.iter().any(|delivery| {
        delivery.event.event_type == EventType::ReservationCancelled
            && delivery.event.booking.as_ref() == Some(&message.booking)
            && (last.at..=message.at).contains(&delivery.received_at)
    });
    is_reminder(message.kind) || !ended
}

impl Heard<'_> {
    fn of<'h>(&'h self, booking: &'h BookingId) -> impl Iterator<Item = &'h Event> {
        let events = self.0.iter().copied();
        events.filter(move |event| event.booking.as_ref() == Some(booking))
    }

    /// Whether the cart of a reminder is booked: itself, under another id, or another stay of its days.
    fn booked(&self, message: &Sent) -> bool {
        let cart = &message.booking;
        let orders = || {
            self.0
                .iter()
                .filter(|event| event.event_type.family() == Family::Order)
        };
        let mut its_own = orders().filter(|event| {
            event.booking.as_ref() == Some(cart) || event.details.cart.as_ref() == Some(cart)
        });
        let seen_on = self
            .of(cart)
            .map(|event| event.occurred_at.with_timezone(&Athens).date_naive())
            .max();
        its_own.next().is_some()
            || orders().any(|order| {
                let stands = order.booking.as_ref().is_some_and(|id| self.stands(id));
                let is_over = leaves(order).zip(seen_on).is_some_and(|(left, seen)| left < seen);
                stands && !is_over && self.of(cart).any(|begun| overlap(begun, order))
            })
    }

    /// The newest of what made and ended a reservation.
    fn newest(&self, booking: &BookingId) -> Option<EventType> {
        use EventType::{GuestCheckedIn, GuestCheckedOut, ReservationCancelled, ReservationConfirmed};
        let deciding = [
            ReservationConfirmed,
            GuestCheckedIn,
            GuestCheckedOut,
            ReservationCancelled,
        ];
        let events = self
            .of(booking)
            .filter(|event| deciding.contains(&event.event_type));
        events
            .max_by_key(|event| (event.occurred_at, event.event_type))
            .map(|event| event.event_type)
    }

    fn stands(&self, booking: &BookingId) -> bool {
        self.newest(booking)
            .is_some_and(|newest| newest != EventType::ReservationCancelled)
    }

    fn cancelled(&self, booking: &BookingId) -> bool {
        self.newest(booking) == Some(EventType::ReservationCancelled)
    }

    fn stopped(&self) -> bool {
        let said = self
            .0
            .iter()
            .filter(|event| event.event_type.family() == Family::Guest);
        let newest = said.max_by_key(|event| (event.occurred_at, event.event_type));
        newest.is_some_and(|event| event.event_type == EventType::GuestOptedOut)
    }

    fn confirmed_within_a_day(&self, message: &Sent) -> bool {
        let confirmed = |event: &&&Event| event.event_type == EventType::ReservationConfirmed;
        self.0.iter().filter(confirmed).any(|event| {
            let ago = message.at - event.occurred_at;
            let guest = event.phone_number(Country::parse("GR").ok());
            guest.as_ref() == Some(&message.to) && ago >= TimeDelta::zero() && ago < TimeDelta::days(1)
        })
    }

    fn refuses(&self, message: &Sent) -> bool {
        let refused = self
            .of(&message.booking)
            .any(|event| event.guest.consent == Some(false));
        refused || message.to.reveal().starts_with("+1202")
    }
}

/// The day on which the stay ends.
fn leaves(order: &Event) -> Option<NaiveDate> {
    order.details.check_out.max(order.details.check_in)
}

/// Whether the days are unknown or overlap; a stay covers its arrival day at least.
fn overlap(one: &Event, other: &Event) -> bool {
    let days = |event: &Event| {
        let (from, to) = (event.details.check_in?, event.details.check_out?);
        Some((from, to.max(from + TimeDelta::days(1))))
    };
    match (days(one), days(other)) {
        (Some((from, to)), Some((begins, ends))) => from < ends && begins < to,
        _ => true,
    }
}
