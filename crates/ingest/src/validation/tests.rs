//! What is taken, what is refused, and by which field.

use proptest::prelude::*;
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

#[test]
fn the_documented_example_becomes_an_event() {
    let event = event(&full());

    assert_eq!(event.key.to_string(), "direct/evt_5f2c");
    assert_eq!(event.event_type, EventType::BookingStarted);
    assert_eq!(event.booking.unwrap().as_str(), "BK-1001");
    assert_eq!(event.details.cart.unwrap().as_str(), "CART-77");
    assert_eq!(
        event.details.resume_url.unwrap().reveal(),
        "https://book.example/r/BK-1001"
    );
    assert_eq!(event.details.check_in.unwrap().to_string(), "2026-12-20");
    assert_eq!(event.details.guests, Some(2));
    assert_eq!(event.details.total.unwrap().amount, "1240.00");
    assert_eq!(event.guest.name.unwrap().reveal(), "Ada Lovelace");
    assert_eq!(event.guest.consent, Some(true));
    assert!(event.notify);
}

/// Where, what stands there instead (JSON; nothing: the field is left out), and what is said of it.
#[rustfmt::skip]
const WRONG: &[(&str, &str, &str)] = &[
    ("/id", "", "id: missing"),
    ("/id", "null", "id: missing"),
    ("/id", r#""""#, "id: empty"),
    ("/id", "7.5", "id: wrong type"),
    ("/id", "7.0", "id: wrong type"),
    ("/id", "-0", "id: wrong type"),
    ("/id", "18446744073709551616", "id: wrong type"),
    ("/id", "true", "id: wrong type"),
    ("/id", r#""a\nb""#, "id: not allowed"),
    ("/type", "", "type: missing"),
    ("/type", r#""""#, "type: empty"),
    ("/type", r#"["booking_started"]"#, "type: wrong type"),
    ("/type", r#""booking_exploded""#, "type: not allowed"),
    ("/occurred_at", "", "occurred_at: missing"),
    ("/occurred_at", r#""yesterday""#, "occurred_at: not a date"),
    ("/occurred_at", r#""2026-11-23T10:00:00""#, "occurred_at: not a date"),
    ("/occurred_at", "1763892000", "occurred_at: wrong type"),
    ("/resort", "", "resort: missing"),
    ("/resort", r#""other""#, "resort: not allowed"),
    ("/resort", "{}", "resort: wrong type"),
    ("/resort", "7", "resort: wrong type"),
    ("/notify", r#""no""#, "notify: wrong type"),
    ("/booking", "", "booking.id: missing"),
    ("/booking", r#""BK-1001""#, "booking: wrong type"),
    ("/booking/id", "", "booking.id: missing"),
    ("/booking/id", r#""\u0000""#, "booking.id: not allowed"),
    ("/booking/id", r#""BK-\u202E1001""#, "booking.id: not allowed"),
    ("/booking/id", r#"" ""#, "booking.id: empty"),
    ("/booking/id", "1e3", "booking.id: wrong type"),
    ("/booking/cart_id", "[1]", "booking.cart_id: wrong type"),
    ("/booking/resume_url", r#""http://book.example/""#, "booking.resume_url: not allowed"),
    ("/booking/resume_url", r#""https://evil.example/""#, "booking.resume_url: not allowed"),
    ("/booking/check_in", r#""20.12.2026""#, "booking.check_in: not a date"),
    ("/booking/check_in", r#""2026-02-30""#, "booking.check_in: not a date"),
    ("/booking/check_out", r#""2026-1-2""#, "booking.check_out: not a date"),
    ("/booking/check_out", "5", "booking.check_out: wrong type"),
    ("/booking/guests", r#""2""#, "booking.guests: wrong type"),
    ("/booking/guests", "-1", "booking.guests: wrong type"),
    ("/booking/guests", "2.5", "booking.guests: wrong type"),
    ("/booking/guests", "-1.0", "booking.guests: wrong type"),
    ("/booking/guests", "2.0000001", "booking.guests: wrong type"),
    ("/booking/guests", "2147483648.0", "booking.guests: not allowed"),
    ("/booking/guests", "1e300", "booking.guests: not allowed"),
    ("/booking/guests", "18446744073709551615", "booking.guests: not allowed"),
    ("/booking/total", r#""1240""#, "booking.total: wrong type"),
    ("/booking/total/amount", "", "booking.total.amount: missing"),
    ("/booking/total/amount", "1240", "booking.total.amount: wrong type"),
    ("/booking/total/amount", "1240.00", "booking.total.amount: wrong type"),
    ("/booking/total/amount", r#""1,240""#, "booking.total.amount: not allowed"),
    ("/booking/total/currency", r#""€""#, "booking.total.currency: not allowed"),
    ("/guest", "", "guest.phone: missing"),
    ("/guest", "[]", "guest: wrong type"),
    ("/guest/phone", "", "guest.phone: missing"),
    ("/guest/phone", r#""""#, "guest.phone: empty"),
    ("/guest/phone", r#""\u200B\u0007""#, "guest.phone: empty"),
    ("/guest/phone", "306912345678", "guest.phone: wrong type"),
    ("/guest/consent", r#""yes""#, "guest.consent: wrong type"),
];

// shows: B7, B8, T12
#[test]
fn every_wrong_field_is_named_with_its_problem() {
    for &(pointer, json, expected) in WRONG {
        let value = (!json.is_empty()).then(|| serde_json::from_str(json).unwrap());
        assert_eq!(errors(&with(pointer, value)), [expected], "{pointer} {json}");
    }
}

#[test]
fn what_is_too_long_is_named() {
    let check = |pointer: &str, length: usize, expected: &str| {
        let link = pointer.ends_with("url").then_some("https://book.example/");
        let text = format!("{}{}", link.unwrap_or_default(), "ä".repeat(length));
        assert_eq!(
            errors(&with(pointer, json!(text))),
            [format!("{expected}: too long")]
        );
    };

    check("/id", 129, "id");
    check("/resort", 129, "resort");
    check("/booking/id", 129, "booking.id");
    check("/booking/resume_url", 2_048, "booking.resume_url");
    check("/booking/room", 257, "booking.room");
    check("/guest/name", 257, "guest.name");
    check("/guest/phone", 257, "guest.phone");
    check("/guest/language", 257, "guest.language");
}

#[test]
fn everything_that_is_missing_is_named_at_once() {
    let nothing = errors(&json!({}));
    let only_a_type = errors(&json!({ "type": "booking_abandoned" }));

    assert_eq!(
        nothing,
        [
            "type: missing",
            "id: missing",
            "occurred_at: missing",
            "resort: missing"
        ]
    );
    assert_eq!(
        only_a_type,
        [
            "id: missing",
            "occurred_at: missing",
            "resort: missing",
            "booking.id: missing",
            "guest.phone: missing"
        ]
    );
}

#[test]
fn each_type_requires_what_it_cannot_do_without() {
    let check = |event_type: &str, needs_booking: bool, needs_phone: bool| {
        let bare = json!({ "id": "1", "type": event_type, "occurred_at": "2026-11-23T10:00:00+02:00", "resort": "azure-bay" });
        let expected: Vec<_> = [
            (needs_booking, "booking.id: missing"),
            (needs_phone, "guest.phone: missing"),
        ]
        .iter()
        .filter_map(|&(needed, error)| needed.then_some(error))
        .collect();
        assert_eq!(errors(&bare), expected, "{event_type}");
    };

    check("booking_started", true, true);
    check("booking_abandoned", true, true);
    check("reservation_confirmed", true, false);
    check("reservation_modified", true, false);
    check("reservation_cancelled", true, false);
    check("guest_checked_in", true, false);
    check("guest_checked_out", true, false);
    check("guest_opted_out", false, true);
    check("guest_opted_in", false, true);
}

#[test]
fn what_may_be_left_out_may_also_be_null_or_empty() {
    for pointer in [
        "/notify",
        "/booking/cart_id",
        "/booking/resume_url",
        "/booking/check_in",
        "/booking/check_out",
        "/booking/guests",
        "/booking/room",
        "/booking/total",
        "/guest/name",
        "/guest/country",
        "/guest/language",
        "/guest/consent",
    ] {
        assert_eq!(
            event(&with(pointer, None)),
            event(&with(pointer, Value::Null)),
            "{pointer}"
        );
    }
    for pointer in [
        "/booking/cart_id",
        "/booking/check_in",
        "/booking/room",
        "/guest/language",
    ] {
        assert_eq!(
            event(&with(pointer, None)),
            event(&with(pointer, json!(""))),
            "{pointer}"
        );
    }
}

/// The full event with what stands in one place written as this JSON.
fn written(pointer: &str, json: &str) -> Value {
    with(pointer, serde_json::from_str::<Value>(json).unwrap())
}

// shows: B7
#[test]
fn an_integer_as_an_id_counts_as_its_digits() {
    for digits in [
        "7",
        "0",
        "-12",
        "9007199254740993",
        "18446744073709551615",
        "-9223372036854775808",
    ] {
        assert_eq!(event(&written("/id", digits)).key.id.as_str(), digits);
        assert_eq!(
            event(&written("/booking/id", digits)).booking.unwrap().as_str(),
            digits
        );
        assert_eq!(
            event(&written("/booking/cart_id", digits))
                .details
                .cart
                .unwrap()
                .as_str(),
            digits
        );
    }
}

// shows: B8
#[test]
fn a_whole_number_of_guests_may_be_written_as_a_fraction() {
    for (json, guests) in [
        ("2", 2),
        ("2.0", 2),
        ("2e0", 2),
        ("0.2E1", 2),
        ("0", 0),
        ("-0.0", 0),
        ("2147483647.0", 2_147_483_647),
    ] {
        assert_eq!(
            event(&written("/booking/guests", json)).details.guests,
            Some(guests),
            "{json}"
        );
    }
}

#[test]
fn a_phone_that_is_no_number_is_accepted() {
    let event = event(&with("/guest/phone", json!("call me")));

    assert_eq!(event.guest.phone.unwrap().reveal(), "call me");
}

// shows: B58
#[test]
fn a_guests_country_is_known_by_its_letters_and_anything_else_counts_as_absent() {
    let country = |value: Value| event(&with("/guest/country", value)).guest.country;

    for written in ["DE", "de", " De "] {
        assert_eq!(country(json!(written)), Country::parse("DE").ok(), "{written}");
    }
    let strange = [
        json!("Germany"),
        json!("ZZ"),
        json!("UK"),
        json!("001"),
        json!(49),
        json!({ "code": "DE" }),
    ];
    for written in strange {
        assert_eq!(country(written.clone()), None, "{written}");
    }
    assert_eq!(country(json!("D".repeat(10_000))), None);
}

#[test]
fn instants_are_read_in_any_zone_and_leap_seconds_are_rounded_down() {
    let check = |text: &str, expected: &str| {
        let instant = event(&with("/occurred_at", json!(text))).occurred_at;
        assert_eq!(
            instant,
            expected.parse::<chrono::DateTime<chrono::Utc>>().unwrap(),
            "{text}"
        );
    };

    check("2026-11-23T12:00:00.5+02:00", "2026-11-23T10:00:00.5Z");
    check("2026-11-23t10:00:00z", "2026-11-23T10:00:00Z");
    check("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999999Z");
}

#[test]
fn unknown_fields_are_ignored() {
    assert_eq!(event(&with("/booking/colour", json!("blue"))), event(&full()));
}

#[test]
fn texts_are_cleaned() {
    let event = event(&with(
        "/guest/name",
        json!("\u{202E}Ada\r\nLove\u{0}lace\u{2069}"),
    ));

    assert_eq!(event.guest.name.unwrap().reveal(), "Ada Lovelace");
}

#[test]
fn the_bodys_id_wins_over_the_signed_one() {
    let id_of = |body: &Value, signed| match examine(body, UnknownTypes::Refuse, signed).1 {
        Checked::Event(event) => event.key.id.to_string(),
        other => panic!("{other:?}"),
    };

    assert_eq!(id_of(&full(), Some("msg_1")), "evt_5f2c");
    assert_eq!(id_of(&with("/id", None), Some("msg_1")), "msg_1");
    assert_eq!(id_of(&with("/id", Value::Null), Some("msg_1")), "msg_1");
}

#[test]
fn an_unknown_type_is_ignored_where_the_source_is_not_strict() {
    let unknown = |value: Value| examine(&with("/type", value), UnknownTypes::Ignore, None).1;

    assert!(matches!(unknown(json!("room_cleaned")), Checked::Ignored));
    assert!(matches!(unknown(json!(7)), Checked::Invalid(_)));
}

#[test]
fn a_broken_resort_is_our_fault_only_where_the_event_has_none() {
    let unavailable = examine(&with("/resort", json!("broken")), UnknownTypes::Refuse, None).1;
    let mut faulty = with("/resort", json!("broken"));
    faulty["id"] = Value::Null;

    assert!(matches!(unavailable, Checked::ResortUnavailable));
    assert_eq!(errors(&faulty), ["id: missing"]);
}

#[test]
fn what_is_no_object_is_told_so() {
    for body in [json!([]), json!("x"), json!(1), Value::Null] {
        assert!(matches!(
            examine(&body, UnknownTypes::Refuse, None).1,
            Checked::NotAnObject
        ));
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,300}".prop_map(Value::from),
        Just(json!("azure-bay")),
        Just(json!("2026-12-20")),
        Just(json!("https://book.example/x")),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,9}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

const PLACES: &[&str] = &[
    "/id",
    "/type",
    "/occurred_at",
    "/resort",
    "/notify",
    "/booking",
    "/booking/id",
    "/booking/cart_id",
    "/booking/resume_url",
    "/booking/check_in",
    "/booking/guests",
    "/booking/room",
    "/booking/total",
    "/booking/total/amount",
    "/guest",
    "/guest/name",
    "/guest/phone",
    "/guest/country",
    "/guest/language",
    "/guest/consent",
];

proptest! {
    #[test]
    fn whatever_stands_in_a_field_is_accepted_clean_or_refused_by_name(
        place in prop::sample::select(PLACES), value in any_json()
    ) {
        let body = with(place, value);

        match examine(&body, UnknownTypes::Refuse, None).1 {
            Checked::Event(event) => {
                let texts = [event.guest.name.as_ref().map(Personal::reveal), event.details.room.as_deref()];
                for text in texts.into_iter().flatten() {
                    prop_assert!(!text.is_empty() && text.chars().count() <= 256);
                    prop_assert!(!text.chars().any(|c| c.is_control() || text::is_invisible(c)));
                }
                let json = serde_json::to_vec(&event).unwrap();
                prop_assert_eq!(serde_json::from_slice::<Event>(&json).unwrap(), *event);
            }
            Checked::Invalid(errors) => prop_assert!(!errors.is_empty()),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn any_json_at_all_is_answered(body in any_json()) {
        let (_, checked) = examine(&body, UnknownTypes::Refuse, Some("msg_1"));

        let told = matches!(checked, Checked::NotAnObject | Checked::Invalid(_));
        prop_assert!(told, "{:?}", checked);
    }
}
