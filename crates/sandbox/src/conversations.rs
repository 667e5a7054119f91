//! The state of each guest: the open windows, the opt-out from marketing, WhatsApp's spelling of the number, and what the
//! guest wrote.

use std::collections::{HashMap, HashSet};

use crate::clock::Millis;

const WINDOW_MS: Millis = 24 * 60 * 60 * 1000;

/// Guests are named as in the journal.
#[derive(Debug, Default)]
pub(crate) struct Conversations {
    /// The end of the window for free text, by number and guest.
    open_until: HashMap<(String, String), Millis>,
    last_numbers: HashMap<String, String>,
    without_marketing: HashSet<String>,
    /// WhatsApp's spelling by the digits that people dial, where the two differ.
    spellings: HashMap<String, String>,
    /// Whose phone does not read what arrives.
    inattentive: HashSet<String>,
    written: Vec<Written>,
}

/// What a guest wrote or tapped, as the phone shows it.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// The place among everything that was accepted or written.
    pub(crate) order: u64,
    /// RFC 3339 with milliseconds, as in the journal.
    pub(crate) at: String,
    pub(crate) guest: String,
    /// The id of the business number that it went to.
    pub(crate) number: String,
    pub(crate) text: String,
    /// The message whose button was tapped, or that is answered.
    pub(crate) answers: Option<String>,
}

impl Conversations {
    pub(crate) fn guest_wrote(&mut self, number: &str, guest: &str, at: Millis) {
        self.open_until.insert(
            (number.to_owned(), guest.to_owned()),
            at.saturating_add(WINDOW_MS),
        );
    }

    pub(crate) fn is_open(&self, number: &str, guest: &str, at: Millis) -> bool {
        self.open_until
            .get(&(number.to_owned(), guest.to_owned()))
            .is_some_and(|until| at < *until)
    }

    /// For answers and notifications from now on.
    pub(crate) fn spell(&mut self, dialled: &str, spelling: &str) {
        self.spellings.insert(dialled.to_owned(), spelling.to_owned());
    }

    /// The digits of a number as WhatsApp spells them.
    pub(crate) fn spelling_of(&self, dialled: &str) -> String {
        self.spellings
            .get(dialled)
            .map_or_else(|| dialled.to_owned(), Clone::clone)
    }

    /// The digits that people dial, for a number in either spelling.
    pub(crate) fn dialled_of(&self, digits: &str) -> String {
        let spelt = self.spellings.iter().find(|(_, spelling)| *spelling == digits);
        spelt.map_or_else(|| digits.to_owned(), |(dialled, _)| dialled.clone())
    }

    pub(crate) fn we_wrote(&mut self, number: &str, guest: &str) {
        self.last_numbers.insert(guest.to_owned(), number.to_owned());
    }

    /// The number that last wrote to a guest.
    pub(crate) fn last_number(&self, guest: &str) -> Option<&str> {
        self.last_numbers.get(guest).map(String::as_str)
    }

    pub(crate) fn write(&mut self, written: Written) {
        self.written.push(written);
    }

    /// Everything that guests wrote, oldest first.
    pub(crate) fn written(&self) -> &[Written] {
        &self.written
    }

    /// Whether what arrives is read; the phone's switch says so.
    pub(crate) fn set_attentive(&mut self, guest: &str, attentive: bool) {
        if attentive {
            self.inattentive.remove(guest);
        } else {
            self.inattentive.insert(guest.to_owned());
        }
    }

    pub(crate) fn is_attentive(&self, guest: &str) -> bool {
        !self.inattentive.contains(guest)
    }

    pub(crate) fn set_marketing(&mut self, guest: &str, wanted: bool) {
        if wanted {
            self.without_marketing.remove(guest);
        } else {
            self.without_marketing.insert(guest.to_owned());
        }
    }

    pub(crate) fn wants_marketing(&self, guest: &str) -> bool {
        !self.without_marketing.contains(guest)
    }
}
