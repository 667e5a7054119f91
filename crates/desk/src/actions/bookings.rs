//! A booking as commands show it: its facts, events, messages and letters, and what comes next and why.

mod conversation;
mod facts;
mod instruct;
mod media;
mod opened;
mod reveal;
mod timeline;
mod upcoming;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use domain::audit::Action;
use domain::country::Country;
use domain::ids::BookingKey;
use domain::plan::Plan;
use serde::Serialize;
use store::audit::{self, Actor, Subject};
use store::bookings::{self, Booking};
use store::messages::Message;
use store::planning::Planner;
use store::{Connection, StoreError, events, messages, planning, pool};

use crate::actions::context::Context;
use crate::actions::conversations::Answering;
use crate::actions::letters::{Kept, LetterView};
use crate::actions::masking::Masking;
use crate::actions::messages::MessageView;
pub(crate) use conversation::Turn;
pub(crate) use facts::FactView;
pub(crate) use instruct::instruct;
pub(crate) use media::{MediaSource, NoMedia, media};
pub(crate) use opened::{Opened, open, opened};
pub(crate) use reveal::{Value, reveal};
pub(crate) use timeline::{Timeline, Tone, acts_of};
pub(crate) use upcoming::{Upcoming, upcoming};

#[derive(Debug, Serialize)]
pub(crate) struct BookingView {
    pub(crate) resort: String,
    pub(crate) booking: String,
    pub(crate) status: &'static str,
    pub(crate) wake_at: Option<DateTime<Utc>>,
    /// Personal data from before was erased.
    pub(crate) erased_at: Option<DateTime<Utc>>,
    pub(crate) facts: BTreeMap<String, FactView>,
    pub(crate) events: Vec<EventView>,
    pub(crate) messages: Vec<MessageView>,
    /// Without those that wait in the dead queues.
    pub(crate) letters: Vec<LetterView>,
    /// How the conversation stands, and what can be answered. Null if the resort has no readable file.
    pub(crate) answering: Option<Answering>,
    /// What the guest wrote and what was sent, only where it was revealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) conversation: Option<Vec<Turn>>,
    /// Null if the resort has no readable file, so that nothing can be planned.
    pub(crate) to_come: Option<Vec<Upcoming>>,
}

impl BookingView {
    /// What staff answered and cannot be decrypted, in words for people.
    pub(crate) fn unreadable_answers(&self) -> impl Iterator<Item = String> {
        let turns = self.conversation.iter().flatten();
        let unreadable = turns.filter(|turn| turn.is_unreadable);
        unreadable.map(|turn| format!("answer {}", turn.message.as_deref().unwrap_or_default()))
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct EventView {
    /// Source and id.
    pub(crate) event: String,
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    pub(crate) outcome: String,
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) applied_at: DateTime<Utc>,
    pub(crate) request_id: String,
}

impl From<events::Recorded> for EventView {
    fn from(recorded: events::Recorded) -> Self {
        Self {
            event: recorded.key,
            event_type: recorded.event_type,
            outcome: recorded.outcome,
            received_at: recorded.received_at,
            applied_at: recorded.applied_at,
            request_id: recorded.request_id,
        }
    }
}

/// Read in one transaction.
struct Found {
    booking: Booking,
    events: Vec<events::Recorded>,
    messages: Vec<Message>,
    letters: Vec<Kept>,
    conversation: Option<Vec<Turn>>,
    answering: Option<Answering>,
    plan: Option<Plan>,
}

/// `None` for an unknown booking. If personal data is revealed, the audit trail has recorded it before this returns.
pub(crate) async fn show(
    context: &Context,
    key: BookingKey,
    revealed_to: Option<Actor>,
) -> Result<Option<BookingView>, StoreError> {
    let masking = Masking::to(revealed_to.as_ref());
    let country = context.resort(&key.resort).map(|resort| resort.country);
    let revealed = revealed_to.as_ref().map(|by| (by.name.clone(), key.to_string()));
    let found = context
        .transaction(move |connection, planner| {
            let ring = revealed_to.as_ref().map(|_| &*planner.ring);
            let found = read(connection, planner, ring, &key)?;
            if let (Some(_), Some(by)) = (&found, &revealed_to) {
                audit::append(connection, by, Action::BookingRevealed, &Subject::from(&key))?;
            }
            Ok(found)
        })
        .await?;
    if let (Some(_), Some((staff, booking))) = (&found, revealed) {
        log::warn!(event = "booking_revealed", booking = booking.as_str(), staff = staff.as_str(); "personal data of a booking revealed");
    }
    Ok(found.map(|found| view(found, country, masking)))
}

/// `notes`: the key ring, if the letters' notes and the conversation are to be opened.
fn read(
    connection: &mut Connection,
    planner: &Planner,
    notes: Option<&KeyRing>,
    key: &BookingKey,
) -> Result<Option<Found>, StoreError> {
    let Some(booking) = bookings::find(connection, &planner.ring, key)? else {
        return Ok(None);
    };
    let now = pool::clock(connection)?;
    let messages = messages::list_of_booking(connection, key)?;
    let conversation = match notes {
        Some(_) => Some(conversation::read(connection, planner, &booking, &messages)?),
        None => None,
    };
    Ok(Some(Found {
        events: events::list_of_booking(connection, key)?,
        messages,
        conversation,
        answering: Answering::of(connection, planner, &booking)?,
        letters: Kept::of_booking(connection, notes, key)?,
        plan: planning::explain(connection, planner, &booking, now)?,
        booking,
    }))
}

fn view(found: Found, country: Option<Country>, masking: Masking) -> BookingView {
    let booking = found.booking;
    // The stored status may lag behind the clock; the plan is computed now.
    let status = found.plan.as_ref().map_or(booking.status, |plan| plan.status);
    BookingView {
        resort: booking.key.resort.to_string(),
        booking: booking.key.booking.to_string(),
        status: status.as_str(),
        wake_at: booking.wake_at,
        erased_at: booking.facts.erased.as_ref().map(|erased| erased.stamp.at),
        to_come: found.plan.map(|plan| {
            upcoming(
                &plan,
                &booking.facts,
                found.messages.iter().map(|message| &message.existing),
            )
        }),
        facts: facts::view(&booking.facts, country, masking),
        events: found.events.into_iter().map(EventView::from).collect(),
        messages: found.messages.into_iter().map(MessageView::from).collect(),
        letters: found.letters.into_iter().map(LetterView::from).collect(),
        answering: found.answering,
        conversation: found.conversation,
    }
}
