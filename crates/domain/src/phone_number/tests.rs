//! Numbers as guests and platforms write them, at resorts of many countries.

use super::*;

fn country(code: &str) -> Country {
    Country::parse(code).unwrap()
}

/// The reading of a number that was typed at a resort of a country; `None`: it is refused.
#[track_caller]
fn check(at: &str, typed: &str, expected: Option<&str>) {
    let read = PhoneNumber::parse(typed, Some(country(at))).ok();

    assert_eq!(
        read.as_ref().map(PhoneNumber::reveal),
        expected,
        "at {at}: {typed:?}"
    );
}

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text, None).unwrap()
}

// shows: B57
#[test]
fn a_number_with_a_country_code_is_the_same_at_every_resort() {
    let countries = [
        "US", "CA", "BS", "JM", "DO", "GR", "DE", "IT", "BR", "MX", "AR", "RU", "HU", "JP",
    ];
    for at in countries {
        check(at, "+49 171 1234567", Some("+491711234567"));
        check(at, "+1809-555-0123", Some("+18095550123"));
        check(at, "+44 (0)7400 123456", Some("+447400123456"));
        check(at, "tel:+30-691-234-5678;ext=12", Some("+306912345678"));
    }
}

// shows: B56
#[test]
fn numbers_are_read_as_guests_type_them() {
    for (at, typed, expected) in [
        ("US", "+49 171 1234567", "+491711234567"),
        ("US", "011 49 171 1234567", "+491711234567"),
        ("GR", "+49 (0)171 1234567", "+491711234567"),
        ("GR", "+1809-555-0123", "+18095550123"),
        ("IT", "393 123 4567", "+393931234567"),
        ("IN", "91234 56789", "+919123456789"),
        ("JP", "０９０-１２３４-５６７８", "+819012345678"),
        ("AE", "٠٥٠ ١٢٣ ٤٥٦٧", "+971501234567"),
        ("DE", "0172 1234567 M", "+491721234567"),
        ("TH", "001 65 9234 5678", "+6592345678"),
    ] {
        check(at, typed, Some(expected));
    }
}

// shows: B56
#[test]
fn text_around_a_number_does_not_matter() {
    for typed in [
        "+306912345678",
        "+30 691 234 5678",
        "00306912345678",
        "6912345678",
        " 691-234-5678 ",
        "＋３０ ６９１ ２３４ ５６７８",
        "\u{202a}+30 691 234 5678\u{202c}",
        "Phone: +30 691 234 5678",
        "+30 691 234 5678 ext. 12",
        "+30 691 234 5678 x12",
        "tel:+30-691-234-5678",
        "tel:6912345678;phone-context=+30",
    ] {
        check("GR", typed, Some("+306912345678"));
    }
}

#[test]
fn a_text_that_is_not_a_number_is_refused() {
    for typed in [
        "",
        "+30 691",
        "hello",
        "+15550001111",
        "6912345678901234567890",
        "+",
        "+0 691 234 5678",
        "+999 691 234 5678",
    ] {
        check("GR", typed, None);
    }
    assert_eq!(PhoneNumber::parse("6912345678", None), Err(InvalidPhoneNumber));
    // A program with newer metadata may name a country that this one does not know.
    let unknown: Country = serde_json::from_str("\"ZZ\"").unwrap();
    assert_eq!(
        PhoneNumber::parse("6912345678", Some(unknown)),
        Err(InvalidPhoneNumber)
    );
    assert_eq!(
        PhoneNumber::parse("+306912345678", Some(unknown)),
        Ok(number("+306912345678"))
    );
}

#[test]
fn a_text_longer_than_google_reads_is_refused() {
    let padded = |length: usize| format!("{:>length$}", "+306912345678");

    check("GR", &padded(LONGEST), Some("+306912345678"));
    check("GR", &padded(LONGEST + 1), None);
    check("GR", &"(".repeat(100_000), None);
}

