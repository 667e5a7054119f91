//! The results: what was accepted against what was applied, and what every guest got against what the booking calls for.
//!
//! [`judge`] compares; it depends on nothing but its arguments. [`evidence`] gathers what there is to compare.

use std::collections::{HashMap, HashSet};

use crate::bookings::{Expected, REMINDERS, SOURCES, Season};

pub(crate) mod evidence;

use evidence::{Evidence, Letter, Message};

/// What should not be, each with what is known of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings(pub(crate) Vec<(&'static str, Vec<String>)>);

const LOST: &str = "events accepted and lost";
const WRONG_STATE: &str = "bookings in another state than their events make";
const MISSING: &str = "messages missing, of which no person was told";
const DOUBLED: &str = "messages that a guest got twice";
const UNWANTED: &str = "messages that nothing calls for";
const UNDER_WAY: &str = "messages that have not come to their end";
const TAKEN_AND_DEAD: &str = "letters of messages that WhatsApp took";
const UNEXPLAINED: &str = "letters of messages that no faults explain";

/// Compares what the guests did with what came of it.
pub(crate) fn judge(season: &Season, evidence: &Evidence) -> Findings {
    let accounts = Accounts::of(evidence);
    let of_guests = |judge: fn(&Expected, &Accounts<'_>) -> Vec<String>| -> Vec<String> {
        let found = season.guests.iter().map(|guest| judge(guest, &accounts));
        found.flatten().collect()
    };
    Findings(vec![
        (LOST, lost(season, evidence)),
        (WRONG_STATE, of_guests(wrong_states)),
        (MISSING, of_guests(missing)),
        (DOUBLED, [accounts.twice(), of_guests(too_often)].concat()),
        (UNWANTED, of_guests(unwanted)),
        (TAKEN_AND_DEAD, taken_and_dead(&accounts)),
        (UNEXPLAINED, unexplained(evidence)),
        (UNDER_WAY, under_way(evidence)),
    ])
}

/// The evidence in the order in which it is looked for.
struct Accounts<'a> {
    evidence: &'a Evidence,
    /// How many calls WhatsApp took, by the guest's number and the template.
    of_guests: HashMap<&'a str, HashMap<&'a str, usize>>,
    /// As before, by the message: one of its kind in its round.
    of_messages: HashMap<&'a str, usize>,
    /// The message of the last round, by booking and template.
    last: HashMap<(&'a str, &'a str), &'a Message>,
}

impl<'a> Accounts<'a> {
    fn of(evidence: &'a Evidence) -> Self {
        let mut accounts = Self {
            evidence,
            of_guests: HashMap::new(),
            of_messages: HashMap::new(),
            last: HashMap::new(),
        };
        for call in evidence.calls.iter().filter(|call| call.accepted) {
            let to = call.to.as_deref().unwrap_or_default();
            let got = accounts.of_guests.entry(to).or_default();
            *got.entry(call.template.as_deref().unwrap_or("text")).or_default() += 1;
            let message = call.message().unwrap_or_default();
            *accounts.of_messages.entry(message).or_default() += 1;
        }
        for message in evidence.messages.values() {
            let key = (message.booking.as_str(), message.template());
            let last = accounts.last.entry(key).or_insert(message);
            if last.round < message.round {
                *last = message;
            }
        }
        accounts
    }

    fn is_taken(&self, message: &str) -> bool {
        self.of_messages.contains_key(message)
    }

    /// What a guest got, and how often.
    fn got(&self, guest: &Expected) -> impl Iterator<Item = (&'a str, usize)> {
        let got = self.of_guests.get(guest.phone.as_str());
        let all: Vec<_> = got
            .into_iter()
            .flatten()
            .map(|(name, times)| (*name, *times))
            .collect();
        all.into_iter()
    }

    /// The message of the last round in which a guest was to get this.
    fn last(&self, guest: &Expected, template: &str) -> Option<&'a Message> {
        let bookings = guest.bookings.iter();
        let messages = bookings.filter_map(|(booking, _)| self.last.get(&(booking.as_str(), template)));
        messages.copied().max_by_key(|message| message.round)
    }

    fn describe(&self, message: &str) -> String {
        let found = self.evidence.messages.get(message);
        found.map_or_else(|| format!("a message {message:?}"), Message::describe)
    }

    /// Messages of one kind and round that went more than once.
    fn twice(&self) -> Vec<String> {
        let twice = self.of_messages.iter().filter(|(_, times)| **times > 1);
        twice
            .map(|(id, times)| format!("{}: {times} times", self.describe(id)))
            .collect()
    }
}

