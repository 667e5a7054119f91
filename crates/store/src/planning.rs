//! Planning under the lock: every change of a booking's facts, or of its messages, is followed by a new plan from here.

mod changed_numbers;
mod instruct;
mod stop_guests;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use domain::ids::{BookingKey, MessageId, NumberId};
use domain::plan::{self, Circumstances, Existing, Plan, Status, difference, order};
use domain::trace::TraceContext;

use crate::bookings::{self, Booking, Saved, Standing};
use crate::error::StoreError;
use crate::guests::consents::Consents;
use crate::messages::changes::Changes;
use crate::messages::{self, Moved};
use crate::moments::Since;
use crate::unmatched_letters;

pub use crate::planner::{DueIds, Planner};
pub use instruct::{Instructed, instruct};
pub use stop_guests::{resume_guests, stop_guests};

/// How long a booking of a resort without a readable file waits before it is planned again.
const WITHOUT_RESORT: TimeDelta = TimeDelta::minutes(1);

/// What planning some bookings came to.
#[derive(Debug, Default)]
pub struct Planned {
    /// Messages that were created or changed.
    pub moved: Vec<Moved>,
    /// Of these, the messages that are due and whose ids the caller publishes after its commit: with [`DueIds::Caller`].
    pub due: Vec<MessageId>,
    /// Bookings whose status changed.
    pub statuses: Vec<NewStatus>,
    /// Bookings whose resort has no readable file: they keep their facts and wait.
    pub without_resort: Vec<BookingKey>,
}

/// The status that a booking has now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStatus {
    pub booking: BookingKey,
    pub status: Status,
    /// The span in which it was planned.
    pub trace: Option<TraceContext>,
}

/// Plans locked bookings and writes what follows. Call it within the transaction that holds their locks.
pub fn replan(
    connection: &mut PgConnection,
    planner: &Planner,
    now: DateTime<Utc>,
    locked: &[Booking],
) -> Result<Planned, StoreError> {
    let hash_of = |booking: &Booking| Some(planner.guest_of_booking(booking)?.phone_hash);
    let hashes: Vec<Option<[u8; 32]>> = locked.iter().map(hash_of).collect();
    changed_numbers::keep_stops(connection, planner, locked, &hashes)?;
    let around = Surroundings::load(connection, planner, locked, &hashes)?;
    let (mut changes, mut saved) = (Changes::new(planner.due, now), Vec::new());
    for (booking, hash) in locked.iter().zip(&hashes) {
        let resort = planner.resort(&booking.key.resort);
        let circumstances = around.of(booking, hash.as_ref(), resort.map(|resort| &resort.number));
        let found = resort
            .map(|resort| plan::plan(&booking.key.booking, &booking.facts, &circumstances, resort, now));
        let without_resort = found.is_none();
        let plan = found.unwrap_or_else(|| waiting(booking, now));
        for change in difference::changes(&plan, &booking.facts, &circumstances.messages) {
            changes.add(booking, change, &circumstances.messages);
        }
        saved.push(Saved {
            booking,
            phone_hash: hash.map(|hash| hash.to_vec()),
            stands: order::has_reservation(&booking.facts),
            without_resort,
            status: plan.status,
            wake_at: plan.wake_at,
        });
    }
    bookings::save(connection, &planner.ring, &saved)?;
    unmatched_letters::settle_matched(connection, &new_guests(&saved))?;
    let (moved, due) = changes.write(connection)?;
    Ok(Planned {
        moved,
        due,
        ..summarise(&saved)
    })
}

