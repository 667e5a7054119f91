//! What guests write that is neither a stop nor a start: a reply, which staff should answer, or a quick reply to the question
//! of a moment, which becomes a fact of the booking that was asked.

use chrono::{DateTime, Utc};
use domain::facts::Facts;
use domain::ids::BookingKey;
use domain::message::{MessageKind, MomentName};
use domain::moment::{QuickReply, Reply};
use domain::resort::Resort;
use store::guest_names::{self, Ours};
use store::planning::Planner;
use store::{Connection, StoreError};
use whatsapp::notification::Inbound;

use super::guest_updates::Resolved;
use super::writers::{CLOCKS_DIFFER, Writer};
use crate::effects::{Effects, GuestAct, GuestUpdate};
use crate::notices::{Answered, Notice};

/// The quick reply that the guest pressed, if they did.
fn pressed(inbound: &Inbound) -> Option<QuickReply> {
    inbound.payload.as_deref()?.parse().ok()
}

/// Types of messages that are no words to us (Meta, messages webhook): they change or comment on an earlier one.
const NO_REPLIES: [&str; 4] = ["reaction", "edit", "revoke", "system"];

/// Whether a known guest wrote something that staff should answer. The answer to a question is such only where the resort's
/// file says so.
pub(super) fn wants_answer(planner: &Planner, update: &GuestUpdate, writer: &Writer) -> bool {
    let GuestAct::Wrote(inbound) = &update.act else {
        return false;
    };
    let is_of_guest = !writer.phones.is_empty() && !update.is_erased && writer.consent.is_none();
    if !is_of_guest || NO_REPLIES.contains(&inbound.message_type.as_str()) {
        return false;
    }
    let Some(pressed) = pressed(inbound) else {
        return true;
    };
    let resorts = planner.resorts_of(&update.number);
    let mut offered = resorts
        .iter()
        .filter_map(|id| reply(planner.resort(id)?, &pressed))
        .peekable();
    offered.peek().is_none() || offered.any(|reply| reply.alert)
}

/// The facts and the notices of the choices among some updates. Locks nothing.
pub(super) fn effects(
    connection: &mut Connection,
    planner: &Planner,
    resolved: &[Resolved<'_>],
) -> Result<Effects, StoreError> {
    let mut effects = Effects::default();
    for one in resolved.iter().filter(|one| !one.update.is_erased) {
        let GuestAct::Wrote(inbound) = &one.update.act else {
            continue;
        };
        let Some(pressed) = pressed(inbound) else {
            continue;
        };
        let moment = pressed.moment;
        let Some(booking) = asked(connection, one, moment)? else {
            continue;
        };
        let facts = Facts::of_answer(moment, &pressed.payload, &one.update.event, one.update.at);
        let resort = planner.resort(&booking.resort);
        let offered = resort.and_then(|resort| reply(resort, &pressed));
        let notice = Notice::Answered(Answered {
            booking: booking.clone(),
            moment,
            // Whatever else a button carries back did not come from the file, and is not shown.
            choice: offered.map(|reply| reply.payload.clone()),
            needs_person: offered.is_some_and(|reply| reply.alert),
        });
        effects.add(Effects {
            notices: vec![notice],
            ..Effects::of_facts(booking, facts)
        });
    }
    Ok(effects)
}

/// The booking whose guest was asked: by the answered message, otherwise by the newest message of that moment to the guest.
fn asked(
    connection: &mut Connection,
    one: &Resolved<'_>,
    moment: MomentName,
) -> Result<Option<BookingKey>, StoreError> {
    let kind = MessageKind::Moment(moment);
    let answered = match &one.writer.answered {
        Some(ours) => Some(ours.clone()),
        None => {
            let known = guest_names::known_as(connection, &one.writer.phones)?;
            let until_then = (DateTime::<Utc>::UNIX_EPOCH, one.update.at + CLOCKS_DIFFER);
            guest_names::newest_to(connection, &known, &one.update.number, until_then, Some(kind))?
        }
    };
    // Staff may have answered with the moment's template.
    let asks = |ours: &Ours| ours.kind == kind || ours.kind == MessageKind::StaffAnswer;
    let booking = answered
        .filter(asks)
        .and_then(|ours| ours.booking_key.parse().ok());
    Ok(booking)
}

/// The reply as the resort's file has it.
fn reply<'a>(resort: &'a Resort, pressed: &QuickReply) -> Option<&'a Reply> {
    let moment = resort.moments.get(&MessageKind::Moment(pressed.moment))?;
    let mut replies = moment.replies.iter();
    replies.find(|reply| reply.payload == pressed.payload)
}
