//! What is refused, and by which field.

use super::*;

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
    (
        "/occurred_at",
        r#""2026-11-23T10:00:00""#,
        "occurred_at: not a date",
    ),
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
    (
        "/booking/resume_url",
        r#""http://book.example/""#,
        "booking.resume_url: not allowed",
    ),
    (
        "/booking/resume_url",
        r#""https://evil.example/""#,
        "booking.resume_url: not allowed",
    ),
    (
        "/booking/check_in",
        r#""20.12.2026""#,
        "booking.check_in: not a date",
    ),
    (
        "/booking/check_in",
        r#""2026-02-30""#,
        "booking.check_in: not a date",
    ),
    (
        "/booking/check_out",
        r#""2026-1-2""#,
        "booking.check_out: not a date",
    ),
    (
        "/booking/check_out",
        r#""2026-12- 1""#,
        "booking.check_out: not a date",
    ),
    ("/booking/check_out", "5", "booking.check_out: wrong type"),
    ("/booking/guests", r#""2""#, "booking.guests: wrong type"),
    ("/booking/guests", "-1", "booking.guests: wrong type"),
    ("/booking/guests", "2.5", "booking.guests: wrong type"),
    ("/booking/guests", "-1.0", "booking.guests: wrong type"),
    ("/booking/guests", "2.0000001", "booking.guests: wrong type"),
    ("/booking/guests", "2147483648.0", "booking.guests: not allowed"),
    ("/booking/guests", "1e300", "booking.guests: not allowed"),
    (
        "/booking/guests",
        "18446744073709551615",
        "booking.guests: not allowed",
    ),
    ("/booking/total", r#""1240""#, "booking.total: wrong type"),
    ("/booking/total/amount", "", "booking.total.amount: missing"),
    (
        "/booking/total/amount",
        "1240",
        "booking.total.amount: wrong type",
    ),
    (
        "/booking/total/amount",
        "1240.00",
        "booking.total.amount: wrong type",
    ),
    (
        "/booking/total/amount",
        r#""1,240""#,
        "booking.total.amount: not allowed",
    ),
    (
        "/booking/total/currency",
        r#""€""#,
        "booking.total.currency: not allowed",
    ),
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