fn lost(season: &Season, evidence: &Evidence) -> Vec<String> {
    let key = |source: usize, id: &str| format!("{}/{id}", SOURCES.get(source).copied().unwrap_or_default());
    let accepted = season
        .webhooks
        .iter()
        .map(|webhook| key(webhook.source, &webhook.id));
    accepted.filter(|key| !evidence.events.contains(key)).collect()
}

fn wrong_states(guest: &Expected, accounts: &Accounts<'_>) -> Vec<String> {
    let found = &accounts.evidence.bookings;
    let state = |booking: &String| found.get(booking).map_or("unknown", String::as_str);
    let bookings = guest.bookings.iter();
    bookings
        .filter(|(booking, states)| !states.contains(&state(booking)))
        .map(|(booking, states)| format!("{booking} is {}, not {}", state(booking), states.join(" or ")))
        .collect()
}

/// What a guest must get and has not got in the last round.
fn missing(guest: &Expected, accounts: &Accounts<'_>) -> Vec<String> {
    let has_got = |template: &str| {
        let last = accounts.last(guest, template);
        last.is_some_and(|message| accounts.is_taken(message.id()))
    };
    let missing = guest.gets.iter().filter(|template| !has_got(template));
    missing
        .filter(|template| !is_excused(guest, template, accounts))
        .map(|template| format!("{}: {template}", guest.name()))
        .collect()
}

/// A dead letter reports it to a person; and there is no second reminder where the first one never went.
fn is_excused(guest: &Expected, template: &str, accounts: &Accounts<'_>) -> bool {
    let [first, second] = REMINDERS;
    let is_letter = |template: &str| accounts.last(guest, template).is_some_and(Message::is_dead);
    is_letter(template) || (template == second && is_letter(first))
}

/// What a guest got more often than there can have been rounds.
fn too_often(guest: &Expected, accounts: &Accounts<'_>) -> Vec<String> {
    let most = |template: &str| guest.may_get_at_most(template);
    let got = accounts.got(guest);
    got.filter(|(template, times)| most(template) > 0 && *times > most(template))
        .map(|(template, times)| format!("{}: {template}, {times} times", guest.name()))
        .collect()
}

fn unwanted(guest: &Expected, accounts: &Accounts<'_>) -> Vec<String> {
    let got = accounts.got(guest);
    got.filter(|(template, _)| guest.may_get_at_most(template) == 0)
        .map(|(template, _)| format!("{}: {template}", guest.name()))
        .collect()
}

fn under_way(evidence: &Evidence) -> Vec<String> {
    let messages = evidence.messages.values();
    messages
        .filter(|message| message.is_under_way())
        .map(Message::describe)
        .collect()
}

/// Counts whatever became of the dead letter since: it reported that a guest got nothing who had got the message.
fn taken_and_dead(accounts: &Accounts<'_>) -> Vec<String> {
    let Evidence {
        messages, letters, ..
    } = accounts.evidence;
    let dead = messages
        .values()
        .filter(|message| message.is_dead())
        .map(Message::id);
    let lettered = letters.iter().map(|letter| letter.message.as_str());
    let ids: HashSet<&str> = dead.chain(lettered).collect();
    let taken = ids.into_iter().filter(|id| accounts.is_taken(id));
    taken.map(|id| accounts.describe(id)).collect()
}

/// Only what was lost, went once more and was lost again is a person's to decide.
fn unexplained(evidence: &Evidence) -> Vec<String> {
    let is_explained = |letter: &&Letter| {
        let may_lose = |claimed_at| {
            evidence
                .played
                .iter()
                .any(|played| played.may_lose_call(claimed_at))
        };
        letter.is_of_second_silence() && letter.claimed_at.is_some_and(may_lose)
    };
    let unexplained = evidence.letters.iter().filter(|letter| !is_explained(letter));
    unexplained.map(Letter::describe).collect()
}

#[cfg(test)]
mod tests;
