//! What an owner wants to know of a month: how many carts were reminded, what came of them, and whether the reminders earned it.
//!
//! Reminders are measured by the [hold-out](crate::hold_out). A guest counts with their first cart of the month whose first
//! reminder went, or would have gone but for the hold-out; so both groups are drawn from the same guests by chance alone. What
//! counts is a reservation at the resort that was confirmed within [7 days](BOOKED_WITHIN) after the cart was abandoned and stands.

pub mod breach;
pub mod month;
pub mod statistics;
pub mod sums;
pub mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::stay::Money;
use statistics::Share;
use sums::Sums;

pub use breach::{Breach, Breaches};
pub use month::Month;
pub use verdict::Verdict;

/// A reservation counts that was confirmed so soon after the cart was abandoned.
pub const BOOKED_WITHIN: TimeDelta = TimeDelta::days(7);

/// A cart whose first reminder was planned, with what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart {
    /// What tells one guest from another: the hash of the number, or the booking's key where its guest was erased.
    pub guest: Vec<u8>,
    pub abandoned_at: DateTime<Utc>,
    pub reminder: Reminder,
    /// The guest's reservations that count; one without a total has `None`.
    pub reservations: Vec<Option<Money>>,
}

/// What became of a cart's first reminder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reminder {
    /// It was called for at least once, whatever became of the call.
    Went(Reaction),
    HeldOut,
    /// For a reason, or in a state, that is no end yet.
    DidNotGo(String),
}

/// What happened after a reminder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four things that may happen or not, in any combination"
)]
pub struct Reaction {
    pub is_delivered: bool,
    pub is_read: bool,
    /// The guest wrote to the resort.
    pub is_answered: bool,
    /// The guest wants no more reminders.
    pub is_stopped: bool,
}

/// The guests who are compared, reminded or held out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Group {
    pub guests: u64,
    pub booked: u64,
    /// Of the reservations of those who booked.
    pub sums: Sums,
}

impl Group {
    fn count(&mut self, cart: &Cart) {
        self.guests += 1;
        self.booked += u64::from(!cart.reservations.is_empty());
        for total in cart.reservations.iter().flatten() {
            self.sums.add(total);
        }
    }

    fn add(&mut self, other: &Self) {
        self.guests += other.guests;
        self.booked += other.booked;
        self.sums.add_all(&other.sums);
    }

    pub fn share(&self) -> Share {
        Share {
            part: self.booked,
            whole: self.guests,
        }
    }
}

/// One resort's month, or the sum of several. Sums only: nothing in it is personal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Abandoned carts for which a first reminder was planned.
    pub carts: u64,
    pub reminded: Group,
    pub held_out: Group,
    /// Of those reminded.
    pub delivered: u64,
    pub read: u64,
    pub answered: u64,
    pub stopped: u64,
    /// Carts without a reminder, by reason; the hold-out is among them.
    pub not_sent: BTreeMap<String, u64>,
    /// Guests who were in both groups, because the share was changed in the month.
    pub in_both_groups: u64,
    /// Messages of all kinds for which WhatsApp was called in the month, by WhatsApp's pricing category.
    pub messages: BTreeMap<String, u64>,
    /// Calls of the month that broke a rule, of all kinds.
    #[serde(default = "Breaches::not_counted")]
    pub breaches: Breaches,
}

impl Figures {
    /// Of the carts of one resort and month, in any order.
    pub fn of(mut carts: Vec<Cart>, messages: BTreeMap<String, u64>, breaches: Breaches) -> Self {
        carts.sort_by(|one, other| (&one.guest, one.abandoned_at).cmp(&(&other.guest, other.abandoned_at)));
        let mut figures = Self {
            messages,
            breaches,
            ..Self::default()
        };
        for of_guest in carts.chunk_by(|one, other| one.guest == other.guest) {
            figures.count_guest(of_guest);
        }
        figures
    }

    fn count_guest(&mut self, carts: &[Cart]) {
        let mut groups = BTreeSet::new();
        for cart in carts {
            self.carts += 1;
            let is_first = groups.is_empty();
            let reason = match &cart.reminder {
                Reminder::Went(reaction) => {
                    groups.insert("reminded");
                    if is_first {
                        self.reminded.count(cart);
                        self.count_reaction(*reaction);
                    }
                    continue;
                }
                Reminder::HeldOut => {
                    groups.insert("held_out");
                    if is_first {
                        self.held_out.count(cart);
                    }
                    "held_out"
                }
                Reminder::DidNotGo(reason) => reason,
            };
            *self.not_sent.entry(reason.to_owned()).or_default() += 1;
        }
        self.in_both_groups += u64::from(groups.len() > 1);
    }

    fn count_reaction(&mut self, reaction: Reaction) {
        self.delivered += u64::from(reaction.is_delivered);
        self.read += u64::from(reaction.is_read);
        self.answered += u64::from(reaction.is_answered);
        self.stopped += u64::from(reaction.is_stopped);
    }

    pub fn add(&mut self, other: &Self) {
        self.carts += other.carts;
        self.reminded.add(&other.reminded);
        self.held_out.add(&other.held_out);
        self.delivered += other.delivered;
        self.read += other.read;
        self.answered += other.answered;
        self.stopped += other.stopped;
        self.in_both_groups += other.in_both_groups;
        self.breaches.add(&other.breaches);
        for (counts, more) in [
            (&mut self.not_sent, &other.not_sent),
            (&mut self.messages, &other.messages),
        ] {
            for (name, count) in more {
                *counts.entry(name.clone()).or_default() += count;
            }
        }
    }

    /// The two groups, for the comparison.
    pub fn groups(&self) -> (Share, Share) {
        (self.reminded.share(), self.held_out.share())
    }
}

#[cfg(test)]
mod tests;
