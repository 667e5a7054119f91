//! Each way in which platforms write a value, with what it is.

use minijinja::value::Serde;
use serde_json::json;

use super::*;

fn locale() -> Locale {
    Locale {
        time_zone: chrono_tz::Europe::Athens,
        country: "GR".parse().unwrap(),
    }
}

fn value(json: &Json) -> Value {
    Value::from(Serde(json))
}

fn casts(field: Field, cases: &[(Json, Json)]) {
    for (given, expected) in cases {
        let found = cast(field, &value(given), locale(), None).unwrap();
        assert_eq!(found.unwrap_or(Json::Null), *expected, "{field}: {given}");
    }
}

fn refuses(field: Field, cases: &[Json], problem: FieldProblem) {
    for given in cases {
        let found = cast(field, &value(given), locale(), None);
        assert_eq!(found, Err(problem), "{field}: {given}");
    }
}

#[test]
fn nothing_blanks_and_empty_containers_are_missing() {
    let nothing: Vec<_> = [json!(null), json!(""), json!("  "), json!({}), json!([])]
        .into_iter()
        .map(|given| (given, json!(null)))
        .collect();
    for field in Field::ALL {
        casts(*field, &nothing);
    }
    assert!(is_missing(&Value::UNDEFINED));
}

#[test]
fn an_id_is_a_text_or_a_whole_number() {
    casts(
        Field::BookingId,
        &[
            (json!(" BK-1 "), json!("BK-1")),
            (json!(26006), json!("26006")),
            (
                json!(18_446_744_073_709_551_615_u64),
                json!("18446744073709551615"),
            ),
        ],
    );
    refuses(
        Field::BookingId,
        &[json!(true), json!(1.5), json!(1e300), json!({"a": 1})],
        FieldProblem::WrongType,
    );
}

#[test]
fn a_day_without_a_zone_is_as_written_and_an_instant_is_the_day_at_the_resort() {
    casts(
        Field::CheckIn,
        &[
            (json!("2026-12-20"), json!("2026-12-20")),
            (json!("2022-05-21T00:00:00"), json!("2022-05-21")),
            (json!("2017-06-10 10:41:10"), json!("2017-06-10")),
            (json!("2026-12-20T23:30:00Z"), json!("2026-12-21")),
            (json!("2026-12-20T23:30:00+02:00"), json!("2026-12-20")),
            (json!("2026-12-20T23:30:00-0500"), json!("2026-12-21")),
            (json!("2025-11-05T23:22:57.7568092+00:00"), json!("2025-11-06")),
            // Midnight in Athens; the day before in UTC.
            (json!("1394143200"), json!("2014-03-07")),
            (json!(1_394_143_200), json!("2014-03-07")),
            (json!(1_394_143_200_000_u64), json!("2014-03-07")),
            (json!(1_766_005_022.073_195), json!("2025-12-17")),
        ],
    );
    refuses(
        Field::CheckIn,
        &[
            json!("20.12.2026"),
            json!("2026-12-2"),
            json!("2026-02-30"),
            json!("soon"),
            json!(-5),
            json!(1e18),
        ],
        FieldProblem::NotADate,
    );
    refuses(
        Field::CheckIn,
        &[json!(true), json!(["2026-12-20"])],
        FieldProblem::WrongType,
    );
}

#[test]
fn an_instant_without_a_zone_is_utc() {
    casts(
        Field::OccurredAt,
        &[
            (json!("2022-05-17T19:56:32+00:00"), json!("2022-05-17T19:56:32Z")),
            (json!("2021-09-08 11:41:06"), json!("2021-09-08T11:41:06Z")),
            (json!("2021-09-08 11:41:06 UTC"), json!("2021-09-08T11:41:06Z")),
            (
                json!("2025-08-14T21:29:52.926Z"),
                json!("2025-08-14T21:29:52.926Z"),
            ),
            (
                json!("2025-11-05T15:22:57.7568092+00:00"),
                json!("2025-11-05T15:22:57.756809200Z"),
            ),
            (json!(1_692_268_510_605_u64), json!("2023-08-17T10:35:10.605Z")),
            (json!(1_766_005_022.073_195), json!("2025-12-17T20:57:02.073195Z")),
            (json!("1394156618"), json!("2014-03-07T01:43:38Z")),
        ],
    );
}

#[test]
fn a_time_is_read_in_a_named_zone_and_a_day_is_cut_out_of_it() {
    let in_zone = |text: &str, zone: &str| in_zone(Value::from(text), zone);
    assert_eq!(
        in_zone("2026-07-01 12:00:00", "Europe/Athens").unwrap().as_str(),
        Some("2026-07-01T09:00:00Z")
    );
    assert_eq!(
        in_zone("2026-07-01T12:00:00Z", "Europe/Athens").unwrap().as_str(),
        Some("2026-07-01T12:00:00Z")
    );
    assert!(in_zone("2026-07-01", "Athens").is_err());
    assert_eq!(
        date_of(Value::from("2026-12-20T00:00:00Z")).as_str(),
        Some("2026-12-20")
    );
    assert!(date_of(Value::from("2026")).is_undefined());
    assert!(date_of(Value::from(5)).is_undefined());
}

#[test]
fn of_several_numbers_the_first_valid_one_counts() {
    casts(
        Field::GuestPhone,
        &[
            (json!("+30 691 234 5678"), json!("+30 691 234 5678")),
            (json!([null, "555-SHIP", "691 234 5678"]), json!("691 234 5678")),
            (json!(["555-SHIP", ""]), json!("555-SHIP")),
            (json!([null, {}]), json!(null)),
            (json!(306_912_345_678_u64), json!("306912345678")),
        ],
    );
    let at_home = cast(
        Field::GuestPhone,
        &value(&json!(["691 234 5678", "(800) 559-0985"])),
        locale(),
        "CA".parse().ok(),
    );
    assert_eq!(
        at_home,
        Ok(Some(json!("(800) 559-0985"))),
        "the guest's country goes before the resort's"
    );
}

#[test]
fn texts_flags_languages_and_numbers_are_what_platforms_mean() {
    casts(
        Field::GuestName,
        &[
            (json!(["Ada", null, "Lovelace"]), json!("Ada Lovelace")),
            (json!("Ada"), json!("Ada")),
            (json!([null, ""]), json!(null)),
        ],
    );
    casts(
        Field::GuestLanguage,
        &[
            (json!("en"), json!("en")),
            (json!("pt_BR"), json!("pt_BR")),
            (json!("English"), json!(null)),
            (json!(7), json!(null)),
        ],
    );
    casts(
        Field::GuestConsent,
        &[
            (json!(true), json!(true)),
            (json!(0), json!(false)),
            (json!("No"), json!(false)),
            (json!("perhaps"), json!(null)),
            (json!(2), json!(null)),
        ],
    );
    casts(
        Field::Guests,
        &[
            (json!(2), json!(2)),
            (json!("2"), json!(2)),
            (json!(2.0), json!(2.0)),
        ],
    );
    casts(
        Field::TotalAmount,
        &[(json!(830.0), json!("830.0")), (json!("48.30"), json!("48.30"))],
    );
    refuses(
        Field::Guests,
        &[json!("two"), json!([2])],
        FieldProblem::WrongType,
    );
    refuses(
        Field::Room,
        &[json!(true), json!({"name": "x"})],
        FieldProblem::WrongType,
    );
}
