//! `desk bookings cancel`, `desk bookings send`

use clap::Args;
use domain::facts::Instruction;
use domain::ids::{BookingId, BookingKey, ResortId};
use domain::message::MessageKind;
use service::Environment;

use super::super::auth::ReasonArgs;
use super::super::{Answer, output, session, table};
use crate::actions::bookings;
use crate::actions::names;

#[derive(Debug, Args)]
#[group(skip)]
struct Which {
    /// The resort: the name of its file
    resort: ResortId,
    /// The booking's id, as its platform writes it
    booking: BookingId,
    /// The kind of message, built-in or a moment of the resort's file
    kind: MessageKind,
    #[command(flatten)]
    reason: ReasonArgs,
}

/// Cancel an upcoming message of a booking
///
/// It is not sent any more, also if its time has not come yet; a call that has begun may finish. A new reservation after a
/// cancellation gets it again. `desk bookings send` takes it back.
///
/// Needs DATABASE_URL, BELLHOP_CONFIG, BELLHOP_KEYS, and your token (see desk --help).
///
/// Examples:
///   desk bookings cancel azure-bay BK-1001 reminder_2 --note "the guest called"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in super::super) struct Cancel {
    #[command(flatten)]
    which: Which,
}

/// Send an upcoming message of a booking now
///
/// It does not wait for its time or for the end of quiet hours. An opt-out, a hold, a confirmed reservation and the guest's
/// limits forbid it all the same. What the booking does not ask for is refused, with the reason.
///
/// Needs DATABASE_URL, BELLHOP_CONFIG, BELLHOP_KEYS, and your token (see desk --help).
///
/// Examples:
///   desk bookings send azure-bay BK-1001 review_request
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in super::super) struct Send {
    #[command(flatten)]
    which: Which,
}

pub(super) async fn cancel(arguments: Cancel, environment: &Environment) -> anyhow::Result<Answer> {
    run(arguments.which, Instruction::Withdraw, environment).await
}

pub(super) async fn send(arguments: Send, environment: &Environment) -> anyhow::Result<Answer> {
    run(arguments.which, Instruction::SendNow, environment).await
}

async fn run(which: Which, instruction: Instruction, environment: &Environment) -> anyhow::Result<Answer> {
    let (context, by) = session::context_for_staff(which.reason, environment).await?;
    let (kind, key) = (
        which.kind,
        BookingKey {
            resort: which.resort,
            booking: which.booking,
        },
    );
    names::check_resort(&context.store, Some(context.files()), &key.resort).await?;
    if let Some(resort) = context.resort(&key.resort) {
        names::check_kind_of(context.files(), &resort, kind)?;
    }

    match bookings::instruct(&context, key.clone(), kind, instruction, by).await? {
        Ok(instructed) => {
            let said = match instructed.window {
                None => format!("{key}: {kind} is not sent any more"),
                Some(window) => {
                    let until = table::instant(window.closes_at);
                    format!("{key}: {kind} goes as soon as it may, until {until}")
                }
            };
            output::print(&said)?;
            Ok(Answer::Done)
        }
        Err(refused) => {
            output::complain(&format!("{key}: {kind}: {refused}"));
            Ok(Answer::Refused)
        }
    }
}
