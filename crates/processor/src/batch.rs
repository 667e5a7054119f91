//! Applying events: many in one transaction.
//!
//! Order of the steps: remember the events' ids, collect what the new ones ask for, lock every booking that could be
//! touched (in one order), merge, plan, write. Reports on messages go in a transaction of their own, since they find
//! their bookings by the message.

mod heard;
mod memory;

use std::collections::BTreeSet;
use std::sync::Arc;

use broker::envelope::Envelope;
use domain::event::Event;
use domain::facts::Facts;
use domain::ids::{BookingKey, MessageId};
use domain::message_record::Judging;
use store::bookings::{self, Booking};
use store::guests::GuestKey;
use store::planning::{self, Planned, Planner};
use store::results::Outcome;
use store::{Connection, StoreError, guest_data, guests, holds, results};
use whatsapp::notification::Update;

use self::memory::Late;
use crate::handlers::{self, Arrived, Context, Handled, Notified};
use crate::notices::Notice;
use crate::work::Work;

/// An event whose seal was opened.
#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) envelope: Arc<Envelope>,
    pub(crate) content: Arc<Content>,
    /// Keyed hashes of every name of the guest that it tells, whatever program made its envelope.
    pub(crate) names: Vec<Vec<u8>>,
}

/// What was sealed in an envelope.
pub(crate) enum Content {
    /// A platform's event.
    Event(Event),
    /// One of WhatsApp's updates.
    Update(Update),
}

impl Opened {
    /// Source and id.
    pub(crate) fn key(&self) -> String {
        self.envelope.key().to_string()
    }

    /// The booking that it names.
    pub(crate) fn booking(&self) -> Option<BookingKey> {
        Some(BookingKey {
            resort: self.envelope.resort.clone()?,
            booking: self.envelope.booking.clone()?,
        })
    }

    /// The message of ours that it reports on.
    fn message(&self) -> Option<MessageId> {
        match &*self.content {
            Content::Update(Update::Status(status)) => Some(status.call()?.message),
            _ => None,
        }
    }

    /// The names by which its row is found: a platform's event is found by its booking or the number, a report on a message of
    /// ours by the message.
    fn own_names(&self) -> Vec<Vec<u8>> {
        match &*self.content {
            Content::Update(_) if self.message().is_none() => self.names.clone(),
            _ => Vec::new(),
        }
    }

    /// Whether it is a report on a message of ours.
    pub(crate) fn is_report(&self) -> bool {
        matches!(*self.content, Content::Update(Update::Status(_)))
    }
}

/// What became of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It changed what we know.
    Applied,
    /// It was known.
    Duplicate,
    /// It is remembered, nothing follows from it.
    Ignored,
}

/// What a batch came to.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// One for each event, in their order.
    pub(crate) fates: Vec<Fate>,
    /// What the plans changed.
    pub(crate) planned: Planned,
    /// What reports on messages came to, with what was planned for their bookings.
    pub(crate) reported: Outcome,
    /// News for operators, to be logged now.
    pub(crate) notices: Vec<Notice>,
    /// Keys of events that are stops of writers who match no guest, also of those that were known.
    pub(crate) unmatched_stops: BTreeSet<String>,
}

/// Applies events within the caller's transaction. Reports must not be mixed with others.
pub(crate) fn apply(
    connection: &mut Connection,
    planner: &Planner,
    judging: &Judging,
    batch: &[Opened],
) -> Result<Applied, StoreError> {
    let context = Context { planner };
    let arrived = memory::look_who_was_erased(connection, planner, batch)?;
    let (all, handled) = collect(&context, &arrived);
    let fates = memory::remember(connection, &arrived, &handled)?;
    let mut applied = Applied::default();
    let work = if fates.contains(&Fate::Duplicate) {
        let all = arrived.into_iter().zip(&fates);
        let (old, new): (Vec<_>, Vec<_>) = all.partition(|(_, fate)| **fate == Fate::Duplicate);
        let work = |of: Vec<(Late<'_>, &Fate)>| {
            collect(&context, &of.into_iter().map(|(one, _)| one).collect::<Vec<_>>()).0
        };
        // Its letter may be what a crash kept from being published.
        let known = work(old);
        let again = heard::listen(connection, planner, &known.heard)?;
        applied
            .unmatched_stops
            .extend(heard::unmatched(connection, &again)?);
        work(new)
    } else {
        all
    };
    applied.fates = fates;
    let listened = heard::listen(connection, planner, &work.heard)?;
    applied
        .unmatched_stops
        .extend(heard::unmatched(connection, &listened)?);
    applied.planned = fulfil(connection, planner, &work, &listened)?;
    if !work.reports.is_empty() {
        applied.reported = results::record_reports(connection, planner, judging, &work.reports)?;
    }
    applied.notices = work.notices;
    Ok(applied)
}

