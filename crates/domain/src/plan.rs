//! What follows from the facts: a booking's status, which messages it wants and when, which not and why, and when to
//! look again.
//!
//! [`plan`] is a pure function; with another `now` it is the simulator, and the explanation of a booking.
//! The rules of the cart (reminders) stand in [`cart`], those of the order (confirmation, arrival, review) in
//! [`order`], the answer to a stop in [`stop`], how a plan changes the messages that exist in [`difference`], and whether a person may have a dead one
//! tried again in [`once_more`].

pub mod cart;
pub mod difference;
pub mod once_more;
pub mod order;
mod stop;
#[cfg(test)]
pub(crate) mod tests;

use chrono::{DateTime, Utc};

use crate::facts::{Fact, Facts, Notify};
use crate::guest::MarketingConsent;
use crate::ids::{BookingId, MessageId};
use crate::local_time;
use crate::message::{MessageKind, MessageState, Reason};
use crate::render::{self, Subject};
use crate::resort::Resort;
use crate::stay::Dates;
use crate::text_enum::text_enum;

text_enum! {
    /// Where a booking stands.
    Status("booking status") {
        /// The guest is, or may still be, booking.
        Started = "started",
        /// The guest drifted away.
        Abandoned = "abandoned",
        /// The guest has booked.
        Confirmed = "confirmed",
        /// The guest is there.
        CheckedIn = "checked_in",
        /// The guest has left.
        CheckedOut = "checked_out",
        /// The guest did not arrive in time.
        NoShow = "no_show",
        /// The reservation is off.
        Cancelled = "cancelled",
    }
}

/// A message of this booking that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing {
    /// Which.
    pub id: MessageId,
    /// What it is about.
    pub kind: MessageKind,
    /// Counts the messages of this kind in this booking, from 0.
    pub round: u32,
    /// When the fact became true that the message answers; tells its round.
    pub basis_at: DateTime<Utc>,
    /// Where it stands.
    pub state: MessageState,
    /// Why, where the state has a reason.
    pub reason: Option<Reason>,
    /// How many calls were begun.
    pub attempts: u32,
    /// When it may go.
    pub due_at: DateTime<Utc>,
    /// When it is of no more use.
    pub expires_at: DateTime<Utc>,
    /// When WhatsApp took it, as far as known.
    pub sent_at: Option<DateTime<Utc>>,
    /// Whether it must never be queued again.
    pub withdrawn: bool,
}

/// A reservation that stands, of the same guest at the same resort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Which.
    pub booking: BookingId,
    /// Arrival and departure day.
    pub dates: Dates,
}

/// What a plan depends on beside the booking's own facts.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// Every message of this booking.
    pub messages: Vec<Existing>,
    /// The guest's wishes at this resort.
    pub wishes: MarketingConsent,
    /// The guest's other reservations at this resort that stand.
    pub elsewhere: Vec<Reservation>,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Where the booking stands.
    pub status: Status,
    /// One entry for each kind that the facts speak of.
    pub messages: Vec<Planned>,
    /// When something will change by itself; `None`: never. Always later than the `now` of the plan. The end of a
    /// window is not among these times: whoever claims a message looks at it.
    pub wake_at: Option<DateTime<Utc>>,
}

/// What the facts say of one kind of message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Which kind.
    pub kind: MessageKind,
    /// Since when the fact holds that it answers.
    pub basis_at: DateTime<Utc>,
    /// What is to become of it.
    pub verdict: Verdict,
}

/// What is to become of a kind of message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Its time will come; `None`: it waits for something else to happen.
    Later(Option<Window>),
    /// Its time has come.
    Due(Window),
    /// Its time has come and it must not be sent.
    Skip(Reason, Window),
    /// Its time came and went.
    Expired(Window),
    /// Nothing asks for it.
    NotWanted(Reason),
}

/// When a message may go, and until when it is of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The time planned by the facts, after any shift by quiet hours.
    pub opens_at: DateTime<Utc>,
    /// `expires_after` later.
    pub closes_at: DateTime<Utc>,
}

