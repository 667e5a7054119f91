//! Confirmations of stops: a guest whose window is open is told once that their stop was accepted.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::consent::ConsentChange;
use domain::facts::Facts;
use domain::guest::MarketingConsent;
use domain::ids::{NumberId, ResortId};
use store::bookings::Booking;
use store::guest_names::{self, Hash};
use store::guests::consents::Consents;
use store::planning::Planner;
use store::{Connection, StoreError, conversations};

use super::guest_updates::Resolved;
use crate::effects::{Effects, PlatformConsent};

/// A stop that may have to be confirmed.
struct Stop {
    event: String,
    at: DateTime<Utc>,
    phones: BTreeSet<Hash>,
    number: NumberId,
    resorts: Vec<ResortId>,
}

impl Stop {
    fn of_update(resolved: &Resolved<'_>) -> Option<Self> {
        let update = resolved.update;
        let is_stop = resolved.writer.consent == Some(ConsentChange::Stop) && !update.is_erased;
        is_stop.then(|| Self {
            event: update.event.clone(),
            at: update.at,
            phones: resolved.writer.phones.clone(),
            number: update.number.clone(),
            resorts: resolved.resorts.clone(),
        })
    }

    fn of_consent(planner: &Planner, consent: &PlatformConsent) -> Option<Self> {
        let resort = planner.resort(&consent.guest.resort)?;
        let is_stop = consent.change == ConsentChange::Stop && !consent.is_erased;
        is_stop.then(|| Self {
            event: consent.event.clone(),
            at: consent.at,
            phones: BTreeSet::from([consent.guest.phone_hash]),
            number: resort.number.clone(),
            resorts: vec![consent.guest.resort.clone()],
        })
    }
}

/// Confirms each new stop of a guest whose window is open, by the booking of the last message that went to the guest from
/// the number. Call it after stops, starts and windows were recorded, on locked bookings, before they are planned.
pub(super) fn confirm(
    connection: &mut Connection,
    planner: &Planner,
    effects: &Effects,
    resolved: &[Resolved<'_>],
    locked: &mut [Booking],
) -> Result<(), StoreError> {
    let by_guests = resolved.iter().filter_map(Stop::of_update);
    let by_platforms = effects.consents.iter();
    let stops = by_guests.chain(by_platforms.filter_map(|one| Stop::of_consent(planner, one)));
    for stop in stops {
        let known = guest_names::known_as(connection, &stop.phones)?;
        if stop.phones.is_empty() || !conversations::is_open(connection, &stop.number, &known)? {
            continue;
        }
        let now = store::pool::clock(connection)?;
        let always = (DateTime::UNIX_EPOCH, now);
        let last = guest_names::newest_to(connection, &known, &stop.number, always, None)?;
        let consents = Consents::of(connection, &stop.phones)?;
        confirm_by_booking(
            planner,
            &stop,
            &consents,
            last.map(|ours| ours.booking_key),
            locked,
        );
    }
    Ok(())
}

/// Lets one of the guest's bookings confirm the stop, unless one has done so since the guest's last start.
fn confirm_by_booking(
    planner: &Planner,
    stop: &Stop,
    consents: &Consents,
    last: Option<String>,
    locked: &mut [Booking],
) {
    let is_theirs = |booking: &&mut Booking| {
        let guest = planner.guest_of_booking(booking);
        guest.is_some_and(|guest| {
            stop.phones.contains(&guest.phone_hash) && stop.resorts.contains(&guest.resort)
        })
    };
    let mut theirs: Vec<&mut Booking> = locked.iter_mut().filter(is_theirs).collect();
    theirs.sort_by_key(|booking| (Some(booking.key.to_string()) == last, booking.facts.newest_at()));
    let Some(target) = theirs.last() else {
        return;
    };
    let to = |phone: &Hash| consents.at(phone, &target.key.resort, Some(&stop.number));
    let consent = stop
        .phones
        .iter()
        .map(to)
        .fold(MarketingConsent::default(), MarketingConsent::and);
    let in_this_round = |booking: &&mut Booking| {
        let confirmed = booking.facts.stopped.as_ref().map(|fact| fact.stamp.at);
        confirmed.is_some_and(|at| consent.opted_in_at.is_none_or(|start| at >= start))
    };
    if !consent.is_opted_out() || theirs.iter().any(in_this_round) {
        return;
    }
    if let Some(target) = theirs.last_mut() {
        target.learn(|facts| facts.merge(Facts::of_stop(&stop.event, stop.at)));
    }
}
