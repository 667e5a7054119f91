//! Whether a member of the staff may withdraw an upcoming message of a booking, or have it sent now.

use super::{Decision, Existing, Plan, Window, difference};
use crate::facts::{Facts, Instruction};
use crate::message::{MessageKind, MessageState, Reason};

/// Why an instruction is not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InstructionRefused {
    #[error("unknown booking: no event has named it")]
    BookingUnknown,
    #[error("the stored facts of the booking are damaged")]
    Damaged,
    #[error("the resort has no readable file")]
    WithoutResort,
    #[error("nothing that is known of the booking asks for such a message")]
    NotPlanned,
    #[error("it was sent already")]
    Sent,
    #[error("it is being sent, or waits for another attempt")]
    BeingSent,
    #[error("it was given up: its dead letter can be retried (desk letters)")]
    Dead,
    #[error("when it goes depends on something that has not happened yet")]
    NotYet,
    #[error("it is not sent: {}", .0.as_str())]
    NotWanted(Reason),
}

/// Decides by two plans of the booking: as it is, and as it would be with the instruction. `with`: the facts with the
/// instruction. Returns the window of a message that is sent now.
pub fn judge(
    (before, after): (&Plan, &Plan),
    (kind, instruction): (MessageKind, Instruction),
    with: &Facts,
    messages: &[Existing],
) -> Result<Option<Window>, InstructionRefused> {
    let of_kind = |plan: &Plan| {
        let planned = plan.messages.iter().find(|planned| planned.kind == kind);
        planned.map(|planned| planned.decision.clone())
    };
    let now = of_kind(before).ok_or(InstructionRefused::NotPlanned)?;
    let ended_at = difference::rounds_ended_at(with, kind);
    let existing = difference::of_current_round(messages, kind, ended_at);
    match existing.map(|message| message.state) {
        Some(state) if state.went() => return Err(InstructionRefused::Sent),
        Some(MessageState::Dead) => return Err(InstructionRefused::Dead),
        _ => {}
    }
    match instruction {
        Instruction::Withdraw => match now {
            Decision::NotWanted(reason) | Decision::Skip(reason, _) => {
                Err(InstructionRefused::NotWanted(reason))
            }
            Decision::Expired(_) => Err(InstructionRefused::NotWanted(Reason::Expired)),
            Decision::Later(_) | Decision::Due(_) => Ok(None),
        },
        Instruction::SendNow if existing.is_some_and(|message| message.attempts > 0) => {
            Err(InstructionRefused::BeingSent)
        }
        Instruction::SendNow => match of_kind(after) {
            Some(Decision::Due(window)) => Ok(Some(window)),
            Some(Decision::NotWanted(reason) | Decision::Skip(reason, _)) => {
                Err(InstructionRefused::NotWanted(reason))
            }
            Some(Decision::Expired(_)) => Err(InstructionRefused::NotWanted(Reason::Expired)),
            Some(Decision::Later(_)) | None => Err(InstructionRefused::NotYet),
        },
    }
}
