//! The body of a webhook out, as docs/webhook-out.md describes it.

use chrono::SecondsFormat;
use domain::country::Country;
use serde_json::{Map, Value, json};
use store::bookings::Booking;
use store::webhooks_out::Webhook;

pub(super) struct Content<'a> {
    pub(super) webhook: &'a Webhook,
    /// What it is about, newest first.
    pub(super) bookings: &'a [Booking],
    /// Of the resort, for numbers without a country code.
    pub(super) country: Option<Country>,
    pub(super) with_guest: bool,
}

impl Content<'_> {
    /// The JSON; `None`: it is about a guest who has no booking at the resort, or was erased.
    pub(super) fn body(&self) -> Option<String> {
        let webhook = self.webhook;
        let mut data = webhook.details.clone();
        data.insert("resort".to_owned(), webhook.resort.as_str().into());
        if let Some(booking) = &webhook.booking {
            data.insert("booking".to_owned(), booking.booking.as_str().into());
        } else if webhook.phone_hash.is_some() {
            if self.bookings.is_empty() {
                return None;
            }
            let ids = self.bookings.iter().map(|booking| booking.key.booking.as_str());
            data.insert("bookings".to_owned(), ids.collect());
        }
        if let Some(guest) = self.guest().filter(|_| self.with_guest) {
            data.insert("guest".to_owned(), guest);
        }
        let body = json!({
            "type": webhook.event.type_name(),
            "timestamp": webhook.occurred_at.to_rfc3339_opts(SecondsFormat::Millis, true),
            "data": data,
        });
        Some(body.to_string())
    }

    /// What the newest booking tells of the guest. Of an erased guest nothing is told.
    fn guest(&self) -> Option<Value> {
        let facts = &self.bookings.first()?.facts;
        let mut guest = Map::new();
        if let Some(name) = &facts.name {
            guest.insert("name".to_owned(), name.value.reveal().into());
        }
        if let Some(Ok(phone)) = facts.phone_number(self.country) {
            guest.insert("phone".to_owned(), phone.reveal().into());
        }
        (!guest.is_empty()).then(|| guest.into())
    }
}
