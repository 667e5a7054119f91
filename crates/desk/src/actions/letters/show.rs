//! Everything there is to see of one letter.

use broker::envelope::Envelope;
use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use domain::audit::Action;
use domain::country::Country;
use domain::dead_letter::LetterKind;
use domain::event::Event;
use domain::ids::LetterId;
use serde::Serialize;
use serde_json::Value;
use store::audit::{self, Actor, Subject};
use store::letters::{self, Letter};
use store::{StoreError, bookings};

use super::view::{Kept, LetterView};
use crate::actions::messages::MessageView;
use crate::actions::personal::Personal;
use crate::actions::shelf::Shelf;

/// Why a letter has no content any more.
const ERASED: &str = "what it held was erased";

/// A letter with what it is about.
#[derive(Debug, Serialize)]
pub(crate) struct Details {
    #[serde(flatten)]
    pub(crate) letter: LetterView,
    /// The message as it stands now.
    pub(crate) message: Option<MessageView>,
    pub(crate) event: Option<EventDetails>,
    pub(crate) guest: Option<GuestView>,
    /// Why guest and event cannot be shown.
    pub(crate) unreadable: Option<String>,
    /// What lay in the queue, opened where that is possible. Only where it is to be revealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<Value>,
    /// How long that is, in bytes.
    pub(crate) size: usize,
}

/// The event that could not be applied.
#[derive(Debug, Serialize)]
pub(crate) struct EventDetails {
    /// Source and id.
    pub(crate) event: String,
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) request_id: String,
}

/// Whom it is about.
#[derive(Debug, Default, Serialize)]
pub(crate) struct GuestView {
    pub(crate) name: Option<String>,
    pub(crate) phone: Option<String>,
}

/// What was found of the inside of a letter.
#[derive(Default)]
struct Inside {
    event: Option<EventDetails>,
    guest: Option<GuestView>,
    unreadable: Option<String>,
    content: Option<Value>,
}

/// Everything known of a letter; `None`: there is none of this number. To whom the guest is revealed stands in the audit
/// trail before anything is returned.
pub(crate) async fn show(
    shelf: &Shelf,
    id: LetterId,
    revealed_to: Option<Actor>,
) -> Result<Option<Details>, StoreError> {
    let personal = Personal::to(revealed_to.as_ref());
    let told = revealed_to.as_ref().map(|by| by.name.clone());
    let found = shelf
        .transaction(move |connection, planner| {
            let Some(letter) = letters::find(connection, id)? else {
                return Ok(None);
            };
            if let Some(by) = &revealed_to {
                audit::append(connection, by, Action::LetterRevealed, &Subject::from(&letter))?;
            }
            let body = letters::find_body(connection, id)?;
            let ring = revealed_to.as_ref().map(|_| &*planner.ring);
            let kept = Kept::of(connection, ring, vec![letter])?.pop();
            Ok(kept.map(|kept| (kept, body)))
        })
        .await?;
    let Some((kept, body)) = found else {
        return Ok(None);
    };
    if let Some(staff) = told {
        log::warn!("letter.id" = id.to_string(), staff = staff.as_str(); "personal data of a letter are revealed");
    }
    let inside = match (kept.letter.kind, &body) {
        (LetterKind::Events, Some(body)) => inside_of_event(shelf, body, personal),
        (LetterKind::Events, None) => unreadable(None, ERASED.to_owned()),
        (LetterKind::Messages, _) => inside_of_message(shelf, &kept.letter, personal).await?,
    };
    let raw = || {
        Some(Value::String(
            String::from_utf8_lossy(body.as_ref()?).into_owned(),
        ))
    };
    let content = match personal {
        Personal::Masked => None,
        Personal::Revealed => inside.content.or_else(raw),
    };
    Ok(Some(Details {
        message: kept.message.clone().map(MessageView::from),
        letter: kept.into(),
        event: inside.event,
        guest: inside.guest,
        unreadable: inside.unreadable,
        content,
        size: body.map_or(0, |body| body.len()),
    }))
}

/// Of an event that was never applied only the letter itself knows.
fn inside_of_event(shelf: &Shelf, body: &[u8], personal: Personal) -> Inside {
    let envelope = match Envelope::decode(body) {
        Ok(envelope) => envelope,
        Err(error) => return unreadable(None, error.to_string()),
    };
    let event = EventDetails {
        event: envelope.key().to_string(),
        received_at: envelope.received_at,
        request_id: envelope.request_id.clone(),
    };
    let resort = envelope.resort.as_ref().and_then(|id| shelf.resort(id));
    match open_sealed(&shelf.key_ring, &envelope.sealed, &envelope.identity()) {
        Err(why) => unreadable(Some(event), why),
        Ok(content) => Inside {
            event: Some(event),
            guest: guest_in(&content, personal, resort.map(|resort| resort.country)),
            unreadable: None,
            content: Some(content),
        },
    }
}

fn unreadable(event: Option<EventDetails>, why: String) -> Inside {
    Inside {
        event,
        unreadable: Some(why),
        ..Inside::default()
    }
}

/// Opens the body of an event; else why not.
pub(crate) fn open_sealed(ring: &KeyRing, sealed: &[u8], identity: &str) -> Result<Value, String> {
    let opened = ring.open(sealed, identity).map_err(|error| error.to_string())?;
    // The parser's own words may quote what it read.
    serde_json::from_slice(&opened).map_err(|_| "the sealed body is not JSON".to_owned())
}

/// The guest of a platform's event; WhatsApp's notifications are told only when they are revealed.
fn guest_in(content: &Value, personal: Personal, resort: Option<Country>) -> Option<GuestView> {
    let event: Event = serde_json::from_value(content.clone()).ok()?;
    let country = event.guest.country.or(resort);
    let (name, phone) = (event.guest.name, event.guest.phone);
    Some(GuestView {
        name: name.map(|name| personal.text(name.reveal())),
        phone: phone.map(|phone| personal.phone(phone.reveal(), country)),
    })
}

/// Of a message's guest the booking knows, with what was put right since.
async fn inside_of_message(shelf: &Shelf, letter: &Letter, personal: Personal) -> Result<Inside, StoreError> {
    let Some(key) = letter.booking_key() else {
        return Ok(unreadable(None, "it names no message that exists".to_owned()));
    };
    let resort = shelf.resort(&key.resort).map(|resort| resort.country);
    let found = shelf
        .transaction(move |connection, planner| bookings::find(connection, &planner.ring, &key))
        .await;
    let facts = match found {
        Ok(found) => found.map(|booking| booking.facts),
        Err(error @ (StoreError::Sealed { .. } | StoreError::Unreadable { .. })) => {
            return Ok(unreadable(None, service::chain(&error)));
        }
        Err(error) => return Err(error),
    };
    let guest = facts.map(|facts| {
        let country = facts.country_of_numbers(resort);
        let corrected = facts.correction_in_force(resort);
        let phone = corrected.map(|correction| personal.number(&correction.value.number));
        let said = facts.phone.as_ref().map(|phone| phone.value.reveal());
        GuestView {
            name: facts.name.as_ref().map(|name| personal.text(name.value.reveal())),
            phone: phone.or_else(|| said.map(|said| personal.phone(said, country))),
        }
    });
    Ok(Inside {
        guest,
        ..Inside::default()
    })
}
