//! An event as our own format writes it: what a dry run answers and what `desk source try` shows.

use chrono::SecondsFormat;
use domain::event::Event;
use domain::stay::Personal;
use serde_json::{Value as Json, json};

use crate::draft::Draft;

/// The event in our own format. It holds a guest's data.
pub fn write(event: &Event) -> Json {
    let mut draft = Draft::default();
    let mut put = |path: &'static str, value: Option<Json>| {
        if let Some(value) = value {
            draft.put(path, value);
        }
    };
    let text = |text: &str| Some(Json::from(text));
    let personal = |value: &Option<Personal>| value.as_ref().map(|value| Json::from(value.reveal()));
    put("id", text(event.key.id.as_str()));
    put("type", text(event.event_type.as_str()));
    put(
        "occurred_at",
        text(&event.occurred_at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
    );
    put("resort", text(event.resort.as_str()));
    put("notify", (!event.notify).then_some(Json::Bool(false)));
    let details = &event.details;
    put(
        "booking.id",
        event.booking.as_ref().map(|id| Json::from(id.as_str())),
    );
    put(
        "booking.cart_id",
        details.cart.as_ref().map(|id| Json::from(id.as_str())),
    );
    put("booking.resume_url", personal(&details.resume_url));
    put(
        "booking.check_in",
        details.check_in.map(|day| Json::from(day.to_string())),
    );
    put(
        "booking.check_out",
        details.check_out.map(|day| Json::from(day.to_string())),
    );
    put("booking.guests", details.guests.map(Json::from));
    put("booking.room", details.room.as_deref().map(Json::from));
    let total = details.total.as_ref();
    put(
        "booking.total",
        total.map(|total| json!({ "amount": total.amount, "currency": total.currency })),
    );
    let guest = &event.guest;
    put("guest.name", personal(&guest.name));
    put("guest.phone", personal(&guest.phone));
    put(
        "guest.country",
        guest.country.map(|country| Json::from(country.to_string())),
    );
    put("guest.language", guest.language.as_deref().map(Json::from));
    put("guest.consent", guest.consent.map(Json::Bool));
    draft.into_json()
}
