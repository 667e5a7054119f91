//! A person withdraws an upcoming message of a booking, or has it sent now: a fact of the booking, which its plan obeys.

use std::collections::BTreeSet;

use diesel::PgConnection;
use domain::audit::Action;
use domain::facts::{Facts, Instruction};
use domain::ids::BookingKey;
use domain::message::MessageKind;
use domain::plan::Window;
use domain::plan::instructed::{self, InstructionRefused};

use super::{Planned, Planner};
use crate::audit::{self, Actor, Subject};
use crate::error::StoreError;
use crate::{bookings, pool};

/// What an instruction came to.
#[derive(Debug)]
pub struct Instructed {
    /// When a message that is sent now may be sent; `None` for one that was withdrawn.
    pub window: Option<Window>,
    pub planned: Planned,
}

/// Carries it out unless the plan is against it. Locks the booking.
pub fn instruct(
    connection: &mut PgConnection,
    planner: &Planner,
    (key, kind): (&BookingKey, MessageKind),
    instruction: Instruction,
    by: &Actor,
) -> Result<Result<Instructed, InstructionRefused>, StoreError> {
    let locked = match bookings::lock(connection, &planner.ring, &BTreeSet::from([key.clone()])) {
        Err(error) if error.is_damage() => return Ok(Err(InstructionRefused::Damaged)),
        locked => locked?,
    };
    let Some(booking) = locked.into_iter().next() else {
        return Ok(Err(InstructionRefused::BookingUnknown));
    };
    let now = pool::clock(connection)?;
    let mut with = booking.clone();
    with.learn(|facts| facts.merge(Facts::of_instruction(kind, instruction, by.name.as_str(), now)));
    let (Some((before, around)), Some((after, _))) = (
        super::look(connection, planner, &booking, now)?,
        super::look(connection, planner, &with, now)?,
    ) else {
        return Ok(Err(InstructionRefused::WithoutResort));
    };
    let judged = instructed::judge(
        (&before, &after),
        (kind, instruction),
        &with.facts,
        &around.messages,
    );
    let window = match judged {
        Ok(window) => window,
        Err(refused) => return Ok(Err(refused)),
    };
    let action = match instruction {
        Instruction::Withdraw => Action::MessageWithdrawn,
        Instruction::SendNow => Action::MessageSentNow,
    };
    audit::append(connection, by, action, &Subject::from(key).with(kind.as_str()))?;
    let planned = super::replan(connection, planner, now, &[with])?;
    Ok(Ok(Instructed { window, planned }))
}