/// Plans a booking. Depends on nothing but its arguments.
pub fn plan(
    booking: &BookingId,
    facts: &Facts,
    around: &Circumstances,
    resort: &Resort,
    now: DateTime<Utc>,
) -> Plan {
    let view = View {
        booking,
        facts,
        around,
        resort,
        now,
    };
    let (order, order_wakes_at) = order::plan(&view);
    let (cart, cart_wakes_at) = cart::plan(&view);
    let mut messages: Vec<Planned> = cart.messages.into_iter().chain(order.messages).collect();
    messages.extend(stop::plan(&view));
    let opening = messages.iter().filter_map(|planned| match &planned.verdict {
        Verdict::Later(Some(window)) => Some(window.opens_at),
        _ => None,
    });
    // The cart's status is hidden behind the order's, so its changes are none.
    let cart_wakes_at = cart_wakes_at.filter(|_| order.status.is_none());
    let wake_at = opening
        .chain(order_wakes_at)
        .chain(cart_wakes_at)
        .filter(|at| *at > now)
        .min();
    Plan {
        status: order.status.or(cart.status).unwrap_or(Status::Started),
        messages,
        wake_at,
    }
}

/// What one half of the rules, the cart's or the order's, found.
pub(crate) struct Half {
    /// The status, where this half knows one.
    pub(crate) status: Option<Status>,
    /// Its kinds.
    pub(crate) messages: Vec<Planned>,
}

/// The arguments of a plan, together.
pub(crate) struct View<'a> {
    pub(crate) booking: &'a BookingId,
    pub(crate) facts: &'a Facts,
    pub(crate) around: &'a Circumstances,
    pub(crate) resort: &'a Resort,
    pub(crate) now: DateTime<Utc>,
}

impl View<'_> {
    /// The fact, unless a later cancellation ended the round that it belonged to.
    pub(crate) fn in_round<'f>(&self, fact: Option<&'f Fact<Notify>>) -> Option<&'f Fact<Notify>> {
        let cancelled = self.facts.cancelled.as_ref().map(|cancelled| &cancelled.stamp);
        fact.filter(|fact| cancelled.is_none_or(|cancelled| fact.stamp > *cancelled))
    }

    /// Judges a kind that `cause` makes wanted at `at`: its window, then the reasons not to send it.
    pub(crate) fn verdict(&self, kind: MessageKind, at: DateTime<Utc>, cause: &Fact<Notify>) -> Verdict {
        let erased = self.facts.erased.as_ref();
        if erased.is_some_and(|erased| cause.stamp.at <= erased.stamp.at) {
            return Verdict::NotWanted(Reason::Erased);
        }
        if cause.value == Notify::No {
            return Verdict::NotWanted(Reason::NotifyOff);
        }
        let opens_at = self.resort.may_go_at(kind, at);
        let closes_at = local_time::after(opens_at, self.resort.expiry(kind));
        let window = Window { opens_at, closes_at };
        if self.now < opens_at {
            Verdict::Later(Some(window))
        } else if let Some(reason) = self.reason_to_skip(kind) {
            Verdict::Skip(reason, window)
        } else if self.now >= closes_at {
            Verdict::Expired(window)
        } else {
            Verdict::Due(window)
        }
    }

    fn reason_to_skip(&self, kind: MessageKind) -> Option<Reason> {
        let to = match self.facts.recipient(self.resort.country) {
            Ok(to) => to,
            Err(reason) => return Some(reason),
        };
        if kind.is_marketing() && self.around.wishes.is_opted_out() {
            return Some(Reason::OptedOut);
        }
        let consent = self.facts.consent.as_ref().is_none_or(|consent| consent.value);
        if kind.is_marketing() && !consent {
            return Some(Reason::NoConsent);
        }
        if !self.resort.is_delivered(kind, &to) {
            return Some(Reason::UsMarketing);
        }
        self.lacks_a_value(kind).then_some(Reason::MissingValue)
    }

    /// Whether a sender found that a value was missing, and no event has brought it since.
    fn lacks_a_value(&self, kind: MessageKind) -> bool {
        let found = |message: &Existing| message.kind == kind && message.reason == Some(Reason::MissingValue);
        let subject = Subject {
            kind,
            booking: self.booking,
            facts: self.facts,
            resort: self.resort,
        };
        self.around.messages.iter().any(found) && !render::is_complete(subject)
    }

    /// The newest message of a kind that has one round only.
    pub(crate) fn existing(&self, kind: MessageKind) -> Option<&Existing> {
        difference::of_current_round(&self.around.messages, kind, None)
    }
}
