//! What is known of each guest: when they last wrote, and whether they want marketing.

use std::collections::{HashMap, HashSet};

use crate::clock::Millis;

const WINDOW_MS: Millis = 24 * 60 * 60 * 1000;

/// The state between our numbers and guests; guests are named as the journal names them.
#[derive(Debug, Default)]
pub(crate) struct Conversations {
    /// Until when free text may be sent, by number and guest.
    open_until: HashMap<(String, String), Millis>,
    last_numbers: HashMap<String, String>,
    without_marketing: HashSet<String>,
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

    pub(crate) fn we_wrote(&mut self, number: &str, guest: &str) {
        self.last_numbers.insert(guest.to_owned(), number.to_owned());
    }

    /// The number that last wrote to a guest.
    pub(crate) fn last_number(&self, guest: &str) -> Option<&str> {
        self.last_numbers.get(guest).map(String::as_str)
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
