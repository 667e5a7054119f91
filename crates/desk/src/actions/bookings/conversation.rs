//! The conversation with a booking's guest: what they wrote, and what was sent to them for this booking.

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use domain::ids::NumberId;
use domain::message::MessageKind;
use serde::Serialize;
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
    /// WhatsApp's type of what the guest wrote: `text`, `button`, `image`, …
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) message_type: Option<String>,
    /// The text, the button's label, or the caption.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// Which of our messages it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<MessageKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<&'static str>,
}

/// Everything that is still kept, in the order in which it was written; `number`: the one that the resort sends from.
pub(super) fn read(
    connection: &mut Connection,
    planner: &Planner,
    phone: Option<[u8; 32]>,
    number: Option<&NumberId>,
    messages: &[Message],
) -> Result<Vec<Turn>, StoreError> {
    let written = match phone {
        Some(phone) => conversations::written_by(connection, phone)?,
        None => Vec::new(),
    };
    let said = written
        .iter()
        .filter_map(|one| of_guest(&planner.ring, one, number));
    let mut turns: Vec<(DateTime<Utc>, Turn)> = said.chain(messages.iter().filter_map(of_resort)).collect();
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
        at,
        by: "guest",
        message_type: Some(inbound.message_type.clone()),
        text: inbound.text.clone(),
        kind: None,
        template: None,
        state: None,
    };
    (is_ours && inbound.is_to_us()).then_some((at_latest, turn))
}

fn of_resort(message: &Message) -> Option<(DateTime<Utc>, Turn)> {
    let at = message.existing.sent_at?;
    let turn = Turn {
        at,
        by: "resort",
        message_type: None,
        text: None,
        kind: Some(message.existing.kind),
        template: message.template.clone(),
        state: Some(message.existing.state.as_str()),
    };
    Some((at, turn))
}
