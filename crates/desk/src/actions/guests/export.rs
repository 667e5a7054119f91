//! Everything that is held of a guest, in one document.

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use domain::audit::Action;
use domain::guest::MarketingConsent;
use domain::ids::{BookingKey, LetterId};
use serde::Serialize;
use serde_json::Value;
use store::audit::{self, Actor};
use store::guest_data::held::{self, NameRow, NumberWishRow, RawEvent, WishRow};
use store::guest_data::{self, Reach, Whom};
use store::{Connection, StoreError, messages, pool};

use super::Person;
use crate::actions::audit::{self as records, RecordView};
use crate::actions::bookings::{self, BookingView};
use crate::actions::letters::{self, Details};
use crate::actions::messages::MessageView;
use crate::actions::shelf::Shelf;

/// Everything that is held of a guest, with everything opened.
#[derive(Debug, Serialize)]
pub(crate) struct Export {
    pub(crate) exported_at: DateTime<Utc>,
    /// As it was asked for.
    pub(crate) of: AskedFor,
    pub(crate) bookings: Vec<Booking>,
    /// As they came, until their retention is over.
    pub(crate) raw_events: Vec<RawEventView>,
    /// What was given up.
    pub(crate) letters: Vec<Details>,
    pub(crate) wishes: Vec<WishView>,
    /// What they said to business numbers, which holds at every resort that sends from there.
    pub(crate) wishes_to_numbers: Vec<NumberWishView>,
    /// By what else WhatsApp knows them; only keyed hashes are held.
    pub(crate) known_as: Vec<NameView>,
    pub(crate) conversations: Vec<Conversation>,
    /// What people did about them, and why.
    pub(crate) audit: Vec<RecordView>,
    /// What is held and cannot be opened: the guest may ask for it all the same.
    pub(crate) unreadable: Vec<String>,
}

/// Whom it is about.
#[derive(Debug, Serialize)]
pub(crate) struct AskedFor {
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resort: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    booking: Option<String>,
}

/// A booking, as far as it can be read.
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

/// An event as it came.
#[derive(Debug, Serialize)]
pub(crate) struct RawEventView {
    event: String,
    #[serde(rename = "type")]
    event_type: String,
    booking: Option<String>,
    received_at: DateTime<Utc>,
    outcome: String,
    /// Null: it was erased, or held long enough.
    content: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
}

/// What the guest said of reminders and review requests.
#[derive(Debug, Serialize)]
pub(crate) struct WishView {
    resort: String,
    opted_out: bool,
    opted_out_at: Option<DateTime<Utc>>,
    opted_in_at: Option<DateTime<Utc>>,
}

impl From<WishRow> for WishView {
    fn from(row: WishRow) -> Self {
        let wishes = MarketingConsent {
            opted_out_at: row.opted_out_at,
            opted_in_at: row.opted_in_at,
        };
        Self {
            resort: row.resort,
            opted_out: wishes.is_opted_out(),
            opted_out_at: row.opted_out_at,
            opted_in_at: row.opted_in_at,
        }
    }
}

/// What the guest said to a business number of reminders and review requests.
#[derive(Debug, Serialize)]
pub(crate) struct NumberWishView {
    number: String,
    opted_out: bool,
    opted_out_at: Option<DateTime<Utc>>,
    opted_in_at: Option<DateTime<Utc>>,
}

impl From<NumberWishRow> for NumberWishView {
    fn from(row: NumberWishRow) -> Self {
        let wishes = MarketingConsent {
            opted_out_at: row.opted_out_at,
            opted_in_at: row.opted_in_at,
        };
        Self {
            number: row.number,
            opted_out: wishes.is_opted_out(),
            opted_out_at: row.opted_out_at,
            opted_in_at: row.opted_in_at,
        }
    }
}

/// A name that WhatsApp has for the guest, without the name.
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

/// Until when a guest may be answered who has written.
#[derive(Debug, Serialize)]
pub(crate) struct Conversation {
    number: String,
    open_until: DateTime<Utc>,
}

/// What is read at one moment.
struct Found {
    now: DateTime<Utc>,
    reach: Reach,
    raw_events: Vec<RawEvent>,
    letters: Vec<LetterId>,
    wishes: Vec<WishRow>,
    wishes_to_numbers: Vec<NumberWishRow>,
    known_as: Vec<NameRow>,
    windows: Vec<(String, DateTime<Utc>)>,
    audit: Vec<RecordView>,
}

/// Reads everything that is held of a guest. What cannot be opened is named. To whom it is shown stands in the audit trail
/// before anything is read.
pub(crate) async fn export(shelf: &Shelf, person: &Person, by: Actor) -> Result<Export, StoreError> {
    let whom = person.whom(&shelf.key_ring);
    let (subject, actor) = (person.subject(&shelf.key_ring), by.clone());
    shelf
        .transaction(move |connection, _| audit::append(connection, &actor, Action::GuestExported, &subject))
        .await?;
    log::warn!(guest = person.to_string(), staff = by.name.as_str(); "everything that is held of a guest is exported");
    let found = shelf
        .transaction(move |connection, planner| find(connection, &planner.ring, &whom))
        .await?;
    let mut unreadable = Vec::new();
    let mut bookings = Vec::new();
    for key in found.reach.bookings {
        bookings.extend(booking(shelf, key, &by, &mut unreadable).await?);
    }
    let raw_events = found.raw_events.into_iter();
    let raw_events = raw_events.map(|event| opened(&shelf.key_ring, event, &mut unreadable));
    let raw_events = raw_events.collect();
    let mut letters = Vec::new();
    for id in found.letters {
        let letter = letters::show(shelf, id, Some(by.clone())).await?;
        // One without a body was erased, and holds nothing.
        let closed = letter
            .as_ref()
            .is_some_and(|letter| letter.unreadable.is_some() && letter.size > 0);
        unreadable.extend(closed.then(|| format!("letter {id}")));
        letters.extend(letter);
    }
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

fn find(connection: &mut Connection, ring: &KeyRing, whom: &Whom) -> Result<Found, StoreError> {
    let reach = guest_data::reach(connection, whom)?;
    let letters = held::letters(connection, &reach)?;
    let done = audit::list_about(connection, &reach, &letters)?;
    Ok(Found {
        now: pool::clock(connection)?,
        raw_events: held::raw_events(connection, &reach)?,
        wishes: held::wishes(connection, whom, &reach)?,
        wishes_to_numbers: held::number_wishes(connection, &reach)?,
        known_as: held::names(connection, &reach)?,
        windows: held::windows(connection, &reach)?,
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
    shelf: &Shelf,
    key: BookingKey,
    by: &Actor,
    unreadable: &mut Vec<String>,
) -> Result<Option<Booking>, StoreError> {
    let error = match bookings::show(shelf, key.clone(), Some(by.clone())).await {
        Ok(view) => return Ok(view.map(|view| Booking::Readable(Box::new(view)))),
        Err(error @ (StoreError::Sealed { .. } | StoreError::Unreadable { .. })) => error,
        Err(error) => return Err(error),
    };
    unreadable.push(format!("booking {key}"));
    let of = key.clone();
    let messages = shelf
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
