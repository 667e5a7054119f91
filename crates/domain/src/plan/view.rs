//! The arguments of a plan together, and what the rules of all kinds share: time, permission, expiry.

use chrono::{DateTime, Utc};

use super::{Circumstances, Decision, Existing, Planned, Status, Window, difference};
use crate::facts::{Fact, Facts, Notify};
use crate::ids::BookingId;
use crate::local_time;
use crate::message::{MessageKind, Reason};
use crate::moment::Moment;
use crate::render::{self, Subject};
use crate::resort::Resort;

/// What the rules of the cart, or those of the order, found.
#[derive(Default)]
pub(crate) struct Half {
    /// `None`: no event has told of a cart, or of an order.
    pub(crate) status: Option<Status>,
    pub(crate) messages: Vec<Planned>,
    /// When the status changes without a new fact.
    pub(crate) status_changes_at: Option<DateTime<Utc>>,
}

/// The arguments of [`super::plan`], together.
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
        let opens_at = self.opens_at(kind, at);
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

    /// When a message that is wanted at `at` may go: after quiet hours, unless staff want it now.
    fn opens_at(&self, kind: MessageKind, at: DateTime<Utc>) -> DateTime<Utc> {
        let planned = self.resort.may_go_at(kind, at);
        let sent_now_at = self.facts.sent_now_at(kind, self.resort.is_reminder(kind));
        sent_now_at.map_or(planned, |now| now.min(planned))
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
    pub(super) fn removed_moments(&self) -> Vec<Planned> {
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
        if self.resort.is_marketing(kind) && self.facts.refuses_marketing() {
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
