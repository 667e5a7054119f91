//! One letter with everything that belongs to it: its event or message, and the guest.

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
use crate::actions::context::Context;
use crate::actions::masking::Masking;
use crate::actions::messages::MessageView;

const ERASED: &str = "what it held was erased";

#[derive(Debug, Serialize)]
pub(crate) struct Details {
    #[serde(flatten)]
    pub(crate) letter: LetterView,
    pub(crate) message: Option<MessageView>,
    pub(crate) event: Option<EventDetails>,
    pub(crate) guest: Option<GuestView>,
    /// The reason if guest and event cannot be shown.
    pub(crate) unreadable: Option<String>,
    /// The body, decrypted if possible. Only if it is revealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<Value>,
    /// Of the body, in bytes.
    pub(crate) size: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct EventDetails {
    /// Source and id.
    pub(crate) event: String,
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) request_id: String,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct GuestView {
    pub(crate) name: Option<String>,
    pub(crate) phone: Option<String>,
    /// The one that the platform told.
    pub(crate) language: Option<String>,
}

#[derive(Default)]
struct Inside {
    event: Option<EventDetails>,
    guest: Option<GuestView>,
    unreadable: Option<String>,
    content: Option<Value>,
}

/// What can be revealed of a letter alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revealable {
    Name,
    Phone,
    /// Of an event: all that the platform told.
    Content,
    /// Of the person who ended it.
    Note,
}

impl Revealable {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Phone => "phone",
            Self::Content => "content",
            Self::Note => "note",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Name, Self::Phone, Self::Content, Self::Note]
            .into_iter()
            .find(|value| value.as_str() == word)
    }
}

/// A person who looks at personal data, and whether at one value only.
struct Looking {
    by: Actor,
    at: Option<Revealable>,
}

/// `None` for an unknown letter. If personal data is revealed, the audit trail has recorded it before this returns.
pub(crate) async fn show(
    context: &Context,
    id: LetterId,
    revealed_to: Option<Actor>,
) -> Result<Option<Details>, StoreError> {
    look(context, id, revealed_to.map(|by| Looking { by, at: None })).await
}

/// One personal value of a letter. `None`: there is no such letter, or it has no such value. The audit trail has recorded it, and
/// which value it is, before this returns.
pub(crate) async fn reveal(
    context: &Context,
    id: LetterId,
    value: Revealable,
    by: Actor,
) -> Result<Option<String>, StoreError> {
    let looking = Looking { by, at: Some(value) };
    let Some(details) = look(context, id, Some(looking)).await? else {
        return Ok(None);
    };
    let guest = details.guest.unwrap_or_default();
    Ok(match value {
        Revealable::Name => guest.name,
        Revealable::Phone => guest.phone,
        Revealable::Note => details.letter.note,
        Revealable::Content => details.content.map(|content| match content {
            Value::String(raw) => raw,
            other => serde_json::to_string_pretty(&other).unwrap_or_default(),
        }),
    })
}

async fn look(
    context: &Context,
    id: LetterId,
    looking: Option<Looking>,
) -> Result<Option<Details>, StoreError> {
    let masking = Masking::to(looking.as_ref().map(|looking| &looking.by));
    let Some((kept, body)) = find(context, id, looking).await? else {
        return Ok(None);
    };
    let inside = match (kept.letter.kind, &body) {
        (LetterKind::Events, Some(body)) => inside_of_event(context, body, masking),
        (LetterKind::Events, None) => unreadable(None, ERASED.to_owned()),
        (LetterKind::Messages, _) => inside_of_message(context, &kept.letter, masking).await?,
    };
    let raw = || {
        let body = String::from_utf8_lossy(body.as_ref()?).into_owned();
        Some(Value::String(body))
    };
    let content = match masking {
        Masking::Masked => None,
        Masking::Revealed => inside.content.or_else(raw),
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

/// The letter and its body, which is `None` after an erasure.
async fn find(
    context: &Context,
    id: LetterId,
    looking: Option<Looking>,
) -> Result<Option<(Kept, Option<Vec<u8>>)>, StoreError> {
    let staff = looking.as_ref().map(|looking| looking.by.name.clone());
    let found = context
        .transaction(move |connection, planner| {
            let Some(letter) = letters::find(connection, id)? else {
                return Ok(None);
            };
            if let Some(Looking { by, at }) = &looking {
                let subject = Subject::from(&letter).with(at.map_or("", Revealable::as_str));
                audit::append(connection, by, Action::LetterRevealed, &subject)?;
            }
            let body = letters::find_body(connection, id)?;
            let ring = looking.as_ref().map(|_| &*planner.ring);
            let kept = Kept::of(connection, ring, vec![letter])?.pop();
            Ok(kept.map(|kept| (kept, body)))
        })
        .await?;
    if let (Some(_), Some(staff)) = (&found, staff) {
        log::warn!(event = "letter_revealed", "letter.id" = id.to_string(), staff = staff.as_str();
            "personal data of a letter revealed");
    }
    Ok(found)
}

/// An event that was not applied is stored in its letter alone.
fn inside_of_event(context: &Context, body: &[u8], masking: Masking) -> Inside {
    let envelope = match Envelope::decode(body) {
        Ok(envelope) => envelope,
        Err(error) => return unreadable(None, error.to_string()),
    };
    let event = EventDetails {
        event: envelope.key().to_string(),
        received_at: envelope.received_at,
        request_id: envelope.request_id.clone(),
    };
    let resort = envelope.resort.as_ref().and_then(|id| context.resort(id));
    match open_sealed(&context.key_ring, &envelope.sealed, &envelope.identity()) {
        Err(why) => unreadable(Some(event), why),
        Ok(content) => Inside {
            event: Some(event),
            guest: guest_in(&content, masking, resort.map(|resort| resort.country)),
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

/// The body of an event as JSON, or the reason why it cannot be read.
pub(crate) fn open_sealed(ring: &KeyRing, sealed: &[u8], identity: &str) -> Result<Value, String> {
    let opened = ring.open(sealed, identity).map_err(|error| error.to_string())?;
    // The parser's error is dropped: it may quote personal data.
    serde_json::from_slice(&opened).map_err(|_| "the sealed body is not JSON".to_owned())
}

/// The guest of a platform's event; `None` for WhatsApp's updates, which are shown only as revealed content.
fn guest_in(content: &Value, masking: Masking, resort: Option<Country>) -> Option<GuestView> {
    let event: Event = serde_json::from_value(content.clone()).ok()?;
    let country = event.guest.country.or(resort);
    let (name, phone) = (event.guest.name, event.guest.phone);
    Some(GuestView {
        name: name.map(|name| masking.text(name.reveal())),
        phone: phone.map(|phone| masking.phone(phone.reveal(), country)),
        language: event.guest.language,
    })
}

/// The guest comes from the booking, with a corrected number if there is one.
async fn inside_of_message(
    context: &Context,
    letter: &Letter,
    masking: Masking,
) -> Result<Inside, StoreError> {
    let Some(key) = letter.booking_key() else {
        return Ok(unreadable(None, "it names no message that exists".to_owned()));
    };
    let resort = context.resort(&key.resort).map(|resort| resort.country);
    let found = context
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
        let phone = corrected.map(|correction| masking.number(&correction.value.number));
        let said = facts.phone.as_ref().map(|phone| phone.value.reveal());
        GuestView {
            name: facts.name.as_ref().map(|name| masking.text(name.value.reveal())),
            phone: phone.or_else(|| said.map(|said| masking.phone(said, country))),
            language: facts.language.map(|language| language.value),
        }
    });
    Ok(Inside {
        guest,
        ..Inside::default()
    })
}
