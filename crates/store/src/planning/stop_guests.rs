//! A person stops the marketing of some guests, or lets their reminders go again after a reply.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use domain::consent::ConsentChange;

use super::{Planned, Planner};
use crate::error::StoreError;
use crate::guests::consents::Consents;
use crate::guests::{self, GuestKey};
use crate::{bookings, pool};

/// Records that guests want no more reminders and review requests, and withdraws what waits for them. Returns the guests who
/// had not said so before, and what follows.
pub fn stop_guests(
    connection: &mut PgConnection,
    planner: &Planner,
    guests: &BTreeSet<GuestKey>,
) -> Result<(Vec<GuestKey>, Planned), StoreError> {
    change(connection, planner, guests, |connection, now| {
        let phones = guests.iter().map(|guest| guest.phone_hash).collect();
        let consents = Consents::of(connection, &phones)?;
        let stopped = |guest: &GuestKey| {
            let number = planner.resort(&guest.resort).map(|resort| &resort.number);
            consents
                .at(&guest.phone_hash, &guest.resort, number)
                .is_opted_out()
        };
        let new: Vec<GuestKey> = guests.iter().filter(|guest| !stopped(guest)).cloned().collect();
        for guest in &new {
            guests::record_consent(connection, guest, ConsentChange::Stop, now)?;
        }
        Ok(new)
    })
}

/// Records that staff have dealt with what guests wrote: their reminders may go again. Returns the guests whose reminders a
/// reply had paused, and what follows.
pub fn resume_guests(
    connection: &mut PgConnection,
    planner: &Planner,
    guests: &BTreeSet<GuestKey>,
) -> Result<(Vec<GuestKey>, Planned), StoreError> {
    change(connection, planner, guests, |connection, now| {
        let mut resumed = Vec::new();
        for guest in guests {
            if guests::record_resume(connection, guest, now)? {
                resumed.push(guest.clone());
            }
        }
        Ok(resumed)
    })
}

/// Records something about guests under the locks of all their bookings, and plans these again.
fn change(
    connection: &mut PgConnection,
    planner: &Planner,
    guests: &BTreeSet<GuestKey>,
    record: impl FnOnce(&mut PgConnection, DateTime<Utc>) -> Result<Vec<GuestKey>, StoreError>,
) -> Result<(Vec<GuestKey>, Planned), StoreError> {
    let keys = bookings::all_of_guests(connection, guests)?;
    let locked = bookings::lock(connection, &planner.ring, &keys)?;
    let now = pool::clock(connection)?;
    let changed = record(connection, now)?;
    Ok((changed, super::replan(connection, planner, now, &locked)?))
}
