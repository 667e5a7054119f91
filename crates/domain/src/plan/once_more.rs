//! Whether a message that died may be tried once more because a person says so.

use super::{Circumstances, Existing, Plan, Verdict, Window, difference};
use crate::dead_letter::DecisionRefused;
use crate::facts::Facts;
use crate::message::{MessageState, Reason};

/// Judges a dead message by the plan of its booking: the window in which it may go, or why that would be wrong now.
pub fn judge(
    plan: &Plan,
    facts: &Facts,
    around: &Circumstances,
    message: &Existing,
) -> Result<Window, DecisionRefused> {
    match message.state {
        MessageState::Dead => {}
        state if state.went() => return Err(DecisionRefused::SentAfterAll),
        _ => return Err(DecisionRefused::NotDead),
    }
    let ended_at = difference::rounds_ended_at(facts, message.kind);
    let current = difference::of_current_round(&around.messages, message.kind, ended_at);
    if current.is_none_or(|current| current.id != message.id) {
        return Err(DecisionRefused::NotWanted(Reason::Cancelled));
    }
    let planned = plan.messages.iter().find(|planned| planned.kind == message.kind);
    match planned.map(|planned| &planned.verdict) {
        Some(Verdict::Due(window)) => Ok(*window),
        Some(Verdict::Skip(reason, _) | Verdict::NotWanted(reason)) => {
            Err(DecisionRefused::NotWanted(*reason))
        }
        Some(Verdict::Expired(_)) => Err(DecisionRefused::NotWanted(Reason::Expired)),
        // The guest came back to the cart: reminding them now would be rude, and their absence is counted anew.
        Some(Verdict::Later(Some(_))) if message.kind.is_reminder() => {
            Err(DecisionRefused::NotWanted(Reason::ActiveAgain))
        }
        Some(Verdict::Later(_)) | None => Err(DecisionRefused::NotYet),
    }
}
