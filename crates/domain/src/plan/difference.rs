//! The difference between a plan and the messages that exist.
//!
//! A message that was never attempted follows the plan back and forth. One that was attempted can only be
//! withdrawn: whether it is sent again depends on what WhatsApp said about it ([`crate::after_call`]).

use chrono::{DateTime, Utc};

use super::{Decision, Existing, Plan, Planned, Window, stop};
use crate::facts::Facts;
use crate::ids::MessageId;
use crate::message::{MessageKind, MessageState, Reason};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Create {
        kind: MessageKind,
        /// Counts the messages of this kind in the booking, from 0.
        round: u32,
        /// The time of the fact that the message answers.
        basis_at: DateTime<Utc>,
        window: Window,
        initial: InitialState,
    },
    /// Puts the message into the queue, or changes its window there, and removes a withdrawal mark.
    Queue(MessageId, Window),
    /// The message must not be sent any more. One that waits ends; one whose call is running or has an unknown
    /// outcome is marked, and every way back to the queue obeys the mark.
    Withdraw(MessageId, Reason),
    /// Ends a message that must not be sent, for this reason.
    Skip(MessageId, Reason),
    /// Ends a message that is too late to be useful.
    Expire(MessageId),
}

/// The state in which a message is created. Also a message that cannot be sent becomes a row, with the reason, so
/// that nothing that was wanted disappears without a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitialState {
    Queued,
    Skipped(Reason),
    Expired,
}

/// The message of a kind in the current round: `ended_at` is when the round before it ended.
pub fn of_current_round(
    messages: &[Existing],
    kind: MessageKind,
    ended_at: Option<DateTime<Utc>>,
) -> Option<&Existing> {
    messages
        .iter()
        .filter(|message| message.kind == kind && ended_at.is_none_or(|ended| message.basis_at > ended))
        .max_by_key(|message| message.round)
}

/// When the last round of a kind that is over ended. A stop is confirmed whatever becomes of the booking.
pub fn rounds_ended_at(facts: &Facts, kind: MessageKind) -> Option<DateTime<Utc>> {
    if kind == MessageKind::StopConfirmation {
        return stop::rounds_ended_at(facts);
    }
    let ended_at = facts.cancelled.as_ref().map(|cancelled| cancelled.stamp.at);
    ended_at.filter(|_| kind.has_rounds())
}

/// The changes that make the messages what the plan wants.
pub fn changes(plan: &Plan, facts: &Facts, messages: &[Existing]) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    for planned in &plan.messages {
        let ended_at = rounds_ended_at(facts, planned.kind);
        let change = match of_current_round(messages, planned.kind, ended_at) {
            Some(existing) => change_of(existing, &planned.decision),
            None => creation(planned, messages),
        };
        changes.extend(change);
    }
    let of_ended_rounds = messages.iter().filter(|message| {
        rounds_ended_at(facts, message.kind).is_some_and(|ended| message.basis_at <= ended)
    });
    changes.extend(
        of_ended_rounds
            .filter(|m| may_still_go(m))
            .map(|m| Change::Withdraw(m.id, end_of_round(m.kind))),
    );
    if let Some(erased) = &facts.erased {
        changes.extend(of_erased_guest(plan, messages, erased.stamp.at));
    }
    changes
}

/// Why a message of a round that is over is not sent. A round of stop confirmations ends with a new stop, which can
/// only follow a start.
fn end_of_round(kind: MessageKind) -> Reason {
    match kind {
        MessageKind::StopConfirmation => Reason::OptedIn,
        _ => Reason::Cancelled,
    }
}

/// An erasure also withdraws messages that the plan does not mention, as happens when the facts are damaged or the
/// resort's file cannot be read.
fn of_erased_guest(plan: &Plan, messages: &[Existing], erased_at: DateTime<Utc>) -> Vec<Change> {
    let unplanned = |message: &&Existing| plan.messages.iter().all(|planned| planned.kind != message.kind);
    messages
        .iter()
        .filter(|message| message.basis_at <= erased_at && may_still_go(message))
        .filter(unplanned)
        .map(|message| Change::Withdraw(message.id, Reason::Erased))
        .collect()
}