// shows: B57
#[test]
fn words_behind_a_number_with_its_country_code_never_become_digits() {
    // Google dials 232 for Ada, and numbers of this length exist.
    check("AT", "+43 664 1234567 Ada", None);
    check("GR", "0043 664 1234567 Ada", None);
    check("ID", "+62 812 345 678 Adi", None);
    check("GR", "+49 171 1234567 Mobil", None);

    check("AT", "Ada +43 664 1234567", Some("+436641234567"));
    check("AT", "+43 664 1234567 M", Some("+436641234567"));
    check("AT", "+43 664 1234567 ext 232", Some("+436641234567"));
    check("AR", "+54 11 15 2345 6789 int 123", Some("+5491123456789"));
    check("US", "tel:+378 980437", Some("+3780549980437"));
    check("US", "1-800-FLOWERS", Some("+18003569377"));
}

#[test]
fn a_number_knows_the_calling_code_of_its_country() {
    let code = |digits| PhoneNumber::from_whatsapp(digits).unwrap().country_code();

    for (digits, expected) in [
        ("306912345678", 30),
        ("12025550123", 1),
        ("18095550123", 1),
        ("77012345678", 7),
        ("3584123456", 358),
        ("88213123456", 882),
        // Too short for a number of its country, but still one of that country.
        ("3012345", 30),
        ("0000000", 0),
        ("9991234567", 0),
    ] {
        assert_eq!(code(digits), expected, "{digits}");
    }
}

#[test]
fn a_number_belongs_to_the_country_whose_area_it_is() {
    let of = |text: &str| number(text).country().map(|country| country.to_string());

    for (text, expected) in [
        ("+306912345678", Some("GR")),
        ("+12025550123", Some("US")),
        ("+14165550123", Some("CA")),
        ("+18095550123", Some("DO")),
        ("+17872345678", Some("PR")),
        ("+18763456789", Some("JM")),
        ("+16847331234", Some("AS")),
        ("+18003569377", Some("US")),
        ("+77012345678", Some("KZ")),
        ("+881612345678", None),
    ] {
        assert_eq!(of(text).as_deref(), expected, "{text}");
    }
}

#[test]
fn neither_debug_nor_display_shows_a_number() {
    let number = number("+306912345678");

    assert_eq!(format!("{number} {number:?}"), "+30•••••••678 +30•••••••678");
}

#[test]
fn at_least_five_digits_of_a_number_are_hidden_whatever_its_length() {
    let digits = "1234567890123456789";
    for (length, expected) in [
        (7, "+12•••••"),
        (8, "+12•••••8"),
        (9, "+12•••••89"),
        (10, "+12•••••890"),
        (15, "+12••••••••••345"),
    ] {
        let masked = PhoneNumber(format!("+{}", &digits[..length])).masked();
        assert_eq!(masked, expected);
    }
    // Such numbers are never accepted, but a row may hold one.
    for length in 0..=digits.len() {
        let masked = PhoneNumber(format!("+{}", &digits[..length])).masked();
        let hidden = masked.chars().filter(|character| *character == '•').count();
        assert_eq!(masked.chars().count(), length + 1);
        assert!(hidden >= length.saturating_sub(2).min(5), "{masked}");
    }
}

// shows: B195
#[test]
fn who_types_a_number_is_told_what_is_wrong_with_it_and_what_it_means() {
    let greece = Country::parse("GR").ok();
    for (text, told) in [
        ("", WhyInvalid::Empty),
        ("   ", WhyInvalid::Empty),
        ("hello", WhyInvalid::NoNumber),
        ("+999 1234567", WhyInvalid::UnknownCountry),
        ("+30 691", WhyInvalid::TooShort),
        ("+30 691234567812345", WhyInvalid::TooLong),
        ("+43 664 1234567 Ada", WhyInvalid::Letters),
        ("+30 1912345678", WhyInvalid::NoSuchNumber),
    ] {
        assert_eq!(PhoneNumber::check(text, greece), Err(told), "{text:?}");
    }
    let without_country = PhoneNumber::check("6912345678", None);
    assert_eq!(without_country, Err(WhyInvalid::WithoutCountry));
    let understood = PhoneNumber::check("691 234 5678", greece).map(|number| number.formatted());
    assert_eq!(understood, Ok("+30 691 234 5678".to_owned()));
}
