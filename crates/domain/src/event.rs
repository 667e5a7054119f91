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
    /// The event types of the webhooks. The order is the rank that decides between equal times.
    EventType("event type") {
        /// A guest began, or went on with, a booking.
        BookingStarted = "booking_started",
        /// The platform itself saw the guest drift away.
        BookingAbandoned = "booking_abandoned",
        /// The guest has booked.
        ReservationConfirmed = "reservation_confirmed",
        /// Dates, room or guests changed.
        ReservationModified = "reservation_modified",
        /// The guest arrived.
        GuestCheckedIn = "guest_checked_in",
        /// The guest left.
        GuestCheckedOut = "guest_checked_out",
        /// The reservation is off.
        ReservationCancelled = "reservation_cancelled",
        /// The guest wants marketing again.
        GuestOptedIn = "guest_opted_in",
        /// The guest wants no marketing.
        GuestOptedOut = "guest_opted_out",
    }
}

/// Which handler an event belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// A booking that is not finished.
    Cart,
    /// A reservation and its stay.
    Order,
    /// A guest's wish, whatever the booking.
    Guest,
}

impl EventType {
    /// Which handler it belongs to.
    pub const fn family(self) -> Family {
        match self {
            Self::BookingStarted | Self::BookingAbandoned => Family::Cart,
            Self::GuestOptedIn | Self::GuestOptedOut => Family::Guest,
            _ => Family::Order,
        }
    }

    /// Decides between facts of the same instant: the greater wins.
    pub const fn rank(self) -> u8 {
        self as u8
    }
}

/// What names an event: ids are unique per source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventKey {
    /// Where it came from.
    pub source: SourceId,
    /// Its id there.
    pub id: EventId,
}

impl fmt::Display for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source, self.id)
    }
}

/// The name under which an event's body is sealed, in the queue and in its row, so that no body fits into another's place.
pub fn sealing_identity(key: impl fmt::Display) -> String {
    format!("event:{key}")
}

/// One validated webhook. Texts are sanitised and bounded, links are https and of an allowed host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Source and id.
    pub key: EventKey,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// When it happened, by the platform's clock.
    pub occurred_at: DateTime<Utc>,
    /// The resort that it concerns.
    pub resort: ResortId,
    /// `false`: apply it, send nothing for it.
    pub notify: bool,
    /// The booking; absent for a guest's wish.
    pub booking: Option<BookingId>,
    /// What it brings of the booking.
    #[serde(default)]
    pub details: Details,
    /// What it brings of the guest.
    #[serde(default)]
    pub guest: GuestDetails,
}

impl Event {
    /// The guest's number, where it brings a valid one. Without a country code it is one of the guest's country, where
    /// the event brings that too, else of the resort's.
    pub fn phone_number(&self, resort: Option<Country>) -> Option<PhoneNumber> {
        let text = self.guest.phone.as_ref()?;
        PhoneNumber::parse(text.reveal(), self.guest.country.or(resort)).ok()
    }
}

/// What an event brings of the booking; absent means: not said here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// The cart that became this reservation.
    pub cart: Option<BookingId>,
    /// Where the guest can go on booking; https.
    pub resume_url: Option<Personal>,
    /// Arrival day.
    pub check_in: Option<NaiveDate>,
    /// Departure day.
    pub check_out: Option<NaiveDate>,
    /// How many people.
    pub guests: Option<u32>,
    /// The room's name.
    pub room: Option<String>,
    /// The price.
    pub total: Option<Money>,
}

/// What an event brings of the guest; absent means: not said here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuestDetails {
    /// Full name.
    pub name: Option<Personal>,
    /// As the platform wrote it.
    pub phone: Option<Personal>,
    /// Whose telephones a number without a country code belongs to.
    pub country: Option<Country>,
    /// A language tag as the platform wrote it.
    pub language: Option<String>,
    /// Whether reminders and review requests are welcome.
    pub consent: Option<bool>,
}
