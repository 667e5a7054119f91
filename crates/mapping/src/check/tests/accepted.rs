//! What is accepted, and what becomes of it.

use super::*;

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
