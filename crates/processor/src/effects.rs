//! What events ask for, collected before anything is locked. Handlers return one value for each event; the
//! [batch](crate::events) adds them up, carries them out in one transaction and logs the notices after its commit.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::after_call::Scope;
use domain::consent::ConsentChange;
use domain::facts::Facts;
use domain::guest::GuestName;
use domain::ids::{BookingKey, NumberId, WhatsAppMessageId};
use domain::message_record::Report;
use domain::trace::TraceContext;
use store::guests::GuestKey;
use store::template_categories::CategoryReport;
use whatsapp::notification::Inbound;

use crate::notices::Notice;

/// The effects of one event, or of several.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// What to merge into which booking.
    pub(crate) facts: BTreeMap<BookingKey, Facts>,
    /// Bookings with a late event, and up to when their guests were erased.
    pub(crate) erased: BTreeMap<BookingKey, DateTime<Utc>>,
    /// Bookings whose reservation may have been made, changed or cancelled: their guests' carts are planned again too.
    pub(crate) reservations: BTreeSet<BookingKey>,
    /// Stops and starts that platforms report.
    pub(crate) consents: Vec<PlatformConsent>,
    pub(crate) guest_updates: Vec<GuestUpdate>,
    /// Scopes that WhatsApp says are well again, and the template where the scope is one.
    pub(crate) recovered: Vec<(Scope, Option<String>)>,
    /// Categories that WhatsApp has given templates.
    pub(crate) categories: Vec<CategoryReport>,
    pub(crate) reports: Vec<Report>,
    pub(crate) notices: Vec<Notice>,
    /// In which span each of the bookings got its facts, the last one where several events bring some.
    pub(crate) traces: BTreeMap<BookingKey, TraceContext>,
}

/// A guest's stop or start, as a platform reports it.
#[derive(Debug)]
pub(crate) struct PlatformConsent {
    pub(crate) event: String,
    pub(crate) guest: GuestKey,
    pub(crate) change: ConsentChange,
    pub(crate) at: DateTime<Utc>,
    /// The guest was erased after the event was accepted.
    pub(crate) is_erased: bool,
}

/// What WhatsApp reports of a guest, before it is known which guest it is.
#[derive(Debug)]
pub(crate) struct GuestUpdate {
    pub(crate) event: String,
    pub(crate) number: NumberId,
    /// Every name of the guest that the update contains.
    pub(crate) names: Vec<GuestName>,
    /// The message of ours that they answer.
    pub(crate) answers: Option<WhatsAppMessageId>,
    pub(crate) at: DateTime<Utc>,
    /// It may have happened up to then ([`whatsapp::notification::happened`]).
    pub(crate) at_latest: DateTime<Utc>,
    pub(crate) act: GuestAct,
    /// The guest was erased after the update was accepted.
    pub(crate) is_erased: bool,
}

/// What a guest did.
#[derive(Debug)]
pub(crate) enum GuestAct {
    Wrote(Box<Inbound>),
    /// Used WhatsApp's own switch for marketing.
    Chose(ConsentChange),
    /// Has these names from now on.
    Renamed(Vec<GuestName>),
}

impl Effects {
    pub(crate) fn of_notice(notice: Notice) -> Self {
        Self {
            notices: vec![notice],
            ..Self::default()
        }
    }

    pub(crate) fn of_facts(booking: BookingKey, facts: Facts) -> Self {
        Self {
            facts: BTreeMap::from([(booking, facts)]),
            ..Self::default()
        }
    }

    /// Whether a booking, a guest, a message or a hold may change. An event without such an effect counts as ignored, also
    /// where it is news for operators.
    pub(crate) fn changes_anything(&self) -> bool {
        !(self.facts.is_empty()
            && self.reservations.is_empty()
            && self.consents.is_empty()
            && self.guest_updates.is_empty()
            && self.recovered.is_empty()
            && self.categories.is_empty()
            && self.reports.is_empty())
    }

    /// The effects of an event that is applied in this span.
    pub(crate) fn in_trace(mut self, trace: TraceContext) -> Self {
        self.traces = self.facts.keys().map(|key| (key.clone(), trace)).collect();
        self
    }

    /// Adds the effects of a later event.
    pub(crate) fn add(&mut self, later: Self) {
        for (booking, facts) in later.facts {
            let known = self.facts.entry(booking).or_default();
            *known = std::mem::take(known).merge(facts);
        }
        for (booking, at) in later.erased {
            let known = self.erased.entry(booking).or_insert(at);
            *known = at.max(*known);
        }
        self.reservations.extend(later.reservations);
        self.consents.extend(later.consents);
        self.guest_updates.extend(later.guest_updates);
        self.recovered.extend(later.recovered);
        self.categories.extend(later.categories);
        self.reports.extend(later.reports);
        self.notices.extend(later.notices);
        self.traces.extend(later.traces);
    }
}
