//! The conversation with a booking's guest: what they wrote, what was sent to them for this booking, and what staff answered.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use domain::ids::{MessageId, NumberId};
use domain::message::MessageKind;
use domain::staff_answer::StaffAnswer;
use serde::Serialize;
use store::answers::{self, Kept};
use store::bookings::Booking;
use store::conversations::{self, Written};
use store::messages::Message;
use store::planning::Planner;
use store::{Connection, StoreError};
use whatsapp::notification::{self, Update};

/// One side's turn. Personal data: it is shown only where it was revealed.
#[derive(Debug, Serialize)]
pub(crate) struct Turn {
    pub(crate) at: DateTime<Utc>,
    /// `guest` or `resort`.
    pub(crate) by: &'static str,
    /// The member of the staff who answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) staff: Option<String>,
    /// WhatsApp's type of what the guest wrote: `text`, `button`, `image`, …
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) message_type: Option<String>,
    /// The text, the button's label, or the caption.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// The type of the file that the guest sent: `image/jpeg`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) media_type: Option<String>,
    /// Its name on the guest's phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file_name: Option<String>,
    /// WhatsApp's id of it, by which it can be fetched for some days.
    #[serde(skip)]
    pub(crate) media: Option<String>,
    /// Our message's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// Which of our messages it was; of an answer by template, the template's kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<MessageKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<&'static str>,
    /// Why an answer was not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// What is kept of an answer cannot be decrypted.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) is_unreadable: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Turn {
    fn new(at: DateTime<Utc>, by: &'static str) -> Self {
        Self {
            at,
            by,
            staff: None,
            message_type: None,
            text: None,
            media_type: None,
            file_name: None,
            media: None,
            message: None,
            kind: None,
            template: None,
            state: None,
            reason: None,
            is_unreadable: false,
        }
    }
}

/// Everything that is still kept, in the order in which it was written; `messages`: those of the booking.
pub(super) fn read(
    connection: &mut Connection,
    planner: &Planner,
    booking: &Booking,
    messages: &[Message],
) -> Result<Vec<Turn>, StoreError> {
    let key = &booking.key;
    let phone = planner.guest_of_booking(booking).map(|guest| guest.phone_hash);
    // The one that the resort sends from.
    let number = planner.resort(&key.resort).map(|resort| &resort.number);
    let written = match phone {
        Some(phone) => conversations::written_by(connection, phone)?,
        None => Vec::new(),
    };
    let said = written
        .iter()
        .filter_map(|one| of_guest(&planner.ring, one, number));
    let answers: HashMap<MessageId, Kept> = answers::of_booking(connection, key)?
        .into_iter()
        .map(|kept| (kept.message(), kept))
        .collect();
    let sent = messages.iter().filter_map(|message| {
        let answer = answers.get(&message.existing.id);
        of_resort(&planner.ring, message, answer)
    });
    let mut turns: Vec<(DateTime<Utc>, Turn)> = said.chain(sent).collect();
    turns.sort_by_key(|(at, _)| *at);
    Ok(turns.into_iter().map(|(_, turn)| turn).collect())
}

/// With the time by which turns are sorted, the latest at which it can have been written. What does not open, or was written to
/// another number, is left out: `desk guests export` names it.
fn of_guest(ring: &KeyRing, written: &Written, number: Option<&NumberId>) -> Option<(DateTime<Utc>, Turn)> {
    let body = ring.open(&written.sealed_body, &written.identity()).ok()?;
    let Update::Inbound(inbound) = serde_json::from_slice(&body).ok()? else {
        return None;
    };
    let is_ours = number.is_none() || inbound.number.is_none() || inbound.number.as_ref() == number;
    let (at, at_latest) = notification::happened(inbound.at, written.received_at);
    let turn = Turn {
        message_type: Some(inbound.message_type.clone()),
        text: inbound.text.clone(),
        media_type: inbound.media.as_ref().and_then(|media| media.mime_type.clone()),
        media: inbound.media.as_ref().map(|media| media.id.clone()),
        file_name: inbound.media.as_ref().and_then(|media| media.file_name.clone()),
        ..Turn::new(at, "guest")
    };
    (is_ours && inbound.is_to_us()).then_some((at_latest, turn))
}

/// A message counts from when it was sent, an answer from when it was written, also one that was never sent.
fn of_resort(ring: &KeyRing, message: &Message, answer: Option<&Kept>) -> Option<(DateTime<Utc>, Turn)> {
    let existing = &message.existing;
    let is_answer = existing.kind == MessageKind::StaffAnswer;
    let at = existing.sent_at.filter(|_| !is_answer);
    let at = at.or(is_answer.then_some(existing.basis_at))?;
    let mut turn = Turn {
        message: Some(existing.id.to_string()),
        kind: Some(existing.kind),
        template: message.template.clone(),
        state: Some(existing.state.as_str()),
        reason: message.reason.clone().filter(|_| is_answer),
        staff: answer.map(|kept| kept.by_whom.clone()),
        ..Turn::new(at, "resort")
    };
    match answer.map(|kept| kept.open(ring)) {
        Some(Ok(StaffAnswer::Text(text))) => turn.text = Some(text.reveal().to_owned()),
        Some(Ok(StaffAnswer::Template(kind))) => turn.kind = Some(kind),
        Some(Err(_)) => turn.is_unreadable = true,
        None => {}
    }
    Some((at, turn))
}
