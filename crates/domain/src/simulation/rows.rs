//! A booking's messages in memory, changed as `store` changes their rows.

use uuid::Uuid;

use crate::ids::MessageId;
use crate::message::{MessageState, Reason};
use crate::plan::Existing;
use crate::plan::difference::{Change, InitialState};

/// Applies one change that a plan asks for. A new message gets the next free id of this booking.
pub fn apply(messages: &mut Vec<Existing>, change: Change) {
    let id = match &change {
        Change::Create { .. } => {
            messages.extend(created(messages.len(), change));
            return;
        }
        Change::Queue(id, _) | Change::Withdraw(id, _) | Change::Skip(id, _) | Change::Expire(id) => *id,
    };
    let Some(message) = messages.iter_mut().find(|message| message.id == id) else {
        return;
    };
    match change {
        Change::Create { .. } => {}
        Change::Queue(_, window) => {
            (message.state, message.reason, message.withdrawn) = (MessageState::Queued, None, false);
            (message.due_at, message.expires_at) = (window.opens_at, window.closes_at);
        }
        Change::Withdraw(_, reason) => {
            (message.withdrawn, message.reason) = (true, Some(reason));
            // A call that has begun may finish.
            if !matches!(message.state, MessageState::Sending | MessageState::Unknown) {
                message.state = MessageState::Withdrawn;
            }
        }
        Change::Skip(_, reason) => (message.state, message.reason) = (MessageState::Skipped, Some(reason)),
        Change::Expire(_) => (message.state, message.reason) = (MessageState::Expired, Some(Reason::Expired)),
    }
}

fn created(number: usize, change: Change) -> Option<Existing> {
    let Change::Create {
        kind,
        round,
        basis_at,
        window,
        initial,
    } = change
    else {
        return None;
    };
    let (state, reason) = match initial {
        InitialState::Queued => (MessageState::Queued, None),
        InitialState::Skipped(reason) => (MessageState::Skipped, Some(reason)),
        InitialState::Expired => (MessageState::Expired, Some(Reason::Expired)),
    };
    Some(Existing {
        id: MessageId(Uuid::from_u128(number as u128)),
        kind,
        round,
        basis_at,
        state,
        reason,
        attempts: 0,
        due_at: window.opens_at,
        expires_at: window.closes_at,
        sent_at: None,
        withdrawn: false,
    })
}
