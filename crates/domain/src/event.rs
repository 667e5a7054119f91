//! What a platform reports: one webhook, validated.

use std::fmt;

use crate::country::Country;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{BookingId, EventId, ResortId, SourceId};
use crate::phone_number::PhoneNumber;
use crate::stay::{Money, Personal};
use crate::text_enum::text_enum;

text_enum! {
    /// The event types of the webhooks. Their order is the rank that decides between facts of the same instant.
    EventType("event type") {
        /// A guest started, or continued, a booking.
        BookingStarted = "booking_started",
        /// The platform itself reports that the guest left the booking unfinished.
        BookingAbandoned = "booking_abandoned",
        ReservationConfirmed = "reservation_confirmed",
        ReservationModified = "reservation_modified",
        GuestCheckedIn = "guest_checked_in",
        GuestCheckedOut = "guest_checked_out",
        ReservationCancelled = "reservation_cancelled",
        GuestOptedIn = "guest_opted_in",
        GuestOptedOut = "guest_opted_out",
    }
}

/// The handler that an event belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// A booking that is not finished.
    Cart,
    /// A reservation and its stay.
    Order,
    /// A guest's stop or start, which concerns all bookings.
    Guest,
}

impl EventType {
    pub const fn family(self) -> Family {
        match self {
            Self::BookingStarted | Self::BookingAbandoned => Family::Cart,
            Self::GuestOptedIn | Self::GuestOptedOut => Family::Guest,
            _ => Family::Order,
        }
    }

    /// Decides between facts of the same instant: the greater one wins.
    pub const fn rank(self) -> u8 {
        self as u8
    }
}

/// The identity of an event: ids are unique per source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventKey {
    pub source: SourceId,
    pub id: EventId,
}

impl fmt::Display for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source, self.id)
    }
}

/// The identity under which an event's body is sealed, in the queue and in its row, so that a body cannot be moved
/// to another event.
pub fn sealing_identity(key: impl fmt::Display) -> String {
    format!("event:{key}")
}

/// One validated webhook. Texts are sanitised and bounded; links are https and of an allowed host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub key: EventKey,
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// When it happened, by the platform's clock.
    pub occurred_at: DateTime<Utc>,
    pub resort: ResortId,
    /// `false`: apply the event, but send nothing for it.
    pub notify: bool,
    /// Whether staff imported it: then nothing is sent for what is past, and `notify` is `false`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub imported: bool,
    /// Absent in a guest's stop or start.
    pub booking: Option<BookingId>,
    #[serde(default)]
    pub details: Details,
    #[serde(default)]
    pub guest: GuestDetails,
}

impl Event {
    /// The guest's number, if the event brings a valid one. Without a country code it is one of the guest's
    /// country, if the event names that too, else of the resort's.
    pub fn phone_number(&self, resort: Option<Country>) -> Option<PhoneNumber> {
        let text = self.guest.phone.as_ref()?;
        PhoneNumber::parse(text.reveal(), self.guest.country.or(resort)).ok()
    }
}

/// What an event says about the booking; `None`: the event does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// The cart that became this reservation.
    pub cart: Option<BookingId>,
    /// The https link under which the guest can continue the booking.
    pub resume_url: Option<Personal>,
    pub check_in: Option<NaiveDate>,
    pub check_out: Option<NaiveDate>,
    pub guests: Option<u32>,
    pub room: Option<String>,
    pub total: Option<Money>,
}

/// What an event says about the guest; `None`: the event does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuestDetails {
    pub name: Option<Personal>,
    /// As the platform wrote it.
    pub phone: Option<Personal>,
    /// The country of a number without a country code.
    pub country: Option<Country>,
    /// A language tag, as the platform wrote it.
    pub language: Option<String>,
    /// Whether the guest consented to reminders and review requests.
    pub consent: Option<bool>,
}
