//! The export of all data that is stored about a guest, as one document with everything decrypted.

mod wishes;

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use domain::audit::Action;
use domain::ids::{BookingKey, LetterId};
use serde::Serialize;
use serde_json::Value;
use store::audit::{self, Actor};
use store::guest_data::export::{self as stored, NameRow, NumberWishRow, RawEvent, WishRow};
use store::guest_data::{self, DataSubject, SubjectData};
use store::{Connection, StoreError, messages, pool};

use super::Person;
use crate::actions::audit::{self as records, RecordView};
use crate::actions::bookings::{self, BookingView};
use crate::actions::context::Context;
use crate::actions::letters::{self, Details};
use crate::actions::messages::MessageView;
use wishes::{NumberWishView, WishView};

#[derive(Debug, Serialize)]
pub(crate) struct Export {
    pub(crate) exported_at: DateTime<Utc>,
    pub(crate) of: AskedFor,
    pub(crate) bookings: Vec<Booking>,
    /// As received, until their retention ends.
    pub(crate) raw_events: Vec<RawEventView>,
    pub(crate) letters: Vec<Details>,
    pub(crate) wishes: Vec<WishView>,
    /// Opt-outs and opt-ins that the guest sent to a business number; they hold at every resort that sends from it.
    pub(crate) wishes_to_numbers: Vec<NumberWishView>,
    /// The kinds of WhatsApp ids that are stored for the guest, as keyed hashes only.
    pub(crate) known_as: Vec<NameView>,
    pub(crate) conversations: Vec<Conversation>,
    /// What the staff did about them, and why.
    pub(crate) audit: Vec<RecordView>,
    /// What is stored and cannot be decrypted: the guest has a right to it all the same.
    pub(crate) unreadable: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct AskedFor {
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resort: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    booking: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Booking {
    Readable(Box<BookingView>),
    Unreadable {
        resort: String,
        booking: String,
        unreadable: String,
        messages: Vec<MessageView>,
    },
}

#[derive(Debug, Serialize)]
pub(crate) struct RawEventView {
    event: String,
    #[serde(rename = "type")]
    event_type: String,
    booking: Option<String>,
    received_at: DateTime<Utc>,
    outcome: String,
    /// Null: it was erased, or its retention has ended.
    content: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct NameView {
    kind: String,
    learnt_at: DateTime<Utc>,
}

impl From<NameRow> for NameView {
    fn from(NameRow { kind, learnt_at }: NameRow) -> Self {
        Self { kind, learnt_at }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Conversation {
    number: String,
    open_until: DateTime<Utc>,
}

struct Found {
    now: DateTime<Utc>,
    reach: SubjectData,
    raw_events: Vec<RawEvent>,
    letters: Vec<LetterId>,
    wishes: Vec<WishRow>,
    wishes_to_numbers: Vec<NumberWishRow>,
    known_as: Vec<NameRow>,
    windows: Vec<(String, DateTime<Utc>)>,
    audit: Vec<RecordView>,
}

/// The audit trail records the export before anything is read.
pub(crate) async fn export(context: &Context, person: &Person, by: Actor) -> Result<Export, StoreError> {
    let whom = person.whom(&context.key_ring);
    let (subject, actor) = (person.subject(&context.key_ring), by.clone());
    context
        .transaction(move |connection, _| audit::append(connection, &actor, Action::GuestExported, &subject))
        .await?;
    log::warn!(event = "guest_exported", guest = person.to_string(), staff = by.name.as_str(); "guest data exported");
    let found = context
        .transaction(move |connection, planner| find(connection, &planner.ring, &whom))
        .await?;
    let mut unreadable = Vec::new();
    let mut bookings = Vec::new();
    for key in found.reach.bookings {
        bookings.extend(booking(context, key, &by, &mut unreadable).await?);
    }
    let raw_events = found.raw_events.into_iter();
    let raw_events = raw_events.map(|event| opened(&context.key_ring, event, &mut unreadable));
    let raw_events = raw_events.collect();
    let letters = letters_of(context, found.letters, &by, &mut unreadable).await?;
    let windows = found.windows.into_iter();
    Ok(Export {
        exported_at: found.now,
        of: asked_for(person),
        bookings,
        raw_events,
        letters,
        wishes: found.wishes.into_iter().map(WishView::from).collect(),
        wishes_to_numbers: found
            .wishes_to_numbers
            .into_iter()
            .map(NumberWishView::from)
            .collect(),
        known_as: found.known_as.into_iter().map(NameView::from).collect(),
        conversations: windows
            .map(|(number, open_until)| Conversation { number, open_until })
            .collect(),
        audit: found.audit,
        unreadable,
    })
}

async fn letters_of(
    context: &Context,
    ids: Vec<LetterId>,
    by: &Actor,
    unreadable: &mut Vec<String>,
) -> Result<Vec<Details>, StoreError> {
    let mut all = Vec::new();
    for id in ids {
        let letter = letters::show(context, id, Some(by.clone())).await?;
        // A letter without a body was erased; there is nothing left to decrypt.
        let is_sealed = letter
            .as_ref()
            .is_some_and(|letter| letter.unreadable.is_some() && letter.size > 0);
        unreadable.extend(is_sealed.then(|| format!("letter {id}")));
        all.extend(letter);
    }
    Ok(all)
}

fn find(connection: &mut Connection, ring: &KeyRing, whom: &DataSubject) -> Result<Found, StoreError> {
    let reach = guest_data::find(connection, whom)?;
    let letters = stored::letters(connection, &reach)?;
    let done = audit::list_about(connection, &reach.bookings, &reach.hashes(), &letters)?;
    Ok(Found {
        now: pool::clock(connection)?,
        raw_events: stored::raw_events(connection, &reach)?,
        wishes: stored::wishes(connection, whom, &reach)?,
        wishes_to_numbers: stored::number_wishes(connection, &reach)?,
        known_as: stored::names(connection, &reach)?,
        windows: stored::windows(connection, &reach)?,
        audit: records::views(connection, Some(ring), done)?,
        letters,
        reach,
    })
}

fn asked_for(person: &Person) -> AskedFor {
    match person {
        Person::Number { number, resort } => AskedFor {
            phone: Some(number.reveal().to_owned()),
            resort: resort.as_ref().map(ToString::to_string),
            booking: None,
        },
        Person::Booking(key) => AskedFor {
            phone: None,
            resort: Some(key.resort.to_string()),
            booking: Some(key.booking.to_string()),
        },
    }
}

async fn booking(
    context: &Context,
    key: BookingKey,
    by: &Actor,
    unreadable: &mut Vec<String>,
) -> Result<Option<Booking>, StoreError> {
    let error = match bookings::show(context, key.clone(), Some(by.clone())).await {
        Ok(view) => {
            unreadable.extend(view.iter().flat_map(BookingView::unreadable_answers));
            return Ok(view.map(|view| Booking::Readable(Box::new(view))));
        }
        Err(error @ (StoreError::Sealed { .. } | StoreError::Unreadable { .. })) => error,
        Err(error) => return Err(error),
    };
    unreadable.push(format!("booking {key}"));
    let of = key.clone();
    let messages = context
        .store
        .run(move |connection| messages::list_of_booking(connection, &of))
        .await?;
    Ok(Some(Booking::Unreadable {
        resort: key.resort.to_string(),
        booking: key.booking.to_string(),
        unreadable: service::chain(&error),
        messages: messages.into_iter().map(MessageView::from).collect(),
    }))
}

fn opened(ring: &KeyRing, event: RawEvent, unreadable: &mut Vec<String>) -> RawEventView {
    let identity = event.identity();
    let content = event
        .sealed_body
        .map(|sealed| letters::open_sealed(ring, &sealed, &identity));
    let (content, why) = match content {
        None => (None, None),
        Some(Ok(content)) => (Some(content), None),
        Some(Err(why)) => (None, Some(why)),
    };
    unreadable.extend(why.is_some().then(|| format!("event {}", event.key)));
    RawEventView {
        event: event.key,
        event_type: event.event_type,
        booking: event.booking_key,
        received_at: event.received_at,
        outcome: event.outcome,
        content,
        unreadable: why,
    }
}