fn collect(context: &Context<'_>, batch: &[Late<'_>]) -> (Work, Vec<Handled>) {
    let mut work = Work::default();
    let mut handle = |late: &Late<'_>| {
        let (opened, erased_at) = (late.opened, &late.erased_at);
        let received_at = opened.envelope.received_at;
        match &*opened.content {
            Content::Event(event) => {
                let arrived = Arrived {
                    event,
                    received_at,
                    erased_at: *erased_at,
                };
                handlers::handle(&mut work, context, &arrived)
            }
            Content::Update(update) => {
                let arrived = Notified {
                    key: opened.key(),
                    update,
                    received_at,
                    erased_at: *erased_at,
                };
                handlers::handle_update(&mut work, &arrived)
            }
        }
    };
    let handled = batch.iter().map(&mut handle).collect();
    (work, handled)
}

/// Locks, merges, plans and writes.
fn fulfil(
    connection: &mut Connection,
    planner: &Planner,
    work: &Work,
    listened: &[heard::Listened<'_>],
) -> Result<Planned, StoreError> {
    for (scope, template) in &work.better {
        holds::try_now(connection, *scope, template.as_deref())?;
    }
    if work.facts.is_empty() && work.wishes.is_empty() && listened.is_empty() {
        return Ok(Planned::default());
    }
    let own: BTreeSet<BookingKey> = work.facts.keys().cloned().collect();
    let mut reservations = work.reservations.clone();
    reservations.extend(bookings::reservations_of_carts(connection, &own)?);
    let ordering = ordering_guests(connection, planner, work, &reservations)?;
    let mut wishing: BTreeSet<GuestKey> = work.wishes.iter().map(|told| told.guest.clone()).collect();
    for one in listened {
        wishing.extend(one.guests(connection, planner)?);
    }
    let mut keys = own.clone();
    keys.extend(bookings::carts_of_guests(connection, &ordering)?);
    keys.extend(bookings::all_of_guests(connection, &wishing)?);
    keys.extend(reservations.iter().cloned());
    bookings::create_missing(connection, &own)?;
    let mut locked = bookings::lock(connection, &planner.ring, &keys)?;
    let now = store::pool::clock(connection)?;
    merge(&mut locked, work, &reservations)?;
    let still_ordering = locked
        .iter()
        .filter(|booking| reservations.contains(&booking.key));
    if !still_ordering
        .filter_map(|b| planner.guest_of(&b.key, &b.facts))
        .all(|guest| ordering.contains(&guest))
    {
        return Err(StoreError::Overtaken);
    }
    guest_data::strip(connection, &work.erased)?;
    for told in &work.wishes {
        guests::record_wish(connection, &told.guest, told.wish, told.at)?;
    }
    heard::record(connection, planner, listened)?;
    heard::confirm_stops(connection, planner, work, listened, &mut locked)?;
    planning::replan(connection, planner, now, &locked)
}

/// The guests whose carts a reservation of this batch could touch: by the numbers that it or its cart brings, and by
/// those that these bookings have already.
fn ordering_guests(
    connection: &mut Connection,
    planner: &Planner,
    work: &Work,
    reservations: &BTreeSet<BookingKey>,
) -> Result<BTreeSet<GuestKey>, StoreError> {
    if reservations.is_empty() {
        return Ok(BTreeSet::new());
    }
    let brought = work
        .facts
        .iter()
        .filter_map(|(key, facts)| planner.guest_of(key, facts));
    let mut ordering: BTreeSet<GuestKey> = brought.collect();
    let mut related = reservations.clone();
    related.extend(work.facts.keys().cloned());
    ordering.extend(planner.guests_of(connection, &related)?);
    Ok(ordering)
}

/// Adds what was learnt to the locked bookings; then reservations inherit from the carts that they grew from.
fn merge(locked: &mut [Booking], work: &Work, reservations: &BTreeSet<BookingKey>) -> Result<(), StoreError> {
    for booking in locked.iter_mut() {
        if let Some(facts) = work.facts.get(&booking.key) {
            booking.learn(|known| known.merge(facts.clone()));
        }
        if let Some(at) = work.erased.get(&booking.key) {
            booking.learn(|known| known.without_guest(*at));
        }
    }
    let told = locked.iter().filter(|cart| work.facts.contains_key(&cart.key));
    let grown: Vec<(BookingKey, Facts)> = told
        .filter_map(|cart| Some((cart.became()?, cart.facts.clone())))
        .collect();
    for (key, cart) in &grown {
        match locked.iter_mut().find(|booking| booking.key == *key) {
            Some(reservation) => reservation.learn(|known| known.inherit(cart)),
            // Another transaction has just told the cart what it became.
            None if !reservations.contains(key) => return Err(StoreError::Overtaken),
            None => {}
        }
    }
    Ok(())
}
