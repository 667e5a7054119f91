//! What guests wrote and wished, carried out: stops and starts, windows, names, and the answer to a stop.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::consent::ConsentChange;
use domain::facts::Facts;
use domain::ids::{NumberId, ResortId};
use store::bookings::Booking;
use store::guest_names::{self, Hash, Learnt};
use store::guests::said::{self, NumberWishes, Said};
use store::guests::{self, GuestKey};
use store::planning::Planner;
use store::{Connection, StoreError, conversations, holds};

use crate::work::Work;
use crate::writers::{self, Act, Heard, Writer};

/// What one update of a guest came to.
pub(super) struct Listened<'a> {
    heard: &'a Heard,
    writer: Writer,
    /// The resorts that send from the number.
    resorts: Vec<ResortId>,
}

/// Keys of the events that are stops of writers who match no guest.
pub(super) fn unmatched(
    connection: &mut Connection,
    listened: &[Listened<'_>],
) -> Result<Vec<String>, StoreError> {
    let mut events = Vec::new();
    for one in listened {
        if one.is_unmatched(connection)? {
            events.push(one.event().to_owned());
        }
    }
    Ok(events)
}

/// Finds out who did what.
pub(super) fn listen<'a>(
    connection: &mut Connection,
    planner: &Planner,
    heard: &'a [Heard],
) -> Result<Vec<Listened<'a>>, StoreError> {
    let writers = writers::resolve(connection, planner, heard)?;
    let listened = heard.iter().zip(writers).map(|(heard, writer)| Listened {
        resorts: planner.resorts_of(&heard.number),
        heard,
        writer,
    });
    Ok(listened.collect())
}

impl Listened<'_> {
    /// The guests whose bookings a wish, or another number, can change.
    pub(super) fn guests(
        &self,
        connection: &mut Connection,
        planner: &Planner,
    ) -> Result<BTreeSet<GuestKey>, StoreError> {
        let (phones, mut resorts) = match &self.heard.act {
            Act::Renamed(names) => {
                let mut resorts = BTreeSet::new();
                for phone in self.phones() {
                    resorts.extend(guests::resorts_that_know(connection, &phone)?);
                }
                (Renamed::of(planner, names).numbers, resorts)
            }
            _ if self.writer.wish.is_none() => return Ok(BTreeSet::new()),
            _ => (self.phones(), BTreeSet::new()),
        };
        resorts.extend(self.resorts.iter().cloned());
        let at = |phone: &Hash| {
            let phone_hash = *phone;
            let key = move |resort: &ResortId| GuestKey {
                phone_hash,
                resort: resort.clone(),
            };
            resorts.iter().map(key).collect::<Vec<_>>()
        };
        Ok(phones.iter().flat_map(at).collect())
    }

    /// A stop whose writer is neither a guest nor one who was erased.
    pub(super) fn is_unmatched(&self, connection: &mut Connection) -> Result<bool, StoreError> {
        let is_stop = self.writer.wish == Some(ConsentChange::Stop);
        if !is_stop || !self.writer.phones.is_empty() || self.heard.is_erased {
            return Ok(false);
        }
        let names: Vec<Hash> = self.writer.names.iter().copied().collect();
        Ok(!guest_names::is_of_erased(connection, &names)?)
    }

    /// The event's key.
    pub(super) fn event(&self) -> &str {
        &self.heard.event
    }

    /// The phone hashes of the guests, and of the writer's own numbers, which a later booking may have.
    fn phones(&self) -> BTreeSet<Hash> {
        self.writer.phones.union(&self.writer.numbers).copied().collect()
    }

    fn everything(&self) -> BTreeSet<Hash> {
        self.writer.phones.union(&self.writer.names).copied().collect()
    }

    fn stop(&self) -> Option<Stop> {
        let is_stop = self.writer.wish == Some(ConsentChange::Stop) && !self.heard.is_erased;
        is_stop.then(|| Stop {
            event: self.heard.event.clone(),
            at: self.heard.at,
            phones: self.writer.phones.clone(),
            number: self.heard.number.clone(),
            resorts: self.resorts.clone(),
        })
    }
}

/// The hashes of names that a guest has from now on.
struct Renamed {
    names: BTreeSet<Hash>,
    numbers: BTreeSet<Hash>,
}

impl Renamed {
    fn of(planner: &Planner, names: &[domain::guest::GuestName]) -> Self {
        let is_number = |name: &&domain::guest::GuestName| name.kind() == domain::guest::NameKind::Number;
        Self {
            names: names.iter().map(|name| planner.name_hash(name)).collect(),
            numbers: names
                .iter()
                .filter(is_number)
                .map(|name| planner.name_hash(name))
                .collect(),
        }
    }
}

