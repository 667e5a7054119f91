//! What a guest may ask for: everything that is held of them, no more messages, and to be forgotten.

mod export;
mod number;

use std::collections::BTreeSet;

use crypto::key_ring::KeyRing;
use domain::audit::Action;
use domain::guest::GuestName;
use domain::ids::{BookingKey, ResortId};
use domain::message::Reason;
use domain::phone_number::PhoneNumber;
use store::audit::{self, Actor, Subject};
use store::guest_data::{self, Whom};
use store::guests::{self, GuestKey};
use store::planning::{self, Planned, Planner};
use store::{Connection, StoreError, bookings};

use crate::actions::shelf::Shelf;
pub(crate) use export::export;
pub(crate) use number::{Meant, meant};

/// Whose guest's data.
#[derive(Debug, Clone)]
pub(crate) enum Person {
    /// Whoever has a number, at one resort or all.
    Number {
        number: PhoneNumber,
        resort: Option<ResortId>,
    },
    /// The guest of one booking.
    Booking(BookingKey),
}

impl Person {
    /// For the audit trail.
    fn subject(&self, ring: &KeyRing) -> Subject {
        match self {
            Self::Booking(key) => Subject::from(key),
            Self::Number { number, resort } => Subject {
                resort: resort.clone(),
                phone_hash: Some(ring.lookup(number.reveal())),
                ..Subject::default()
            },
        }
    }

    fn whom(&self, ring: &KeyRing) -> Whom {
        match self {
            Self::Booking(key) => Whom::Booking(key.clone()),
            Self::Number { number, resort } => Whom::Number {
                phone_hash: ring.lookup(number.reveal()),
                spelling_hash: ring.lookup(GuestName::whatsapp_number(number).hash_input()),
                resort: resort.clone(),
            },
        }
    }
}

impl std::fmt::Display for Person {
    /// The number is masked.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Booking(key) => key.fmt(f),
            Self::Number { number, resort: None } => f.write_str(&number.masked()),
            Self::Number {
                number,
                resort: Some(resort),
            } => write!(f, "{} at {resort}", number.masked()),
        }
    }
}

/// What an erasure took out.
#[derive(Debug)]
pub(crate) struct Erased {
    pub(crate) bookings: Vec<String>,
    pub(crate) events: usize,
    pub(crate) letters: usize,
    pub(crate) withdrawn: usize,
}

impl Erased {
    pub(crate) fn is_nothing(&self) -> bool {
        self.bookings.is_empty() && self.events == 0 && self.letters == 0
    }
}

/// Takes a guest out of everything that is held.
pub(crate) async fn erase(shelf: &Shelf, person: &Person, by: Actor) -> Result<Erased, StoreError> {
    let whom = person.whom(&shelf.key_ring);
    let (subject, staff) = (person.subject(&shelf.key_ring), by.name.clone());
    let done = shelf
        .transaction(move |connection, planner| {
            let done = guest_data::erase(connection, planner, &whom, None)?;
            let (bookings, events, letters) = (done.bookings.len(), done.events, done.letters);
            let details = format!("bookings {bookings}, raw events {events}, letters {letters}");
            let subject = subject.clone().with(details);
            audit::append(connection, &by, Action::GuestErased, &subject)?;
            Ok(done)
        })
        .await?;
    log::warn!(guest = person.to_string(), staff = staff.as_str(), bookings = done.bookings.len(),
        "raw_events" = done.events, letters = done.letters; "guest erased");
    Ok(Erased {
        bookings: done.bookings.iter().map(ToString::to_string).collect(),
        events: done.events,
        letters: done.letters,
        withdrawn: count(&done.planned, Reason::Erased),
    })
}

fn count(planned: &Planned, reason: Reason) -> usize {
    planned
        .moved
        .iter()
        .filter(|moved| moved.reason == Some(reason))
        .count()
}

/// What came of a guest's stop.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// It holds at these resorts: where it is news, and where it was known.
    Done {
        new: Vec<ResortId>,
        known: Vec<ResortId>,
        /// Messages that waited and do not go.
        withdrawn: usize,
    },
    /// No resort knows the number.
    NumberUnknown,
    /// No event ever spoke of the booking.
    BookingUnknown,
    /// The booking has no valid number.
    WithoutNumber,
}

/// No more reminders and review requests for a guest, as if they had said so themselves.
pub(crate) async fn stop(shelf: &Shelf, person: &Person, by: Actor) -> Result<Stopped, StoreError> {
    let (asked, staff) = (person.clone(), by.name.clone());
    let subject = person.subject(&shelf.key_ring);
    let stopped = shelf
        .transaction(move |connection, planner| {
            let guests = match find_guests(connection, planner, &asked)? {
                Ok(guests) => guests,
                Err(none) => return Ok(none),
            };
            let (new, planned) = planning::stop_guests(connection, planner, &guests)?;
            audit::append(connection, &by, Action::GuestStopped, &subject)?;
            let new: Vec<ResortId> = new.into_iter().map(|guest| guest.resort).collect();
            let all = guests.into_iter().map(|guest| guest.resort);
            Ok(Stopped::Done {
                known: all.filter(|resort| !new.contains(resort)).collect(),
                new,
                withdrawn: count(&planned, Reason::OptedOut),
            })
        })
        .await?;
    log::info!(guest = person.to_string(), staff = staff.as_str(); "guest wants no more messages");
    Ok(stopped)
}

/// Only this one of some resorts.
fn at(resort: &ResortId, mut resorts: BTreeSet<ResortId>) -> BTreeSet<ResortId> {
    resorts.retain(|other| other == resort);
    resorts
}

fn find_guests(
    connection: &mut Connection,
    planner: &Planner,
    person: &Person,
) -> Result<Result<BTreeSet<GuestKey>, Stopped>, StoreError> {
    match person {
        Person::Booking(key) => {
            let Some(booking) = bookings::find(connection, &planner.ring, key)? else {
                return Ok(Err(Stopped::BookingUnknown));
            };
            let guest = planner.guest_of_booking(&booking);
            Ok(guest
                .map(|guest| BTreeSet::from([guest]))
                .ok_or(Stopped::WithoutNumber))
        }
        Person::Number { number, resort } => {
            let own = planner.phone_hash(number);
            let phones = guest_data::numbers_of(connection, &person.whom(&planner.ring))?;
            let mut guests = BTreeSet::new();
            for phone_hash in phones
                .into_iter()
                .filter_map(|hash| <[u8; 32]>::try_from(hash).ok())
            {
                let resorts = match resort {
                    // At a named resort a stop also holds for a guest who is not known yet.
                    Some(resort) if phone_hash == own => BTreeSet::from([resort.clone()]),
                    Some(resort) => at(resort, guests::resorts_that_know(connection, &phone_hash)?),
                    None => guests::resorts_that_know(connection, &phone_hash)?,
                };
                guests.extend(resorts.into_iter().map(|resort| GuestKey { phone_hash, resort }));
            }
            Ok(if guests.is_empty() {
                Err(Stopped::NumberUnknown)
            } else {
                Ok(guests)
            })
        }
    }
}
