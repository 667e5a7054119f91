//! The steps of a mapping.

mod hostile;

use std::collections::BTreeMap;

use chrono::DateTime;
use domain::event::EventType;
use domain::ids::SourceId;
use foreign_json::Document;
use serde_json::json;

use super::*;
use crate::check::Locale;
use crate::fault::Cause;
use crate::request::{Kept, Tools};
use crate::when::{Row, Target};
use crate::{Expression, own_format};

fn expression(text: &str) -> Expression {
    Expression::compile(text).unwrap()
}

fn row(patterns: &[&str], target: Target) -> Row {
    Row {
        patterns: patterns.iter().map(ToString::to_string).collect(),
        target,
    }
}

/// A platform that writes `{"kind": …, "id": …}`.
fn mapping(fields: &[(Field, &str)]) -> Mapping {
    let mut all = BTreeMap::from([(Field::BookingId, expression("id"))]);
    all.extend(fields.iter().map(|(field, text)| (*field, expression(text))));
    Mapping {
        definition: Definition {
            each: None,
            event: vec![expression("kind"), expression("fetched.state")],
            when: vec![
                row(&["thin", "*"], Target::Fetch),
                row(&["thin", "sure"], Target::Event(EventType::ReservationConfirmed)),
                row(&["new", "*"], Target::Event(EventType::ReservationConfirmed)),
                row(&["cart", "*"], Target::Event(EventType::BookingStarted)),
                row(&["try", "*"], Target::Ping),
                row(&["note", "*"], Target::Ignored),
            ],
            fields: all,
        },
        resort: ResortOf::One(ResortId::parse("azure-bay").unwrap()),
        can_fetch: true,
    }
}

fn kept(body: Json) -> Kept {
    Kept {
        body: Document::from(&body),
        headers: BTreeMap::from([("x-topic".to_owned(), "orders".to_owned())]),
        query: BTreeMap::from([("hotel".to_owned(), "7".to_owned())]),
        received_at: DateTime::from_timestamp(1_796_000_000, 0).unwrap(),
        body_hash: None,
        element: None,
    }
}

fn keyed_hash(text: &str) -> [u8; 32] {
    let mut hash = [0_u8; 32];
    for (index, byte) in text.bytes().enumerate() {
        hash[index % 16] = u8::wrapping_add(u8::wrapping_mul(hash[index % 16], 31), byte);
    }
    hash
}

