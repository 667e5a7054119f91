//! Whether a person may have a dead message sent again.

use super::{Circumstances, Decision, Existing, Plan, Window, difference};
use crate::dead_letter::DecisionRefused;
use crate::facts::Facts;
use crate::message::{MessageState, Reason};
use crate::resort::Resort;

/// Decides by the plan of its booking: returns the window in which the message may be sent, or why sending it would
/// be wrong now.
pub fn judge(
    plan: &Plan,
    facts: &Facts,
    circumstances: &Circumstances,
    resort: &Resort,
    message: &Existing,
) -> Result<Window, DecisionRefused> {
    match message.state {
        MessageState::Dead => {}
        state if state.went() => return Err(DecisionRefused::SentAfterAll),
        _ => return Err(DecisionRefused::NotDead),
    }
    let ended_at = difference::rounds_ended_at(facts, message.kind);
    let current = difference::of_current_round(&circumstances.messages, message.kind, ended_at);
    if current.is_none_or(|current| current.id != message.id) {
        return Err(DecisionRefused::NotWanted(Reason::Cancelled));
    }
    let planned = plan.messages.iter().find(|planned| planned.kind == message.kind);
    match planned.map(|planned| &planned.decision) {
        Some(Decision::Due(window)) => Ok(*window),
        Some(Decision::Skip(reason, _) | Decision::NotWanted(reason)) => {
            Err(DecisionRefused::NotWanted(*reason))
        }
        Some(Decision::Expired(_)) => Err(DecisionRefused::NotWanted(Reason::Expired)),
        // The guest returned to the cart. A reminder now would be rude, and the guest's absence is counted again
        // from the start.
        Some(Decision::Later(Some(_))) if resort.is_reminder(message.kind) => {
            Err(DecisionRefused::NotWanted(Reason::ActiveAgain))
        }
        Some(Decision::Later(_)) | None => Err(DecisionRefused::NotYet),
    }
}
