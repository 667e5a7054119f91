//! A booking as people see it: what is known of it, what was heard and sent, and what is still to come and why.

mod facts;
mod outlook;

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

use crate::actions::letters::{Kept, LetterView};
use crate::actions::messages::MessageView;
use crate::actions::personal::Personal;
use crate::actions::shelf::Shelf;
pub(crate) use facts::FactView;
pub(crate) use outlook::ToCome;

/// Everything there is to see of a booking.
#[derive(Debug, Serialize)]
pub(crate) struct BookingView {
    pub(crate) resort: String,
    pub(crate) booking: String,
    pub(crate) status: &'static str,
    /// When it is looked at again by itself.
    pub(crate) wake_at: Option<DateTime<Utc>>,
    /// The guest was erased: nothing that told who it was is kept from before.
    pub(crate) erased_at: Option<DateTime<Utc>>,
    pub(crate) facts: BTreeMap<String, FactView>,
    pub(crate) events: Vec<EventView>,
    pub(crate) messages: Vec<MessageView>,
    /// Those that some desk has found already.
    pub(crate) letters: Vec<LetterView>,
    /// Absent where the resort has no readable file, so that nothing can be planned.
    pub(crate) to_come: Option<Vec<ToCome>>,
}

/// An event that was heard.
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

/// What was read of one booking, at one moment.
struct Found {
    booking: Booking,
    events: Vec<events::Recorded>,
    messages: Vec<Message>,
    letters: Vec<Kept>,
    plan: Option<Plan>,
}

/// Everything known of a booking; `None`: nobody ever spoke of it. To whom the guest is revealed stands in the audit
/// trail before anything is returned.
pub(crate) async fn show(
    shelf: &Shelf,
    key: BookingKey,
    revealed_to: Option<Actor>,
) -> Result<Option<BookingView>, StoreError> {
    let personal = Personal::to(revealed_to.as_ref());
    let country = shelf.resort(&key.resort).map(|resort| resort.country);
    let told = revealed_to.as_ref().map(|by| (by.name.clone(), key.to_string()));
    let found = shelf
        .transaction(move |connection, planner| {
            let ring = revealed_to.as_ref().map(|_| &*planner.ring);
            let found = read(connection, planner, ring, &key)?;
            if let (Some(_), Some(by)) = (&found, &revealed_to) {
                audit::append(connection, by, Action::BookingRevealed, &Subject::from(&key))?;
            }
            Ok(found)
        })
        .await?;
    if let (Some(_), Some((staff, booking))) = (&found, told) {
        log::warn!(booking = booking.as_str(), staff = staff.as_str(); "personal data of a booking are revealed");
    }
    Ok(found.map(|found| view(found, country, personal)))
}

/// With a key ring the letters' notes are opened too.
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
    Ok(Some(Found {
        events: events::list_of_booking(connection, key)?,
        messages: messages::list_of_booking(connection, key)?,
        letters: Kept::of_booking(connection, notes, key)?,
        plan: planning::explain(connection, planner, &booking, now)?,
        booking,
    }))
}

fn view(found: Found, country: Option<Country>, personal: Personal) -> BookingView {
    let booking = found.booking;
    // The stored status may be a moment behind the clock; the plan is the truth.
    let status = found.plan.as_ref().map_or(booking.status, |plan| plan.status);
    BookingView {
        resort: booking.key.resort.to_string(),
        booking: booking.key.booking.to_string(),
        status: status.as_str(),
        wake_at: booking.wake_at,
        erased_at: booking.facts.erased.as_ref().map(|erased| erased.stamp.at),
        to_come: found.plan.map(|plan| outlook::to_come(&plan, &found.messages)),
        facts: facts::view(&booking.facts, country, personal),
        events: found.events.into_iter().map(EventView::from).collect(),
        messages: found.messages.into_iter().map(MessageView::from).collect(),
        letters: found.letters.into_iter().map(LetterView::from).collect(),
    }
}
