//! Carries out what guests did in WhatsApp: stops and starts, windows, names.

use std::collections::BTreeSet;

use domain::consent::ConsentChange;
use domain::guest::{GuestName, NameKind};
use domain::ids::ResortId;
use store::guest_names::{self, Hash, Learnt};
use store::guests::consents::{self, NumberConsents};
use store::guests::{self, GuestKey};
use store::planning::Planner;
use store::{Connection, StoreError, conversations, holds};

use super::replies;
use super::writers::{self, Writer};
use crate::effects::{GuestAct, GuestUpdate};
use crate::notices::Notice;

/// An update, with the guest whom it is about.
pub(super) struct Resolved<'a> {
    pub(super) update: &'a GuestUpdate,
    pub(super) writer: Writer,
    /// Whether a known guest wrote something that staff should answer.
    pub(super) wants_answer: bool,
    /// The resorts that send from the number.
    pub(super) resorts: Vec<ResortId>,
}

/// Keys of the events that are stops of writers who match no guest.
pub(super) fn unmatched_stops(
    connection: &mut Connection,
    resolved: &[Resolved<'_>],
) -> Result<BTreeSet<String>, StoreError> {
    let mut events = BTreeSet::new();
    for one in resolved {
        if one.is_unmatched_stop(connection)? {
            events.insert(one.update.event.clone());
        }
    }
    Ok(events)
}

/// Finds the guests whom the updates are about, and the stops and starts among them. Locks nothing.
pub(super) fn resolve<'a>(
    connection: &mut Connection,
    planner: &Planner,
    updates: &'a [GuestUpdate],
) -> Result<Vec<Resolved<'a>>, StoreError> {
    if updates.is_empty() {
        return Ok(Vec::new());
    }
    let writers = writers::resolve(connection, planner, updates)?;
    let resolved = updates.iter().zip(writers).map(|(update, writer)| Resolved {
        resorts: planner.resorts_of(&update.number),
        wants_answer: replies::wants_answer(planner, update, &writer),
        update,
        writer,
    });
    Ok(resolved.collect())
}

impl Resolved<'_> {
    /// The guests whose bookings a stop, a start, a reply, or another number can change.
    pub(super) fn guests(
        &self,
        connection: &mut Connection,
        planner: &Planner,
    ) -> Result<BTreeSet<GuestKey>, StoreError> {
        let (phones, mut resorts) = match &self.update.act {
            GuestAct::Renamed(names) => {
                let mut resorts = BTreeSet::new();
                for phone in self.phones() {
                    resorts.extend(guests::resorts_that_know(connection, &phone)?);
                }
                (Renamed::of(planner, names).numbers, resorts)
            }
            _ if self.writer.consent.is_some() => (self.phones(), BTreeSet::new()),
            _ if self.wants_answer => (self.writer.phones.clone(), BTreeSet::new()),
            _ => return Ok(BTreeSet::new()),
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
    fn is_unmatched_stop(&self, connection: &mut Connection) -> Result<bool, StoreError> {
        let is_stop = self.writer.consent == Some(ConsentChange::Stop);
        if !is_stop || !self.writer.phones.is_empty() || self.update.is_erased {
            return Ok(false);
        }
        let names: Vec<Hash> = self.writer.names.iter().copied().collect();
        Ok(!guest_names::is_of_erased(connection, &names)?)
    }

    /// The phone hashes of the guests, and of the writer's own numbers, which a later booking may have.
    fn phones(&self) -> BTreeSet<Hash> {
        self.writer.phones.union(&self.writer.numbers).copied().collect()
    }

    fn all_hashes(&self) -> BTreeSet<Hash> {
        self.writer.phones.union(&self.writer.names).copied().collect()
    }
}

/// The hashes of names that a guest has from now on.
struct Renamed {
    names: BTreeSet<Hash>,
    numbers: BTreeSet<Hash>,
}

impl Renamed {
    fn of(planner: &Planner, names: &[GuestName]) -> Self {
        let hash = |name: &GuestName| planner.name_hash(name);
        let numbers = names.iter().filter(|name| name.kind() == NameKind::Number);
        Self {
            names: names.iter().map(hash).collect(),
            numbers: numbers.map(hash).collect(),
        }
    }
}

/// Records stops and starts, replies, windows and names. Returns what staff should know.
pub(super) fn record(
    connection: &mut Connection,
    planner: &Planner,
    resolved: &[Resolved<'_>],
) -> Result<Vec<Notice>, StoreError> {
    let (mut changes, mut learnt) = (NumberConsents::new(), BTreeSet::new());
    let mut notices = Vec::new();
    for one in resolved {
        let update = one.update;
        if let Some(change) = one.writer.consent {
            for hash in one.all_hashes() {
                consents::add(&mut changes, hash, &update.number, (change, update.at));
            }
            for guest in one.guests(connection, planner)? {
                guests::record_consent(connection, &guest, change, update.at)?;
            }
        }
        if one.wants_answer {
            let mut is_new = false;
            for guest in one.guests(connection, planner)? {
                is_new |= guests::record_reply(connection, &guest, update.at_latest)?;
            }
            if is_new {
                notices.push(Notice::Waiting(update.number.clone()));
            }
        }
        match &update.act {
            GuestAct::Wrote(_) if !update.is_erased => open_window(connection, one)?,
            GuestAct::Renamed(names) => {
                let from = guest_names::known_as(connection, &one.all_hashes())?;
                let to = Renamed::of(planner, names);
                consents::copy(connection, &from, (&to.names, &to.numbers))?;
            }
            GuestAct::Wrote(_) | GuestAct::Chose(_) => {}
        }
        if !update.is_erased && !matches!(update.act, GuestAct::Renamed(_)) {
            let of_phone = |phone: &Hash| Learnt::of_guest(planner, &update.names, *phone);
            learnt.extend(one.writer.phones.iter().flat_map(of_phone));
        }
    }
    consents::record(connection, &changes)?;
    guest_names::learn(connection, &learnt)?;
    Ok(notices)
}

fn open_window(connection: &mut Connection, one: &Resolved<'_>) -> Result<(), StoreError> {
    // A guest who is known is found by their number; other spellings would outlive an erasure.
    let phones = &one.writer.phones;
    let hashes = match phones.is_empty() {
        true => one.all_hashes(),
        false => phones.clone(),
    };
    conversations::open(connection, &one.update.number, &hashes, one.update.at)?;
    for phone in phones {
        holds::retry_with_text(connection, phone)?;
    }
    Ok(())
}
