//! The plan of a booking: its status, which messages it wants and when, which it does not want and why, and when to
//! plan it again.
//!
//! [`plan`] is a pure function. Called with a later `now` it tells what will happen; `desk bookings show` explains
//! a booking with it. [`cart`] plans the reminders, [`order`] what follows a reservation, [`stop`] the answer to a guest
//! who opts out; when each kind goes is a [`Moment`] of the resort. [`difference`] turns a plan into changes of the messages that exist, and
//! [`manual_retry`] decides whether a person may have a dead message sent again.

pub mod cart;
pub mod difference;
pub mod manual_retry;
pub mod order;
mod stop;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::facts::{Fact, Facts, Notify};
use crate::guest::MarketingConsent;
use crate::ids::{BookingId, MessageId};
use crate::local_time;
use crate::message::{MessageKind, MessageState, MomentName, Reason};
use crate::moment::Moment;
use crate::render::{self, Subject};
use crate::resort::Resort;
use crate::stay::Dates;
use crate::text_enum::text_enum;

text_enum! {
    Status("booking status") {
        /// The guest is booking, or may still be.
        Started = "started",
        /// The guest left the booking unfinished.
        Abandoned = "abandoned",
        Confirmed = "confirmed",
        CheckedIn = "checked_in",
        CheckedOut = "checked_out",
        /// The guest did not arrive in time.
        NoShow = "no_show",
        Cancelled = "cancelled",
    }
}

/// A message of this booking that exists already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing {
    pub id: MessageId,
    pub kind: MessageKind,
    /// Counts the messages of this kind in this booking, from 0.
    pub round: u32,
    /// The time of the fact that the message answers; it tells which round the message belongs to.
    pub basis_at: DateTime<Utc>,
    pub state: MessageState,
    pub reason: Option<Reason>,
    /// Calls that were begun.
    pub attempts: u32,
    pub due_at: DateTime<Utc>,
    /// From then on the message is too late to be useful.
    pub expires_at: DateTime<Utc>,
    /// When WhatsApp accepted it, as far as known.
    pub sent_at: Option<DateTime<Utc>>,
    /// The mark that it must never be queued again.
    pub withdrawn: bool,
}

/// A reservation of the same guest at the same resort that is not cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    pub booking: BookingId,
    pub dates: Dates,
}

/// What a plan depends on besides the booking's own facts.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// Every message of this booking, in any state.
    pub messages: Vec<Existing>,
    /// What the guest said about marketing at this resort.
    pub marketing_consent: MarketingConsent,
    /// The guest's other reservations at this resort that are not cancelled.
    pub elsewhere: Vec<Reservation>,
    /// Since when the resort's file has each of its own moments as they are now. One that is missing is not planned yet:
    /// a processor notes it before anything is planned by it.
    pub moments_since: BTreeMap<MomentName, DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub status: Status,
    /// One entry for each kind of message that the facts ask for or rule out.
    pub messages: Vec<Planned>,
    /// When the plan changes without a new fact; always later than the `now` of the plan. `None`: never. The end of
    /// a message's window is not among these times: the claim checks it.
    pub wake_at: Option<DateTime<Utc>>,
}

/// What a plan says about one kind of message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    pub kind: MessageKind,
    /// The time of the fact that the message answers.
    pub basis_at: DateTime<Utc>,
    pub decision: Decision,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It will be due when the window opens. `None`: that depends on something that has not happened yet.
    Later(Option<Window>),
    /// It is due now.
    Due(Window),
    /// It is due now and must not be sent, for this reason.
    Skip(Reason, Window),
    /// Its window has closed.
    Expired(Window),
    /// It is not wanted, for this reason.
    NotWanted(Reason),
}

/// When a message may be sent, and until when it is useful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The time that follows from the facts, moved to the end of quiet hours.
    pub opens_at: DateTime<Utc>,
    /// `opens_at` plus the resort's `expires_after` of the kind.
    pub closes_at: DateTime<Utc>,
}

/// Plans a booking. The result depends on nothing but the arguments.
pub fn plan(
    booking: &BookingId,
    facts: &Facts,
    circumstances: &Circumstances,
    resort: &Resort,
    now: DateTime<Utc>,
) -> Plan {
    let view = View {
        booking,
        facts,
        circumstances,
        resort,
        now,
    };
    let order = order::plan(&view);
    let cart = cart::plan(&view);
    let mut messages: Vec<Planned> = cart.messages.into_iter().chain(order.messages).collect();
    messages.extend(stop::plan(&view));
    messages.extend(view.removed_moments());
    let opening = messages.iter().filter_map(|planned| match &planned.decision {
        Decision::Later(Some(window)) => Some(window.opens_at),
        _ => None,
    });
    // Once an order is known its status replaces the cart's, so a change of the cart's status changes nothing.
    let cart_changes_at = cart.status_changes_at.filter(|_| order.status.is_none());
    let wake_at = opening
        .chain(order.status_changes_at)
        .chain(cart_changes_at)
        .filter(|at| *at > now)
        .min();
    Plan {
        status: order.status.or(cart.status).unwrap_or(Status::Started),
        messages,
        wake_at,
    }
}

/// What the rules of the cart, or those of the order, found.
#[derive(Default)]
pub(crate) struct Half {
    /// `None`: no event has told of a cart, or of an order.
    pub(crate) status: Option<Status>,
    pub(crate) messages: Vec<Planned>,
    /// When the status changes without a new fact.
    pub(crate) status_changes_at: Option<DateTime<Utc>>,
}

