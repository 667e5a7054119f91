//! What the check accepts and refuses, and which field an error names.

mod accepted;
mod any_json;
mod refused;

use domain::ids::SourceId;
use serde_json::json;

use super::*;

const HOSTS: &str = "book.example";

fn source() -> SourceId {
    SourceId::parse("direct").unwrap()
}

fn examine(body: &Value, unknown_types: UnknownTypes, signed_id: Option<&str>) -> (Seen, Checked) {
    let hosts = [HOSTS.to_owned()];
    let standing = |resort: &ResortId| match resort.as_str() {
        "azure-bay" => Standing::Allowed {
            link_hosts: Some(&hosts),
            locale: Locale {
                time_zone: chrono_tz::Europe::Athens,
                country: "GR".parse().unwrap(),
            },
        },
        "broken" => Standing::Unavailable,
        _ => Standing::NotAllowed,
    };
    check(
        body,
        &Rules {
            source: &source(),
            signed_id,
            unknown_types,
            optional_fields: OptionalFields::Refuse,
            standing: &standing,
        },
    )
}

fn event(body: &Value) -> Event {
    match examine(body, UnknownTypes::Refuse, None).1 {
        Checked::Event(event) => *event,
        other => panic!("{body}: {other:?}"),
    }
}

fn errors(body: &Value) -> Vec<String> {
    match examine(body, UnknownTypes::Refuse, None).1 {
        Checked::Invalid(errors) => errors
            .iter()
            .map(|error| {
                let problem = serde_json::to_value(error.problem).unwrap();
                format!("{}: {}", error.field, problem.as_str().unwrap())
            })
            .collect(),
        other => panic!("{body}: {other:?}"),
    }
}

fn full() -> Value {
    json!({
        "id": "evt_5f2c", "type": "booking_started", "occurred_at": "2026-11-23T10:00:00Z", "resort": "azure-bay",
        "notify": true,
        "booking": {
            "id": "BK-1001", "cart_id": "CART-77", "resume_url": "https://book.example/r/BK-1001",
            "check_in": "2026-12-20", "check_out": "2026-12-27", "guests": 2, "room": "Sea view",
            "total": { "amount": "1240.00", "currency": "EUR" }
        },
        "guest": { "name": "Ada Lovelace", "phone": "+306912345678", "country": "GR", "language": "en", "consent": true }
    })
}

/// The full event with one value replaced, or removed where it is `None`.
fn with(pointer: &str, value: impl Into<Option<Value>>) -> Value {
    let mut body = full();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value.into() {
        Some(value) => drop(parent.insert(name.to_owned(), value)),
        None => drop(parent.remove(name)),
    }
    body
}
