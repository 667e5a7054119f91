//! Staff withdraw an upcoming message of a booking, or have it sent now.

use domain::facts::Instruction;
use domain::ids::BookingKey;
use domain::message::MessageKind;
use domain::plan::instructed::InstructionRefused;
use store::StoreError;
use store::audit::Actor;
use store::planning::{self, Instructed};

use crate::actions::context::Context;

/// The plan of the booking must want the message; a refusal says why it does not.
pub(crate) async fn instruct(
    context: &Context,
    key: BookingKey,
    kind: MessageKind,
    instruction: Instruction,
    by: Actor,
) -> Result<Result<Instructed, InstructionRefused>, StoreError> {
    let (booking, staff) = (key.to_string(), by.name.clone());
    let instructed = context
        .transaction(move |connection, planner| {
            planning::instruct(connection, planner, (&key, kind), instruction, &by)
        })
        .await?;
    if instructed.is_ok() {
        log::info!(event = "message_instructed", "booking.id" = booking, kind = kind.as_str(),
            instruction = instruction.as_str(), staff = staff.as_str(); "staff changed what a booking is sent");
    }
    Ok(instructed)
}