fn map_with(
    mapping: &Mapping,
    kept: &Kept,
    fetched: Option<&Document>,
    is_late: &dyn Fn() -> bool,
) -> Mapped {
    let source = SourceId::parse("platform").unwrap();
    let tools = Tools {
        keyed_hash: &keyed_hash,
        is_late,
    };
    let hosts = ["book.example".to_owned()];
    let standing = |id: &ResortId| match id.as_str() {
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
    mapping.map(&Request::new(&source, kept, fetched, tools), &standing)
}

/// The only event of a body.
fn only(mapping: &Mapping, body: Json, fetched: Option<&Document>) -> Element {
    match map_with(mapping, &kept(body), fetched, &|| false) {
        Mapped::Elements(elements) => {
            let [element] = <[Element; 1]>::try_from(elements).unwrap();
            element
        }
        Mapped::Unmappable(fault) => panic!("{fault}"),
    }
}

fn event(mapping: &Mapping, body: Json) -> Json {
    match only(mapping, body, None).verdict {
        Verdict::Event(event) => own_format::write(&event),
        other => panic!("{other:?}"),
    }
}

fn faults(mapping: &Mapping, body: Json) -> Vec<String> {
    match only(mapping, body, None).verdict {
        Verdict::Unmappable(faults) => faults.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_row_that_matches_says_what_a_request_is() {
    let mapping = mapping(&[]);
    let verdict = |kind: &str| only(&mapping, json!({ "kind": kind, "id": 1 }), None).verdict;

    assert!(matches!(verdict("NEW"), Verdict::Event(_)));
    assert!(matches!(verdict("try"), Verdict::Ignored(Ignored::Ping)));
    assert!(matches!(verdict("note"), Verdict::Ignored(Ignored::UnmappedType)));
    assert!(matches!(
        verdict("other"),
        Verdict::Ignored(Ignored::UnmappedType)
    ));
}

#[test]
fn the_platform_is_asked_once_and_only_where_it_can_be_asked() {
    let mut mapping = mapping(&[]);
    let body = || json!({ "kind": "thin", "id": 17 });

    let Verdict::Fetch { booking, .. } = only(&mapping, body(), None).verdict else {
        panic!();
    };
    assert_eq!(booking.as_str(), "17");
    let answer = Document::from(&json!({ "state": "sure" }));
    assert!(matches!(
        only(&mapping, body(), Some(&answer)).verdict,
        Verdict::Event(_)
    ));
    let answer = Document::from(&json!({ "state": "unsure" }));
    let ignored = |verdict| matches!(verdict, Verdict::Ignored(Ignored::UnmappedType));
    assert!(ignored(only(&mapping, body(), Some(&answer)).verdict));
    mapping.can_fetch = false;
    assert!(ignored(only(&mapping, body(), None).verdict));
}

#[test]
fn expressions_see_the_body_its_header_its_query_and_the_source() {
    let mapping = mapping(&[
        (
            Field::GuestName,
            "[header['x-topic'], query.hotel, source, root.header, kind]",
        ),
        (Field::Id, "id"),
    ]);

    let event = event(&mapping, json!({ "kind": "new", "id": 5, "header": "mine" }));

    assert_eq!(event["guest"]["name"], "orders 7 platform mine new");
    assert_eq!(
        (&event["id"], &event["booking"]["id"]),
        (&json!("5"), &json!("5"))
    );
    assert_eq!(
        event["occurred_at"], "2026-11-30T00:53:20Z",
        "the time of arrival"
    );
}

#[test]
fn an_id_that_the_platform_does_not_give_is_the_same_for_the_same_request_alone() {
    let mapping = mapping(&[(Field::OccurredAt, "at")]);
    let id = |body: Json| event(&mapping, body)["id"].as_str().unwrap().to_owned();
    let body = |at: &str| json!({ "kind": "new", "id": 1, "at": at });

    assert_eq!(id(body("2026-01-01")), id(body("2026-01-01")));
    assert_ne!(id(body("2026-01-01")), id(body("2026-01-02")));
    assert_eq!(id(body("2026-01-01")).len(), 32);
}

#[test]
fn a_required_field_that_is_missing_or_fails_is_named_and_an_optional_one_is_missing() {
    let mapping = mapping(&[
        (Field::GuestPhone, "phone.strip()"),
        (Field::CheckIn, "from"),
        (Field::Guests, "people | sum"),
        (Field::ResumeUrl, "link"),
        (Field::Room, "room"),
        (Field::TotalMinor, "cents"),
        (Field::TotalCurrency, "'EUR'"),
    ]);
    let cart = json!({ "kind": "cart", "id": true, "phone": 5 });
    assert_eq!(
        faults(&mapping, cart),
        ["booking.id: wrong type", "guest.phone: the expression fails"]
    );
    let cart = json!({ "kind": "cart", "phone": " " });
    assert_eq!(
        faults(&mapping, cart),
        ["booking.id: missing", "guest.phone: missing"]
    );

    let order = only(
        &mapping,
        json!({
            "kind": "new", "id": 1, "from": "soon", "people": ["two"], "link": "http://elsewhere.example", "cents": 1250,
            "room": "x".repeat(300),
        }),
        None,
    );

    let missing: Vec<_> = order.missing().collect();
    let Verdict::Event(event) = order.verdict else {
        panic!()
    };
    let written = own_format::write(&event);
    assert_eq!(
        written["booking"],
        json!({ "id": "1", "total": { "amount": "12.50", "currency": "EUR" } })
    );
    for field in [
        "guest.phone",
        "booking.check_in",
        "booking.guests",
        "booking.resume_url",
        "booking.room",
    ] {
        assert!(missing.contains(&field), "{field}: {missing:?}");
    }
}

#[test]
fn a_house_is_looked_up_and_a_resort_must_be_one_of_the_sources() {
    let mut mapping = mapping(&[]);
    mapping.resort = ResortOf::Property {
        expression: expression("house"),
        resorts: BTreeMap::from([("1".to_owned(), ResortId::parse("azure-bay").unwrap())]),
    };
    let body = |house: Json| json!({ "kind": "new", "id": 1, "house": house });
    assert_eq!(event(&mapping, body(json!(1)))["resort"], "azure-bay");
    let verdict = only(&mapping, body(json!("2")), None).verdict;
    assert!(matches!(verdict, Verdict::Ignored(Ignored::UnknownProperty)));
    assert_eq!(faults(&mapping, body(json!(null))), ["property: missing"]);

    mapping.resort = ResortOf::Expression(expression("house"));
    assert_eq!(
        faults(&mapping, body(json!("olive-hill"))),
        ["resort: not allowed"]
    );
    let verdict = only(&mapping, body(json!("broken")), None).verdict;
    assert!(matches!(verdict, Verdict::ResortUnavailable));
}

#[test]
fn one_element_alone_is_the_same_as_among_the_others() {
    let mut mapping = mapping(&[]);
    mapping.definition.each = Some(expression("list"));
    let body = json!({ "list": [{ "kind": "new", "id": 1 }, { "kind": "new", "id": 2 }] });
    let mut kept = kept(body);
    let events = |kept: &Kept| -> Vec<Json> {
        let Mapped::Elements(elements) = map_with(&mapping, kept, None, &|| false) else {
            panic!()
        };
        let written = elements.iter().map(|element| match &element.verdict {
            Verdict::Event(event) => own_format::write(event),
            other => panic!("{other:?}"),
        });
        written.collect()
    };
    let all = events(&kept);

    kept.element = Some(1);

    assert_eq!(events(&kept), all[1..]);
}