/// Writes down wishes, windows and names.
pub(super) fn record(
    connection: &mut Connection,
    planner: &Planner,
    listened: &[Listened<'_>],
) -> Result<(), StoreError> {
    let (mut wishes, mut learnt) = (NumberWishes::new(), BTreeSet::new());
    for one in listened {
        let heard = one.heard;
        if let Some(wish) = one.writer.wish {
            for hash in one.everything() {
                said::add(&mut wishes, hash, &heard.number, (wish, heard.at));
            }
            for guest in one.guests(connection, planner)? {
                guests::record_wish(connection, &guest, wish, heard.at)?;
            }
        }
        match &heard.act {
            Act::Wrote(_) if !heard.is_erased => {
                // A guest who is known is found by their number; other spellings would outlive an erasure.
                let phones: BTreeSet<Hash> = one.writer.phones.iter().copied().collect();
                let hashes = if phones.is_empty() {
                    one.everything()
                } else {
                    phones
                };
                conversations::open(connection, &heard.number, &hashes, heard.at)?;
                for phone in &one.writer.phones {
                    holds::retry_with_text(connection, phone)?;
                }
            }
            Act::Renamed(names) => {
                let from = guest_names::known_as(connection, &one.everything())?;
                let to = Renamed::of(planner, names);
                said::copy(connection, &from, (&to.names, &to.numbers))?;
            }
            Act::Wrote(_) | Act::Chose(_) => {}
        }
        if !heard.is_erased && !matches!(heard.act, Act::Renamed(_)) {
            let of_phone = |phone: &Hash| Learnt::of_guest(planner, &heard.names, *phone);
            learnt.extend(one.writer.phones.iter().flat_map(of_phone));
        }
    }
    said::record(connection, &wishes)?;
    guest_names::learn(connection, &learnt)
}

/// A stop that may have to be confirmed.
struct Stop {
    event: String,
    at: DateTime<Utc>,
    phones: BTreeSet<Hash>,
    number: NumberId,
    resorts: Vec<ResortId>,
}

/// Has each stop that is news confirmed, where the guest's window is open: by the booking of the last message that went to
/// the guest from the number. Call it when wishes and windows are written, on locked bookings, before they are planned.
pub(super) fn confirm_stops(
    connection: &mut Connection,
    planner: &Planner,
    work: &Work,
    listened: &[Listened<'_>],
    locked: &mut [Booking],
) -> Result<(), StoreError> {
    let by_platforms = work.wishes.iter().filter_map(|told| {
        let resort = planner.resort(&told.guest.resort)?;
        let is_stop = told.wish == ConsentChange::Stop && !told.is_erased;
        is_stop.then(|| Stop {
            event: told.event.clone(),
            at: told.at,
            phones: BTreeSet::from([told.guest.phone_hash]),
            number: resort.number.clone(),
            resorts: vec![told.guest.resort.clone()],
        })
    });
    let stops: Vec<Stop> = listened
        .iter()
        .filter_map(Listened::stop)
        .chain(by_platforms)
        .collect();
    for stop in stops {
        let known = guest_names::known_as(connection, &stop.phones)?;
        if stop.phones.is_empty() || !conversations::is_open(connection, &stop.number, &known)? {
            continue;
        }
        let now = store::pool::clock(connection)?;
        let always = (DateTime::UNIX_EPOCH, now);
        let last = guest_names::newest_to(connection, &known, &stop.number, always)?;
        let said = Said::by(connection, &stop.phones)?;
        confirm(planner, &stop, &said, last.map(|ours| ours.booking_key), locked);
    }
    Ok(())
}

/// Lets one of the guest's bookings confirm the stop, unless one has done so since the guest's last start.
fn confirm(planner: &Planner, stop: &Stop, said: &Said, last: Option<String>, locked: &mut [Booking]) {
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
    let to = |phone: &Hash| said.to(phone, &target.key.resort, Some(&stop.number));
    let wishes = stop
        .phones
        .iter()
        .map(to)
        .fold(Default::default(), domain::guest::MarketingConsent::and);
    let in_this_round = |booking: &&mut Booking| {
        let confirmed = booking.facts.stopped.as_ref().map(|fact| fact.stamp.at);
        confirmed.is_some_and(|at| wishes.opted_in_at.is_none_or(|start| at >= start))
    };
    if !wishes.is_opted_out() || theirs.iter().any(in_this_round) {
        return;
    }
    if let Some(target) = theirs.last_mut() {
        target.learn(|facts| facts.merge(Facts::of_stop(&stop.event, stop.at)));
    }
}
