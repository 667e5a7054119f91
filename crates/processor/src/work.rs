//! What a batch of events asks for, collected before anything is locked.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::after_call::Scope;
use domain::consent::ConsentChange;
use domain::facts::Facts;
use domain::ids::BookingKey;
use domain::message_record::Report;
use store::guests::GuestKey;

use crate::notices::Notice;
use crate::writers::Heard;

/// The wishes of handlers, to be fulfilled in one transaction.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// What to merge into which booking.
    pub(crate) facts: BTreeMap<BookingKey, Facts>,
    /// Bookings of which late news came, with up to when their guests were erased.
    pub(crate) erased: BTreeMap<BookingKey, DateTime<Utc>>,
    /// Bookings whose reservation may have come, changed or gone: their guests' carts are planned anew too.
    pub(crate) reservations: BTreeSet<BookingKey>,
    /// What platforms say that guests want.
    pub(crate) wishes: Vec<Told>,
    /// What guests did in WhatsApp.
    pub(crate) heard: Vec<Heard>,
    /// Scopes of which WhatsApp has good news, and the template where it is one.
    pub(crate) better: Vec<(Scope, Option<String>)>,
    /// News for operators, logged after the commit.
    pub(crate) notices: Vec<Notice>,
    /// What WhatsApp reports of our messages.
    pub(crate) reports: Vec<Report>,
}

/// A guest's wish, as a platform tells it.
#[derive(Debug)]
pub(crate) struct Told {
    /// The event's key.
    pub(crate) event: String,
    pub(crate) guest: GuestKey,
    pub(crate) wish: ConsentChange,
    pub(crate) at: DateTime<Utc>,
    /// The guest was erased after the event was accepted.
    pub(crate) is_erased: bool,
}

impl Work {
    /// Adds facts to a booking.
    pub(crate) fn learn(&mut self, booking: BookingKey, facts: Facts) {
        let known = self.facts.entry(booking).or_default();
        *known = std::mem::take(known).merge(facts);
    }
}