fn creation(planned: &Planned, messages: &[Existing]) -> Option<Change> {
    let (window, initial) = match &planned.decision {
        Decision::Due(window) => (*window, InitialState::Queued),
        Decision::Skip(reason, window) => (*window, InitialState::Skipped(*reason)),
        Decision::Expired(window) => (*window, InitialState::Expired),
        Decision::Later(_) | Decision::NotWanted(_) => return None,
    };
    let earlier = messages
        .iter()
        .filter(|message| message.kind == planned.kind)
        .map(|message| message.round);
    let round = earlier.max().map_or(0, |last| last.saturating_add(1));
    Some(Change::Create {
        kind: planned.kind,
        round,
        basis_at: planned.basis_at,
        window,
        initial,
    })
}

fn change_of(existing: &Existing, decision: &Decision) -> Option<Change> {
    let id = existing.id;
    // WhatsApp may have accepted an attempted message, so the plan can only withdraw it.
    if existing.attempts > 0 {
        let reason = match decision {
            Decision::NotWanted(reason) | Decision::Skip(reason, _) => *reason,
            _ => return None,
        };
        return may_still_go(existing).then_some(Change::Withdraw(id, reason));
    }
    let waits = matches!(existing.state, MessageState::Queued | MessageState::Held);
    match decision {
        // It is queued already: only its window can change.
        Decision::Due(window) | Decision::Later(Some(window)) if existing.state == MessageState::Queued => {
            let same = existing.due_at == window.opens_at && existing.expires_at == window.closes_at;
            (!same).then_some(Change::Queue(id, *window))
        }
        // It ended, and the facts have changed so that it is wanted again.
        Decision::Due(window) => may_be_revived(existing, window).then_some(Change::Queue(id, *window)),
        // The guest returned while the message was held: after the hold it must not be sent at the old time.
        Decision::Later(Some(window)) if existing.state == MessageState::Held => {
            Some(Change::Queue(id, *window))
        }
        Decision::Later(_) => None,
        Decision::Skip(reason, _) => waits.then_some(Change::Skip(id, *reason)),
        Decision::NotWanted(reason) => waits.then_some(Change::Withdraw(id, *reason)),
        Decision::Expired(_) => waits.then_some(Change::Expire(id)),
    }
}

/// Whether the message that exists settles what is planned: nothing of its kind goes any more in its round, also where a platform repeats
/// the fact with a later time.
pub fn is_settled(existing: &Existing, planned: &Planned) -> bool {
    let never_again = match &planned.decision {
        _ if existing.attempts > 0 || existing.basis_at == planned.basis_at => true,
        Decision::Due(window) => !may_be_revived(existing, window),
        _ => false,
    };
    existing.state.went() || existing.state.is_end() && never_again
}

/// Whether the message may still reach the guest.
fn may_still_go(message: &Existing) -> bool {
    let waits = matches!(
        message.state,
        MessageState::Queued | MessageState::Held | MessageState::Sending | MessageState::Unknown
    );
    waits && !message.withdrawn
}

/// Whether a message that was never attempted may be queued again because the facts changed. No event changes test
/// mode or brings back erased data, so messages skipped for these reasons stay skipped. A message
/// that was beyond the guest's limits, or that the hold-out kept back, is queued again where the facts have moved it to a later
/// time.
fn may_be_revived(message: &Existing, window: &Window) -> bool {
    match (message.state, message.reason) {
        (MessageState::Withdrawn | MessageState::Expired, _) => true,
        (MessageState::Skipped, Some(Reason::TestMode | Reason::Erased)) => false,
        (MessageState::Skipped, Some(Reason::Capped | Reason::HeldOut)) => window.opens_at > message.due_at,
        (MessageState::Skipped, _) => true,
        _ => false,
    }
}
