//! What a booking platform sends, in tests.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

/// A webhook's body.
#[derive(Debug, Clone)]
pub struct Event(Value);

impl Event {
    /// An event of now, with an id of its own, that brings nothing but what it must.
    pub fn new(event_type: &str, booking: &str) -> Self {
        let now = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        Self(json!({
            "id": format!("evt_{}", Uuid::now_v7().simple()), "type": event_type, "occurred_at": now,
            "resort": super::RESORT, "booking": { "id": booking }, "guest": {},
        }))
    }

    /// A guest is booking.
    pub fn started(booking: &str, phone: &str) -> Self {
        let resume_url = format!("https://book.example/r/{booking}?step=2");
        Self::new("booking_started", booking)
            .of(phone)
            .with("/guest/name", "Ada Lovelace")
            .with("/booking/resume_url", resume_url)
    }

    /// The platform saw the guest drift away.
    pub fn abandoned(booking: &str, phone: &str) -> Self {
        Self::new("booking_abandoned", booking).of(phone)
    }

    /// The guest has booked.
    pub fn confirmed(booking: &str, phone: &str) -> Self {
        Self::new("reservation_confirmed", booking).of(phone)
    }

    /// With the guest's phone number.
    #[must_use]
    pub fn of(self, phone: &str) -> Self {
        self.with("/guest/phone", phone)
    }

    /// With the days of the stay.
    #[must_use]
    pub fn staying(self, check_in: &str, check_out: &str) -> Self {
        self.with("/booking/check_in", check_in)
            .with("/booking/check_out", check_out)
    }

    /// With the cart that it grew from.
    #[must_use]
    pub fn from_cart(self, cart: &str) -> Self {
        self.with("/booking/cart_id", cart)
    }

    /// As if it had happened so long ago.
    #[must_use]
    pub fn ago(self, ago: TimeDelta) -> Self {
        self.at(Utc::now() - ago)
    }

    /// As if it had happened then.
    #[must_use]
    pub fn at(self, at: DateTime<Utc>) -> Self {
        self.with("/occurred_at", at.to_rfc3339_opts(SecondsFormat::Millis, true))
    }

    /// With another value at a JSON pointer whose parent exists.
    #[must_use]
    pub fn with(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        let (parent, key) = pointer.rsplit_once('/').unwrap_or(("", pointer));
        if let Some(Value::Object(parent)) = self.0.pointer_mut(parent) {
            parent.insert(key.to_owned(), value.into());
        }
        self
    }

    /// Without the booking, as wishes of guests are.
    #[must_use]
    pub fn without_booking(mut self) -> Self {
        if let Value::Object(all) = &mut self.0 {
            all.remove("booking");
        }
        self
    }

    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.to_string().into_bytes()
    }
}
