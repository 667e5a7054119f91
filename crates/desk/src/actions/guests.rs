//! A guest's requests: an export of their data, no more messages, and erasure.

mod export;
mod number;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use crypto::key_ring::KeyRing;
use domain::audit::Action;
use domain::guest::GuestName;
use domain::ids::{BookingKey, ResortId};
use domain::message::Reason;
use domain::phone_number::PhoneNumber;
use domain::staff::Scope;
use store::audit::{self, Actor, Subject};
use store::guest_data::{self, DataSubject};
use store::guests::{self, GuestKey};
use store::planning::{self, Planned, Planner};
use store::{Connection, StoreError, bookings};

use crate::actions::context::Context;
pub(crate) use export::export;
pub(crate) use number::{Meant, meant};

#[derive(Debug, Clone)]
pub(crate) enum Person {
    /// At one resort or all.
    Number {
        number: PhoneNumber,
        resort: Option<ResortId>,
    },
    Booking(BookingKey),
}

impl Person {
    pub(super) fn subject(&self, ring: &KeyRing) -> Subject {
        match self {
            Self::Booking(key) => Subject::from(key),
            Self::Number { number, resort } => Subject {
                resort: resort.clone(),
                phone_hash: Some(ring.lookup(number.reveal())),
                ..Subject::default()
            },
        }
    }

    fn whom(&self, ring: &KeyRing) -> DataSubject {
        match self {
            Self::Booking(key) => DataSubject::Booking(key.clone()),
            Self::Number { number, resort } => DataSubject::Number {
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

pub(crate) async fn erase(context: &Context, person: &Person, by: Actor) -> Result<Erased, StoreError> {
    let whom = person.whom(&context.key_ring);
    let (subject, staff) = (person.subject(&context.key_ring), by.name.clone());
    let done = context
        .transaction(move |connection, planner| {
            let done = guest_data::erase(connection, planner, &whom, None)?;
            let (bookings, events, letters) = (done.bookings.len(), done.events, done.letters);
            let details = format!("bookings {bookings}, raw events {events}, letters {letters}");
            let subject = subject.clone().with(details);
            audit::append(connection, &by, Action::GuestErased, &subject)?;
            Ok(done)
        })
        .await?;
    log::warn!(event = "guest_erased", guest = person.to_string(), staff = staff.as_str(), bookings = done.bookings.len(),
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

#[derive(Debug)]
pub(crate) enum Stopped {
    Done {
        new: Vec<ResortId>,
        /// These had the stop already.
        known: Vec<ResortId>,
        withdrawn: usize,
    },
    NotFound(NoGuest),
}

/// Why no guest was found.
#[derive(Debug)]
pub(crate) enum NoGuest {
    NumberUnknown,
    BookingUnknown,
    WithoutNumber,
}

#[derive(Debug)]
pub(crate) enum Resumed {
    /// At these resorts a reply had paused the guest's reminders.
    Done(Vec<ResortId>),
    NotFound(NoGuest),
}

/// Ends reminders and review requests, as if the guest had answered "stop".
pub(crate) async fn stop(context: &Context, person: &Person, by: Actor) -> Result<Stopped, StoreError> {
    let (asked, staff) = (person.clone(), by.name.clone());
    let subject = person.subject(&context.key_ring);
    let stopped = context
        .transaction(move |connection, planner| {
            let guests = match find_guests(connection, planner, &asked)? {
                Ok(guests) => guests,
                Err(why) => return Ok(Stopped::NotFound(why)),
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
    log::info!(event = "guest_stopped", guest = person.to_string(), staff = staff.as_str(); "guest opted out");
    Ok(stopped)
}

/// Ends the pause of a guest's reminders: staff have answered the reply, or it needs no answer.
pub(crate) async fn resume(context: &Context, person: &Person, by: Actor) -> Result<Resumed, StoreError> {
    let (asked, staff) = (person.clone(), by.name.clone());
    let subject = person.subject(&context.key_ring);
    let resumed = context
        .transaction(move |connection, planner| {
            let guests = match find_guests(connection, planner, &asked)? {
                Ok(guests) => guests,
                Err(why) => return Ok(Resumed::NotFound(why)),
            };
            let (resumed, _) = planning::resume_guests(connection, planner, &guests)?;
            audit::append(connection, &by, Action::GuestResumed, &subject)?;
            Ok(Resumed::Done(
                resumed.into_iter().map(|guest| guest.resort).collect(),
            ))
        })
        .await?;
    log::info!(event = "guest_resumed", guest = person.to_string(), staff = staff.as_str(); "a guest's reminders may go again");
    Ok(resumed)
}

/// A booking of a guest who was searched for.
#[derive(Debug)]
pub(crate) struct FoundBooking {
    pub(crate) resort: String,
    pub(crate) booking: String,
    pub(crate) status: &'static str,
    pub(crate) check_in: Option<NaiveDate>,
    pub(crate) check_out: Option<NaiveDate>,
}

/// The bookings of a number at these resorts, the latest arrival first.
pub(crate) async fn bookings_of(
    context: &Context,
    number: &PhoneNumber,
    scope: &Scope,
) -> Result<Vec<FoundBooking>, StoreError> {
    let person = Person::Number {
        number: number.clone(),
        resort: None,
    };
    let scope = scope.clone();
    context
        .transaction(move |connection, planner| {
            let Ok(mut guests) = find_guests(connection, planner, &person)? else {
                return Ok(Vec::new());
            };
            guests.retain(|guest| scope.includes(Some(&guest.resort)));
            let mut found = Vec::new();
            for key in bookings::all_of_guests(connection, &guests)? {
                let Some(booking) = bookings::find(connection, &planner.ring, &key)? else {
                    continue;
                };
                found.push(FoundBooking {
                    resort: key.resort.to_string(),
                    booking: key.booking.to_string(),
                    status: booking.status.as_str(),
                    check_in: booking.facts.check_in.map(|day| day.value),
                    check_out: booking.facts.check_out.map(|day| day.value),
                });
            }
            found.sort_by_key(|booking| std::cmp::Reverse(booking.check_in));
            Ok(found)
        })
        .await
}

fn at(resort: &ResortId, mut resorts: BTreeSet<ResortId>) -> BTreeSet<ResortId> {
    resorts.retain(|other| other == resort);
    resorts
}

/// The guests whom a member of the staff means.
pub(super) fn find_guests(
    connection: &mut Connection,
    planner: &Planner,
    person: &Person,
) -> Result<Result<BTreeSet<GuestKey>, NoGuest>, StoreError> {
    match person {
        Person::Booking(key) => {
            let Some(booking) = bookings::find(connection, &planner.ring, key)? else {
                return Ok(Err(NoGuest::BookingUnknown));
            };
            let guest = planner.guest_of_booking(&booking);
            Ok(guest
                .map(|guest| BTreeSet::from([guest]))
                .ok_or(NoGuest::WithoutNumber))
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
                Err(NoGuest::NumberUnknown)
            } else {
                Ok(guests)
            })
        }
    }
}
