//! The guest's phone as pages: what the sandbox knows of a conversation, as the guest would see it.
//!
//! [`Page`] and [`List`] are read from the state of the sandbox at one moment; the routes serve them. Times are UTC.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use askama::Template;
use chrono::NaiveDate;

use crate::conversations::Written;
use crate::emulator::Emulator;
use crate::graph::DISPLAY_NUMBER;
use crate::journal::Entry;

mod bubble;
pub(crate) mod origin;

use bubble::{Bubble, Button};

pub(crate) const STYLE: &str = include_str!("../assets/phone.css");
pub(crate) const SCRIPT: &str = include_str!("../assets/phone.js");
pub(crate) const ICON: &str = include_str!("../assets/phone.svg");

/// The conversation of one guest, with every business number.
#[derive(Template)]
#[template(path = "phone.html")]
pub(crate) struct Page {
    guest: String,
    /// The verified name of the business number that was spoken with last.
    business: String,
    initial: char,
    /// That number's id, to which answers go; `None` before the first message.
    number: Option<String>,
    /// Whether what arrives is read.
    attentive: bool,
    items: Vec<Item>,
}

enum Item {
    Day(String),
    /// The conversation goes on with another business number.
    Business(String),
    Message(Bubble),
}

/// All guests with a conversation, the latest first.
#[derive(Template)]
#[template(path = "phone_list.html")]
pub(crate) struct List {
    chats: Vec<Chat>,
}

struct Chat {
    order: u64,
    guest: String,
    at: String,
    text: String,
}

impl Page {
    /// `guest` is named as in the journal.
    pub(crate) fn of(emulator: &Emulator, guest: &str) -> Self {
        let received = emulator.journal.accepted_for(guest);
        let (attentive, written) = {
            let conversations = emulator.conversations();
            let all = conversations.written().iter();
            let written: Vec<Written> = all.filter(|written| written.guest == guest).cloned().collect();
            (conversations.is_attentive(guest), written)
        };
        let bubbles = in_order(&received, &written);
        let number = bubbles.last().map(|bubble| bubble.number.clone());
        let business = emulator.verified_name(number.as_deref());
        Self {
            guest: guest.to_owned(),
            initial: business.chars().next().unwrap_or('?'),
            business,
            number,
            attentive,
            items: with_dividers(bubbles),
        }
    }
}

impl List {
    pub(crate) fn of(emulator: &Emulator) -> Self {
        let mut last: BTreeMap<String, Chat> = BTreeMap::new();
        let received = emulator.journal.last_accepted();
        let received = received.values().filter_map(Chat::of_received);
        let conversations = emulator.conversations();
        for chat in received.chain(conversations.written().iter().map(Chat::of_written)) {
            let is_later = last.get(&chat.guest).is_none_or(|known| known.order < chat.order);
            if is_later {
                last.insert(chat.guest.clone(), chat);
            }
        }
        let mut chats: Vec<Chat> = last.into_values().collect();
        chats.sort_by_key(|chat| Reverse(chat.order));
        Self { chats }
    }
}

impl Chat {
    /// A guest whose number is not known has no phone.
    fn of_received(entry: &Entry) -> Option<Self> {
        let guest = entry.to.as_ref().filter(|guest| guest.starts_with('+'))?;
        Some(Self {
            order: entry.order,
            guest: guest.clone(),
            at: entry.at.clone(),
            text: entry.body.clone().unwrap_or_default(),
        })
    }

    fn of_written(written: &Written) -> Self {
        Self {
            order: written.order,
            guest: written.guest.clone(),
            at: written.at.clone(),
            text: format!("You: {}", written.text),
        }
    }

    fn clock(&self) -> &str {
        clock(&self.at)
    }
}

impl Emulator {
    /// The name that guests see for a business number.
    fn verified_name(&self, number: Option<&str>) -> String {
        let account = service::lock(&self.account);
        let fields = number.and_then(|id| account.number(id, Some("verified_name"), 25, None).ok());
        let name = fields
            .as_ref()
            .and_then(|fields| fields.get("verified_name")?.as_str());
        name.map_or_else(|| format!("+{DISPLAY_NUMBER}"), str::to_owned)
    }
}

fn in_order(received: &[Entry], written: &[Written]) -> Vec<Bubble> {
    let quote = |wamid: &String| {
        let quoted = received.iter().find(|entry| entry.wamid.as_ref() == Some(wamid));
        quoted.and_then(|entry| entry.body.as_deref())
    };
    let theirs = received.iter().map(Bubble::of_received);
    let own = written
        .iter()
        .map(|written| Bubble::of_written(written, written.answers.as_ref().and_then(quote)));
    let mut bubbles: Vec<Bubble> = theirs.chain(own).collect();
    bubbles.sort_by_key(|bubble| bubble.order);
    bubbles
}

/// A divider stands before each new day, and before each change of the business number.
fn with_dividers(bubbles: Vec<Bubble>) -> Vec<Item> {
    let mut items = Vec::new();
    let (mut day, mut number) = (None, None);
    for bubble in bubbles {
        let its_day = bubble.at.get(..10).map(str::to_owned);
        if its_day != day {
            items.extend(its_day.as_deref().map(|day| Item::Day(in_words(day))));
            day = its_day;
        }
        if number.as_ref().is_some_and(|number| *number != bubble.number) {
            items.push(Item::Business(bubble.number.clone()));
        }
        number = Some(bubble.number.clone());
        items.push(Item::Message(bubble));
    }
    items
}

fn in_words(day: &str) -> String {
    let read: Result<NaiveDate, _> = day.parse();
    read.map_or_else(|_| day.to_owned(), |day| day.format("%-d %B %Y").to_string())
}

/// Hours and minutes of an RFC 3339 text.
fn clock(at: &str) -> &str {
    at.get(11..16).unwrap_or_default()
}
