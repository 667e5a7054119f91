//! Who wrote: which guests an update of WhatsApp is about, and what they wish.
//!
//! A guest is known by the message of ours that they answer, by their user id, by the number as WhatsApp spells it, and by
//! the number that we call; the first of these that is known decides. One name may belong to several phone hashes: two
//! spellings of one number in different bookings.
//!
//! Without an answered message, a word that also means "cancel" is read as an answer to the newest message that went from
//! the same number to the guest within [`ANSWERED_WITHIN`].

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use domain::consent::{ConsentChange, RepliesTo, change_in};
use domain::guest::{GuestName, NameKind};
use domain::ids::WhatsAppMessageId;
use store::guest_names::{self, Hash, Ours};
use store::planning::Planner;
use store::{Connection, StoreError};

use crate::effects::{GuestAct, GuestUpdate};

/// How old the newest message may be that a word answers.
const ANSWERED_WITHIN: TimeDelta = TimeDelta::days(3);
/// WhatsApp's times are whole seconds, and its clock is another: a message that went this much later was answered too.
pub(super) const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(5);

/// Who it was.
#[derive(Debug)]
pub(super) struct Writer {
    /// The phone hashes of the guests that they are; empty: they match no guest.
    pub(super) phones: BTreeSet<Hash>,
    /// Keyed hashes of every name that the update tells.
    pub(super) names: BTreeSet<Hash>,
    /// Those of the names that are numbers to call.
    pub(super) numbers: BTreeSet<Hash>,
    /// The message of ours that they answer, where WhatsApp names one that is known.
    pub(super) answered: Option<Ours>,
    /// What they wish, if anything.
    pub(super) consent: Option<ConsentChange>,
}

/// Finds out who they are and what they wish. Locks nothing.
pub(super) fn resolve(
    connection: &mut Connection,
    planner: &Planner,
    updates: &[GuestUpdate],
) -> Result<Vec<Writer>, StoreError> {
    let hash = |id: &WhatsAppMessageId| planner.ring.lookup(id.reveal());
    let answered = updates
        .iter()
        .filter_map(|one| one.answers.as_ref())
        .map(hash)
        .collect();
    let ours = guest_names::ours_by_whatsapp_hash(connection, &answered)?;
    let all = updates.iter().flat_map(|one| &one.names);
    let phones = guest_names::phones_of(connection, &all.map(|name| planner.name_hash(name)).collect())?;
    let mut writers = Vec::with_capacity(updates.len());
    for one in updates {
        let answered = one.answers.as_ref().and_then(|id| ours.get(&hash(id)));
        let by_answer = answered
            .and_then(|ours| ours.phone)
            .map(|phone| BTreeSet::from([phone]));
        let found = by_answer.unwrap_or_else(|| by_names(planner, &one.names, &phones));
        let hashed = one
            .names
            .iter()
            .map(|name| (name.kind(), planner.name_hash(name)));
        let hashed: Vec<(NameKind, Hash)> = hashed.collect();
        let numbers = hashed.iter().filter(|(kind, _)| *kind == NameKind::Number);
        writers.push(Writer {
            consent: consent(connection, planner, one, answered, &found)?,
            answered: answered.cloned(),
            phones: found,
            numbers: numbers.map(|(_, hash)| *hash).collect(),
            names: hashed.into_iter().map(|(_, hash)| hash).collect(),
        });
    }
    Ok(writers)
}

/// The phone hashes of the most trusted kind of name that is known.
fn by_names(
    planner: &Planner,
    names: &[GuestName],
    phones: &BTreeMap<Hash, BTreeSet<Hash>>,
) -> BTreeSet<Hash> {
    let of_kind = |kind: &NameKind| {
        let names = names.iter().filter(|name| name.kind() == *kind);
        let found = names.filter_map(|name| phones.get(&planner.name_hash(name)));
        found.flatten().copied().collect::<BTreeSet<Hash>>()
    };
    let found = NameKind::ALL.iter().map(of_kind);
    found
        .into_iter()
        .find(|phones| !phones.is_empty())
        .unwrap_or_default()
}

fn consent(
    connection: &mut Connection,
    planner: &Planner,
    update: &GuestUpdate,
    answered: Option<&Ours>,
    phones: &BTreeSet<Hash>,
) -> Result<Option<ConsentChange>, StoreError> {
    let inbound = match &update.act {
        GuestAct::Wrote(inbound) => inbound,
        GuestAct::Chose(change) => return Ok(Some(*change)),
        GuestAct::Renamed(_) => return Ok(None),
    };
    let said = inbound.inbound_text();
    let (to_marketing, to_other) = (
        change_in(&said, RepliesTo::Marketing),
        change_in(&said, RepliesTo::Other),
    );
    if to_marketing == to_other {
        return Ok(to_other);
    }
    let answers_marketing = match (answered, &update.answers) {
        (Some(ours), _) => is_marketing(planner, ours),
        (None, Some(_)) => false,
        (None, None) => {
            let known = guest_names::known_as(connection, phones)?;
            let within = (update.at - ANSWERED_WITHIN, update.at + CLOCKS_DIFFER);
            let newest = guest_names::newest_to(connection, &known, &update.number, within, None)?;
            newest.is_some_and(|ours| is_marketing(planner, &ours))
        }
    };
    Ok(if answers_marketing { to_marketing } else { to_other })
}

fn is_marketing(planner: &Planner, ours: &Ours) -> bool {
    let id = ours.resort();
    let resort = id.as_ref().and_then(|id| planner.resort(id));
    resort.map_or(ours.kind.is_presumably_marketing(), |resort| {
        resort.is_marketing(ours.kind)
    })
}