fn summarise(saved: &[Saved<'_>]) -> Planned {
    let with_new_status = saved.iter().filter(|row| row.status != row.booking.status);
    let without_resort = saved.iter().filter(|row| row.without_resort);
    Planned {
        moved: Vec::new(),
        due: Vec::new(),
        statuses: with_new_status
            .map(|row| NewStatus {
                booking: row.booking.key.clone(),
                status: row.status,
                trace: row.booking.planning_trace(),
            })
            .collect(),
        without_resort: without_resort.map(|row| row.booking.key.clone()).collect(),
    }
}

/// The phone hashes of guests whom these bookings did not have before: stops may have waited for them.
fn new_guests(saved: &[Saved<'_>]) -> Vec<Vec<u8>> {
    let new = |row: &&Saved<'_>| {
        row.phone_hash.as_deref() != row.booking.phone_hash.as_ref().map(<[u8; 32]>::as_slice)
    };
    saved
        .iter()
        .filter(new)
        .filter_map(|row| row.phone_hash.clone())
        .collect()
}

fn waiting(booking: &Booking, now: DateTime<Utc>) -> Plan {
    Plan {
        status: booking.status,
        messages: Vec::new(),
        wake_at: now.checked_add_signed(WITHOUT_RESORT),
    }
}

/// Explains a booking as it stands, without locking or changing anything: the same plan, with any `now`.
pub fn explain(
    connection: &mut PgConnection,
    planner: &Planner,
    booking: &Booking,
    now: DateTime<Utc>,
) -> Result<Option<Plan>, StoreError> {
    Ok(look(connection, planner, booking, now)?.map(|(plan, _)| plan))
}

/// The plan of a booking, and what it depends on; `None`: its resort has no readable file.
pub(crate) fn look(
    connection: &mut PgConnection,
    planner: &Planner,
    booking: &Booking,
    now: DateTime<Utc>,
) -> Result<Option<(Plan, Circumstances)>, StoreError> {
    let looked = look_at_all(connection, planner, std::slice::from_ref(booking), now)?;
    Ok(looked.into_iter().next().flatten())
}

/// As [`look`], at several bookings, in their order.
pub(crate) fn look_at_all(
    connection: &mut PgConnection,
    planner: &Planner,
    bookings: &[Booking],
    now: DateTime<Utc>,
) -> Result<Vec<Option<(Plan, Circumstances)>>, StoreError> {
    let hash_of = |booking: &Booking| Some(planner.guest_of(&booking.key, &booking.facts)?.phone_hash);
    let hashes: Vec<Option<[u8; 32]>> = bookings.iter().map(hash_of).collect();
    let keys: Vec<String> = bookings.iter().map(|booking| booking.key.to_string()).collect();
    let messages = messages::list_of_bookings(connection, &keys)?;
    let mut around = Surroundings::of_guests(connection, planner, bookings, &hashes)?;
    for message in messages {
        let of_booking = around.messages.entry(message.booking_key).or_default();
        of_booking.push(message.existing);
    }
    let looked = bookings.iter().zip(&hashes).map(|(booking, hash)| {
        let resort = planner.resort(&booking.key.resort)?;
        let circumstances = around.of(booking, hash.as_ref(), Some(&resort.number));
        let plan = plan::plan(&booking.key.booking, &booking.facts, &circumstances, resort, now);
        Some((plan, circumstances))
    });
    Ok(looked.collect())
}

/// Everything that the plans of some bookings depend on beside their facts.
struct Surroundings {
    messages: HashMap<String, Vec<Existing>>,
    consents: Consents,
    standing: Vec<Standing>,
    moments: Since,
}

impl Surroundings {
    fn load(
        connection: &mut PgConnection,
        planner: &Planner,
        locked: &[Booking],
        hashes: &[Option<[u8; 32]>],
    ) -> Result<Self, StoreError> {
        let known = locked.iter().filter(|booking| !booking.is_new());
        let keys: Vec<String> = known.map(|booking| booking.key.to_string()).collect();
        let rows = match keys.is_empty() {
            true => Vec::new(),
            false => messages::lock_of_bookings(connection, &keys)?,
        };
        let mut around = Self::of_guests(connection, planner, locked, hashes)?;
        for row in rows {
            around
                .messages
                .entry(row.booking_key)
                .or_default()
                .push(row.existing);
        }
        Ok(around)
    }

    fn of_guests(
        connection: &mut PgConnection,
        planner: &Planner,
        locked: &[Booking],
        hashes: &[Option<[u8; 32]>],
    ) -> Result<Self, StoreError> {
        let wanted: Vec<Vec<u8>> = hashes.iter().flatten().map(|hash| hash.to_vec()).collect();
        let consents = Consents::of(connection, &hashes.iter().flatten().copied().collect())?;
        // The rows of locked bookings are behind their facts: those speak for themselves.
        let mut standing = bookings::standing_of(connection, &wanted)?;
        standing.retain(|other| locked.iter().all(|booking| booking.key != other.key));
        for (booking, hash) in locked.iter().zip(hashes) {
            if let (Some(hash), true) = (hash, order::has_reservation(&booking.facts)) {
                let (booking_id, dates) = (booking.key.booking.clone(), booking.facts.dates());
                let reservation = plan::Reservation {
                    booking: booking_id,
                    dates,
                };
                standing.push(Standing {
                    key: booking.key.clone(),
                    phone_hash: hash.to_vec(),
                    reservation,
                });
            }
        }
        Ok(Self {
            messages: HashMap::new(),
            consents,
            standing,
            moments: Since::load(
                connection,
                planner,
                locked.iter().map(|booking| &booking.key.resort),
            )?,
        })
    }

    fn of(&self, booking: &Booking, hash: Option<&[u8; 32]>, number: Option<&NumberId>) -> Circumstances {
        let messages = self
            .messages
            .get(&booking.key.to_string())
            .cloned()
            .unwrap_or_default();
        let moments_since = self.moments.of(&booking.key.resort);
        let Some(hash) = hash else {
            return Circumstances {
                messages,
                moments_since,
                ..Circumstances::default()
            };
        };
        let marketing_consent = self.consents.at(hash, &booking.key.resort, number);
        let elsewhere = self.standing.iter().filter(|other| {
            other.phone_hash == hash && other.key.resort == booking.key.resort && other.key != booking.key
        });
        Circumstances {
            messages,
            marketing_consent,
            replied_at: self.consents.replied_at(hash, &booking.key.resort),
            elsewhere: elsewhere.map(|other| other.reservation.clone()).collect(),
            moments_since,
        }
    }
}
