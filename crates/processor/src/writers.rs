//! Who wrote: which guests an update of WhatsApp is about, and what they wish.
//!
//! A guest is known by the message of ours that they answer, by their user id, by the number as WhatsApp spells it, and by
//! the number that we call; the first of these that is known decides. One name may belong to several phone hashes: two
//! spellings of one number in different bookings.
//!
//! Without an answered message, a word that also means "cancel" is read as an answer to the newest message that went from
//! the same number to the guest within [`ANSWERED_WITHIN`].

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use domain::consent::{ConsentChange, RepliesTo, change_in};
use domain::guest::{GuestName, NameKind};
use domain::ids::{NumberId, WhatsAppMessageId};
use store::guest_names::{self, Hash, Ours};
use store::planning::Planner;
use store::{Connection, StoreError};
use whatsapp::notification::Inbound;

/// How old the newest message may be that a word answers.
const ANSWERED_WITHIN: TimeDelta = TimeDelta::days(3);
/// WhatsApp's times are whole seconds, and its clock is another: a message that went this much later was answered too.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(5);

/// What WhatsApp tells of a guest, before it is known who it is.
#[derive(Debug)]
pub(crate) struct Heard {
    /// The event's key.
    pub(crate) event: String,
    /// The business number.
    pub(crate) number: NumberId,
    /// Every name of the guest that the update tells.
    pub(crate) names: Vec<GuestName>,
    /// The message of ours that they answer.
    pub(crate) answers: Option<WhatsAppMessageId>,
    pub(crate) at: DateTime<Utc>,
    pub(crate) act: Act,
    /// The guest was erased after the update was accepted.
    pub(crate) is_erased: bool,
}

/// What a guest did.
#[derive(Debug)]
pub(crate) enum Act {
    /// Wrote, or pressed a button.
    Wrote(Box<Inbound>),
    /// Used WhatsApp's own switch for marketing.
    Chose(ConsentChange),
    /// Has these names from now on.
    Renamed(Vec<GuestName>),
}

/// Who it was.
#[derive(Debug)]
pub(crate) struct Writer {
    /// The phone hashes of the guests that they are; empty: they match no guest.
    pub(crate) phones: BTreeSet<Hash>,
    /// Keyed hashes of every name that the update tells.
    pub(crate) names: BTreeSet<Hash>,
    /// Those of the names that are numbers to call.
    pub(crate) numbers: BTreeSet<Hash>,
    /// What they wish, if anything.
    pub(crate) wish: Option<ConsentChange>,
}

/// Finds out who they are and what they wish. Locks nothing.
pub(crate) fn resolve(
    connection: &mut Connection,
    planner: &Planner,
    heard: &[Heard],
) -> Result<Vec<Writer>, StoreError> {
    let hash = |id: &WhatsAppMessageId| planner.ring.lookup(id.reveal());
    let answered = heard
        .iter()
        .filter_map(|one| one.answers.as_ref())
        .map(hash)
        .collect();
    let ours = guest_names::ours_by_whatsapp_hash(connection, &answered)?;
    let all = heard.iter().flat_map(|one| &one.names);
    let phones = guest_names::phones_of(connection, &all.map(|name| planner.name_hash(name)).collect())?;
    let mut writers = Vec::with_capacity(heard.len());
    for one in heard {
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
            wish: wish(connection, one, answered, &found)?,
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

fn wish(
    connection: &mut Connection,
    heard: &Heard,
    answered: Option<&Ours>,
    phones: &BTreeSet<Hash>,
) -> Result<Option<ConsentChange>, StoreError> {
    let inbound = match &heard.act {
        Act::Wrote(inbound) => inbound,
        Act::Chose(wish) => return Ok(Some(*wish)),
        Act::Renamed(_) => return Ok(None),
    };
    let said = inbound.inbound_text();
    let (to_marketing, to_other) = (
        change_in(&said, RepliesTo::Marketing),
        change_in(&said, RepliesTo::Other),
    );
    if to_marketing == to_other {
        return Ok(to_other);
    }
    let is_marketing = match (answered, &heard.answers) {
        (Some(ours), _) => ours.kind.is_marketing(),
        (None, Some(_)) => false,
        (None, None) => {
            let known = guest_names::known_as(connection, phones)?;
            let within = (heard.at - ANSWERED_WITHIN, heard.at + CLOCKS_DIFFER);
            let newest = guest_names::newest_to(connection, &known, &heard.number, within)?;
            newest.is_some_and(|ours| ours.kind.is_marketing())
        }
    };
    Ok(if is_marketing { to_marketing } else { to_other })
}