/// The arguments of [`plan`], together.
pub(crate) struct View<'a> {
    pub(crate) booking: &'a BookingId,
    pub(crate) facts: &'a Facts,
    pub(crate) circumstances: &'a Circumstances,
    pub(crate) resort: &'a Resort,
    pub(crate) now: DateTime<Utc>,
}

impl View<'_> {
    /// The fact, unless a later cancellation ended its round.
    pub(crate) fn in_round<'f>(&self, fact: Option<&'f Fact<Notify>>) -> Option<&'f Fact<Notify>> {
        let cancelled = self.facts.cancelled.as_ref().map(|cancelled| &cancelled.stamp);
        fact.filter(|fact| cancelled.is_none_or(|cancelled| fact.stamp > *cancelled))
    }

    /// Decides about a kind that `cause` makes wanted at `at`. A reason to skip is looked for only once the window
    /// has opened: until then the facts may change.
    pub(crate) fn decision(&self, kind: MessageKind, at: DateTime<Utc>, cause: &Fact<Notify>) -> Decision {
        self.decide(kind, at, cause, cause.value == Notify::No)
    }

    /// The same for a kind that the stay asks for: an import silences only what was past when it arrived.
    pub(crate) fn decision_of_stay(
        &self,
        kind: MessageKind,
        at: DateTime<Utc>,
        cause: &Fact<Notify>,
    ) -> Decision {
        let imported_at = self.facts.imported.as_ref().map(|fact| fact.stamp.at);
        let is_past = imported_at.is_none_or(|imported_at| at <= imported_at);
        self.decide(kind, at, cause, cause.value == Notify::No && is_past)
    }

    fn decide(
        &self,
        kind: MessageKind,
        at: DateTime<Utc>,
        cause: &Fact<Notify>,
        is_silent: bool,
    ) -> Decision {
        // Neither an erasure nor `notify: false` can change later, so the message is not wanted, whatever the time.
        let erased = self.facts.erased.as_ref();
        if erased.is_some_and(|erased| cause.stamp.at <= erased.stamp.at) {
            return Decision::NotWanted(Reason::Erased);
        }
        if is_silent {
            return Decision::NotWanted(Reason::NotifyOff);
        }
        if let MessageKind::Moment(name) = kind {
            match self.circumstances.moments_since.get(&name) {
                None => return Decision::Later(None),
                Some(since) if at < *since => return Decision::NotWanted(Reason::NewMoment),
                Some(_) => {}
            }
        }
        if !self.meets_condition(kind) {
            return Decision::NotWanted(Reason::ConditionNotMet);
        }
        let opens_at = self.resort.may_go_at(kind, at);
        let closes_at = local_time::after(opens_at, self.resort.expiry(kind));
        let window = Window { opens_at, closes_at };
        if self.now < opens_at {
            Decision::Later(Some(window))
        } else if let Some(reason) = self.reason_to_skip(kind) {
            Decision::Skip(reason, window)
        } else if self.now >= closes_at {
            Decision::Expired(window)
        } else {
            Decision::Due(window)
        }
    }

    fn meets_condition(&self, kind: MessageKind) -> bool {
        let moment = self.resort.moments.get(&kind);
        let condition = moment.and_then(|moment| moment.only_if.as_ref());
        condition.is_none_or(|condition| condition.holds(self.subject(kind)))
    }

    fn subject(&self, kind: MessageKind) -> Subject<'_> {
        Subject {
            kind,
            booking: self.booking,
            facts: self.facts,
            resort: self.resort,
        }
    }

    /// The resort's kinds that belong to a cart, or those that follow a reservation.
    pub(crate) fn moments(&self, of_cart: bool) -> impl Iterator<Item = (MessageKind, &Moment)> {
        let moments = self.resort.moments.iter();
        moments
            .filter(move |(_, moment)| moment.is_reminder() == of_cart)
            .map(|(kind, moment)| (*kind, moment))
    }

    /// Messages of moments that the resort's file does not have any more.
    fn removed_moments(&self) -> Vec<Planned> {
        let removed = |message: &&Existing| {
            matches!(message.kind, MessageKind::Moment(_)) && !self.resort.moments.contains_key(&message.kind)
        };
        let not_wanted = |message: &Existing| Planned {
            kind: message.kind,
            basis_at: message.basis_at,
            decision: Decision::NotWanted(Reason::NotConfigured),
        };
        let messages = self.circumstances.messages.iter();
        messages.filter(removed).map(not_wanted).collect()
    }

    fn reason_to_skip(&self, kind: MessageKind) -> Option<Reason> {
        let to = match self.facts.recipient(self.resort.country) {
            Ok(to) => to,
            Err(reason) => return Some(reason),
        };
        if self.resort.is_marketing(kind) && self.circumstances.marketing_consent.is_opted_out() {
            return Some(Reason::OptedOut);
        }
        let consent = self.facts.consent.as_ref().is_none_or(|consent| consent.value);
        if self.resort.is_marketing(kind) && !consent {
            return Some(Reason::NoConsent);
        }
        if !self.resort.is_delivered(kind, &to) {
            return Some(Reason::UsMarketing);
        }
        self.lacks_a_value(kind).then_some(Reason::MissingValue)
    }

    /// Whether a sender skipped the message because a value was missing, and no event has brought the value since.
    fn lacks_a_value(&self, kind: MessageKind) -> bool {
        let found = |message: &Existing| message.kind == kind && message.reason == Some(Reason::MissingValue);
        self.circumstances.messages.iter().any(found) && !render::is_complete(self.subject(kind))
    }

    /// The newest message of a kind that has a single round.
    pub(crate) fn existing(&self, kind: MessageKind) -> Option<&Existing> {
        difference::of_current_round(&self.circumstances.messages, kind, None)
    }
}
