//! The books: what was accepted against what was applied, and what every guest got against what the booking calls for.
//!
//! [`judge`] compares; it depends on nothing but its arguments. [`evidence`] gathers what there is to compare.

use std::collections::HashMap;

use crate::bookings::{REMINDERS, SOURCES, Season};

pub(crate) mod evidence;

use evidence::{Evidence, Message};

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

/// Compares what the guests did with what came of it.
pub(crate) fn judge(season: &Season, evidence: &Evidence) -> Findings {
    let mut of_guests = HashMap::<&str, HashMap<&str, usize>>::new();
    for call in evidence.calls.iter().filter(|call| call.accepted) {
        let (to, template) = (call.to.as_deref(), call.template.as_deref());
        let got = of_guests.entry(to.unwrap_or_default()).or_default();
        *got.entry(template.unwrap_or("text")).or_default() += 1;
    }
    let nothing = HashMap::new();
    let (mut wrong, mut missing, mut doubled, mut unwanted) = (vec![], vec![], vec![], vec![]);
    for guest in &season.guests {
        let got = of_guests.get(guest.phone.as_str()).unwrap_or(&nothing);
        let name = guest.bookings.last().map_or("", |(booking, _)| booking);
        for (booking, states) in &guest.bookings {
            let state = evidence.bookings.get(booking).map_or("unknown", String::as_str);
            if !states.contains(&state) {
                wrong.push(format!("{booking} is {state}, not {}", states.join(" or ")));
            }
        }
        for template in &guest.gets {
            if !got.contains_key(template) && !is_excused(guest, template, evidence) {
                missing.push(format!("{name}: {template}"));
            }
        }
        for (template, count) in got {
            if *count > 1 {
                doubled.push(format!("{name}: {template}, {count} times"));
            }
            if !guest.gets.contains(template) && !guest.may_get.contains(template) {
                unwanted.push(format!("{name}: {template}"));
            }
        }
    }
    Findings(vec![
        (LOST, lost(season, evidence)),
        (WRONG_STATE, wrong),
        (MISSING, missing),
        (DOUBLED, doubled),
        (UNWANTED, unwanted),
        (TAKEN_AND_DEAD, taken_and_dead(evidence)),
        (UNDER_WAY, under_way(evidence)),
    ])
}

fn lost(season: &Season, evidence: &Evidence) -> Vec<String> {
    let key = |source: usize, id: &str| format!("{}/{id}", SOURCES.get(source).copied().unwrap_or_default());
    let told = season
        .tellings
        .iter()
        .map(|telling| key(telling.source, &telling.id));
    told.filter(|key| !evidence.events.contains(key)).collect()
}

/// A person was told instead; and there is no second reminder where the first one never went.
fn is_excused(guest: &crate::bookings::Expected, template: &str, evidence: &Evidence) -> bool {
    let [first, second] = REMINDERS;
    let is_letter = |template: &str| {
        evidence.messages.values().any(|message| {
            message.is_dead()
                && message.template() == template
                && guest
                    .bookings
                    .iter()
                    .any(|(booking, _)| *booking == message.booking)
        })
    };
    is_letter(template) || (template == second && is_letter(first))
}

fn under_way(evidence: &Evidence) -> Vec<String> {
    let messages = evidence.messages.values();
    messages
        .filter(|message| message.is_under_way())
        .map(Message::describe)
        .collect()
}

fn taken_and_dead(evidence: &Evidence) -> Vec<String> {
    let taken = evidence.calls.iter().filter(|call| call.accepted);
    let ids = taken.filter_map(|call| call.callback_data.as_deref()?.split('.').next());
    let messages = ids.filter_map(|id| evidence.messages.get(id));
    let dead = messages.filter(|message| message.is_dead());
    dead.map(Message::describe).collect()
}

#[cfg(test)]
mod tests;
