//! A booking as people see it: what is known of it, what was heard and sent, and what is still to come and why.

mod facts;
mod outlook;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use crypto::secret::Places;
use domain::ids::{BookingKey, ResortId};
use domain::plan::Plan;
use domain::resort::Resort;
use serde::Serialize;
use settings::{Resolve, UnreadableFolder};
use store::bookings::{self, Booking};
use store::messages::Message;
use store::planning::Policies;
use store::{Connection, Store, StoreError, events, messages, planning, pool};

use crate::actions::messages::MessageView;
pub(crate) use facts::FactView;
pub(crate) use outlook::ToCome;

/// Whether what identifies the guest is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Personal {
    Masked,
    Revealed,
}

/// Everything there is to see of a booking.
#[derive(Debug, Serialize)]
pub(crate) struct BookingView {
    pub(crate) resort: String,
    pub(crate) booking: String,
    pub(crate) status: &'static str,
    /// When it is looked at again by itself.
    pub(crate) wake_at: Option<DateTime<Utc>>,
    pub(crate) facts: BTreeMap<String, FactView>,
    pub(crate) events: Vec<EventView>,
    pub(crate) messages: Vec<MessageView>,
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

/// Why a booking cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShowError {
    #[error("cannot read the resorts' files")]
    Folder(#[source] UnreadableFolder),
    #[error("cannot read the booking")]
    Store(#[source] StoreError),
}

/// What is needed to show bookings.
pub(crate) struct Shelf {
    pub(crate) store: Store,
    pub(crate) key_ring: KeyRing,
    pub(crate) folder: PathBuf,
}

/// What was read of one booking, at one moment.
struct Found {
    booking: Booking,
    events: Vec<events::Recorded>,
    messages: Vec<Message>,
    plan: Option<Plan>,
}

/// Everything known of a booking; `None`: nobody ever spoke of it.
pub(crate) async fn show(
    shelf: Shelf,
    key: BookingKey,
    personal: Personal,
) -> Result<Option<BookingView>, ShowError> {
    let Shelf {
        store,
        key_ring,
        folder,
    } = shelf;
    let places = Places {
        environment: &|_| None,
        key_ring: None,
        base: &folder,
    };
    let resorts = settings::load(&folder, Resolve::Nothing, &places).map_err(ShowError::Folder)?;
    let resort = resorts.resort(&key.resort);
    let country = resort.as_ref().map(|resort| resort.country);
    let found = store
        .transaction(move |connection| read(connection, &key_ring, resort, &key))
        .await
        .map_err(ShowError::Store)?;
    Ok(found.map(|found| view(found, country, personal)))
}

fn read(
    connection: &mut Connection,
    ring: &KeyRing,
    resort: Option<Arc<Resort>>,
    key: &BookingKey,
) -> Result<Option<Found>, StoreError> {
    let Some(booking) = bookings::find(connection, ring, key)? else {
        return Ok(None);
    };
    let policies = Policies {
        ring,
        resort: &|id: &ResortId| resort.clone().filter(|resort| resort.id == *id),
    };
    let now = pool::clock(connection)?;
    Ok(Some(Found {
        events: events::list_of_booking(connection, key)?,
        messages: messages::list_of_booking(connection, key)?,
        plan: planning::explain(connection, &policies, &booking, now)?,
        booking,
    }))
}

fn view(found: Found, country: Option<phonenumber::country::Id>, personal: Personal) -> BookingView {
    let booking = found.booking;
    // The stored status may be a moment behind the clock; the plan is the truth.
    let status = found.plan.as_ref().map_or(booking.status, |plan| plan.status);
    BookingView {
        resort: booking.key.resort.to_string(),
        booking: booking.key.booking.to_string(),
        status: status.as_str(),
        wake_at: booking.wake_at,
        to_come: found.plan.map(|plan| outlook::to_come(&plan, &found.messages)),
        facts: facts::view(&booking.facts, country, personal),
        events: found.events.into_iter().map(EventView::from).collect(),
        messages: found.messages.into_iter().map(MessageView::from).collect(),
    }
}
