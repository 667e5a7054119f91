//! The values that a message passes through: [`Ready`], [`Permitted`], [`Granted`], [`Called`]; then its result is recorded.
//!
//! Each stage takes one of them and gives the next; log lines and counters are made from them ([`crate::telemetry`]).

use std::sync::Arc;
use std::time::{Duration, Instant};

use crypto::key_ring::KeyRing;
use domain::after_call::NextStep;
use domain::before_call::Sendable;
use domain::hold::{NewHold, Route};
use domain::ids::MessageId;
use domain::message::{Attempt, ContentChoice};
use domain::message_record::CallResult;
use domain::phone_number::PhoneNumber;
use domain::plan::cart;
use domain::render::Content;
use domain::resort::Resort;
use domain::trace::TraceContext;
use store::claims::{self, Draft, Wanted};
use whatsapp::answer::Answer;

use crate::guest_rate::GuestTurn;
use crate::in_hand::InHand;
use crate::probe::{Permit, RouteKey};
use crate::rate_limit::Slot;

/// A call begins this soon after its claim or not at all: later, a withdrawal may have been committed.
const CLAIM_VALID_FOR: Duration = Duration::from_secs(2);

/// A message that is due, allowed and filled in: it can be claimed.
pub(crate) struct Ready {
    pub(crate) wanted: Wanted,
    pub(crate) to: PhoneNumber,
    pub(crate) content: Content,
    /// Passing refusals so far.
    pub(crate) retries: u32,
    /// Whether it has waited a day already because WhatsApp limits marketing to this guest.
    pub(crate) rested: bool,
    pub(crate) content_choice: ContentChoice,
    /// The booking's key, for the log.
    pub(crate) booking: String,
    /// The span in which it was planned, or the first of a trace where that is not known.
    pub(crate) trace: TraceContext,
    /// The resort's file as it was read.
    pub(crate) resort: Arc<Resort>,
    pub(crate) guest_turn: GuestTurn,
    /// Its delivery, until it is claimed.
    pub(crate) in_hand: Option<InHand>,
}

impl Ready {
    pub(crate) fn new(
        ring: &KeyRing,
        draft: Draft,
        resort: &Arc<Resort>,
        sendable: Sendable,
        guest_turn: GuestTurn,
    ) -> Self {
        let route = Route {
            resort: resort.id.clone(),
            number: resort.number.clone(),
            country: sendable.to.country_code(),
            template: sendable.content.template(),
            kind: draft.kind,
        };
        let wanted = Wanted {
            may_call: false,
            id: draft.id,
            version: draft.version,
            last_seen_on: cart::last_seen_on(&draft.facts, resort),
            not_after: sendable.not_after,
            is_marketing: sendable.is_marketing,
            is_reminder: resort.is_reminder(draft.kind),
            day_cap: resort.day_cap(draft.kind),
            rest_after_confirmation: resort.rest_after_confirmation(draft.kind),
            is_held_out: claims::is_held_out(ring, resort, draft.kind, &sendable.to),
            hold_out: resort.hold_out,
            quiet_hours: sendable.quiet_hours,
            route,
        };
        Self {
            wanted,
            to: sendable.to,
            content: sendable.content,
            retries: draft.retries,
            rested: draft.rested,
            content_choice: sendable.turn,
            booking: draft.booking.to_string(),
            trace: draft.trace.unwrap_or_else(|| traces::next(None)),
            resort: Arc::clone(resort),
            guest_turn,
            in_hand: None,
        }
    }

    pub(crate) fn route(&self) -> &Route {
        &self.wanted.route
    }

    pub(crate) fn route_key(&self) -> RouteKey {
        RouteKey::of(self.route())
    }
}

/// A message that is claimed now.
pub(crate) struct Permitted {
    pub(crate) ready: Ready,
    /// `None`: its route is held, and the claim only finds out whether it still is.
    pub(crate) right: Option<Right>,
}

/// The right to one call.
pub(crate) struct Right {
    /// Kept until the result is recorded: the next message of a route that is being probed must find the hold that this
    /// one may have laid.
    pub(crate) permit: Permit,
    pub(crate) slot: Slot,
}

/// A claimed message: this process alone may call for it.
pub(crate) struct Granted {
    pub(crate) ready: Ready,
    pub(crate) right: Right,
    pub(crate) attempt: Attempt,
    /// When the claim was asked for, which is before Postgres granted it.
    pub(crate) asked_at: Instant,
}

impl Granted {
    pub(crate) fn claim(&self) -> (MessageId, Attempt) {
        (self.ready.wanted.id, self.attempt)
    }

    /// Whether a call may still begin. Ask right before it: the process may have been suspended.
    pub(crate) fn is_valid(&self) -> bool {
        self.asked_at.elapsed() < CLAIM_VALID_FOR
    }
}

/// Whether a granted message was called for.
pub(crate) enum Outcome {
    Called(Box<Called>),
    /// Nothing was sent.
    NotCalled(Box<Granted>),
}

/// A message that was called for, with the answer and what follows from it.
pub(crate) struct Called {
    pub(crate) ready: Ready,
    #[expect(dead_code, reason = "held, not read")]
    pub(crate) permit: Permit,
    pub(crate) attempt: Attempt,
    pub(crate) answer: Answer,
    pub(crate) next: NextStep,
    pub(crate) hold: Option<NewHold>,
}

impl Called {
    /// The part that is recorded.
    pub(crate) fn result(&self) -> CallResult {
        CallResult {
            id: self.ready.wanted.id,
            attempt: self.attempt,
            route: self.ready.route().clone(),
            next: self.next.clone(),
            hold: self.hold.clone(),
            error_code: self.answer.outcome.error_code(),
            paced: self.answer.outcome.is_held_for_quality(),
            names: self.answer.names.clone(),
        }
    }
}
