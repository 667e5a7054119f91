//! What a plan changes in the messages that exist.
//!
//! A message that no sender has touched yet follows the plan to and fro. One that was attempted can only be withdrawn:
//! whether it goes again is decided by what WhatsApp said of it.

use chrono::{DateTime, Utc};

use super::{Existing, Plan, Planned, Verdict, Window, stop};
use crate::facts::Facts;
use crate::ids::MessageId;
use crate::message::{MessageKind, MessageState, Reason};

/// One change of the messages of a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A message that did not exist.
    Create {
        /// What it is about.
        kind: MessageKind,
        /// Counts the messages of this kind.
        round: u32,
        /// Since when the fact holds that it answers.
        basis_at: DateTime<Utc>,
        /// When it may go.
        window: Window,
        /// What it is born as.
        birth: Birth,
    },
    /// Goes back to, or stays in, the queue with another window; a withdrawal mark is taken back.
    Queue(MessageId, Window),
    /// Must not go any more, whatever happens to it: ends a message that waits, marks one whose call is under way or
    /// unanswered.
    Withdraw(MessageId, Reason),
    /// Must not be sent as things stand.
    Skip(MessageId, Reason),
    /// Came too late.
    Expire(MessageId),
}

/// What a message is born as. All are rows: nothing that was wanted disappears without a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Birth {
    /// To be sent.
    Queued,
    /// Not to be sent, with the reason.
    Skipped(Reason),
    /// Too late already.
    Expired,
}

/// The message of a kind whose basis is younger than the cancellation that ended the round before.
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

/// When the rounds of a kind ended that are over. Reminders have one round: no cart event sets anything after a
/// cancellation. A stop is confirmed whatever becomes of the booking.
pub fn rounds_ended_at(facts: &Facts, kind: MessageKind) -> Option<DateTime<Utc>> {
    if kind == MessageKind::StopConfirmation {
        return stop::rounds_ended_at(facts);
    }
    let ended_at = facts.cancelled.as_ref().map(|cancelled| cancelled.stamp.at);
    ended_at.filter(|_| !kind.is_reminder())
}

/// Everything that has to change so that the messages are what the plan wants.
pub fn changes(plan: &Plan, facts: &Facts, messages: &[Existing]) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    for planned in &plan.messages {
        let ended_at = rounds_ended_at(facts, planned.kind);
        let change = match of_current_round(messages, planned.kind, ended_at) {
            Some(existing) => change_of(existing, &planned.verdict),
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

/// Why a message of a round that is over does not go: a new stop follows a start.
fn end_of_round(kind: MessageKind) -> Reason {
    match kind {
        MessageKind::StopConfirmation => Reason::OptedIn,
        _ => Reason::Cancelled,
    }
}

/// Messages of a guest who was erased that the plan speaks of no more: where the facts were damaged, or the resort's file
/// cannot be read.
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
    let (window, birth) = match &planned.verdict {
        Verdict::Due(window) => (*window, Birth::Queued),
        Verdict::Skip(reason, window) => (*window, Birth::Skipped(*reason)),
        Verdict::Expired(window) => (*window, Birth::Expired),
        Verdict::Later(_) | Verdict::NotWanted(_) => return None,
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
        birth,
    })
}

fn change_of(existing: &Existing, verdict: &Verdict) -> Option<Change> {
    let id = existing.id;
    if existing.attempts > 0 {
        let reason = match verdict {
            Verdict::NotWanted(reason) | Verdict::Skip(reason, _) => *reason,
            _ => return None,
        };
        return may_still_go(existing).then_some(Change::Withdraw(id, reason));
    }
    let waits = matches!(existing.state, MessageState::Queued | MessageState::Held);
    match verdict {
        Verdict::Due(window) | Verdict::Later(Some(window)) if existing.state == MessageState::Queued => {
            let same = existing.due_at == window.opens_at && existing.expires_at == window.closes_at;
            (!same).then_some(Change::Queue(id, *window))
        }
        Verdict::Due(window) => may_be_revived(existing).then_some(Change::Queue(id, *window)),
        // The guest came back while the scope was held: the old time must not count when it is well again.
        Verdict::Later(Some(window)) if existing.state == MessageState::Held => {
            Some(Change::Queue(id, *window))
        }
        Verdict::Later(_) => None,
        Verdict::Skip(reason, _) => waits.then_some(Change::Skip(id, *reason)),
        Verdict::NotWanted(reason) => waits.then_some(Change::Withdraw(id, *reason)),
        Verdict::Expired(_) => waits.then_some(Change::Expire(id)),
    }
}

/// Whether a sender could still bring it to the guest.
fn may_still_go(message: &Existing) -> bool {
    let waits = matches!(
        message.state,
        MessageState::Queued | MessageState::Held | MessageState::Sending | MessageState::Unknown
    );
    waits && !message.withdrawn
}

/// Whether a message that was never attempted may wait for a sender again because the facts changed.
/// What no event can mend (test mode, erased data) stays skipped.
fn may_be_revived(message: &Existing) -> bool {
    match message.state {
        MessageState::Withdrawn | MessageState::Expired => true,
        MessageState::Skipped => !matches!(message.reason, Some(Reason::TestMode | Reason::Erased)),
        _ => false,
    }
}
