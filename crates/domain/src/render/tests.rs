//! Values, links, languages, and missing values.

use chrono::{DateTime, NaiveDate};

use super::*;
use crate::facts::{Fact, Facts, Stamp};
use crate::plan::tests::resort;
use crate::stay::{Money, Personal};

fn fact<T>(value: T) -> Option<Fact<T>> {
    Some(Fact {
        stamp: Stamp {
            at: DateTime::UNIX_EPOCH,
            rank: 0,
            event: "direct/1".into(),
        },
        value,
    })
}

fn facts() -> Facts {
    Facts {
        name: fact(Personal::new("Ada\tKing  Lovelace")),
        resume_url: fact(Personal::new("https://book.example/r/BK:1 x?a=%20b|c")),
        check_in: fact(NaiveDate::from_ymd_opt(2026, 12, 20).unwrap()),
        check_out: fact(NaiveDate::from_ymd_opt(2026, 12, 27).unwrap()),
        total: fact(Money {
            amount: "1240.00".into(),
            currency: "EUR".into(),
        }),
        ..Facts::default()
    }
}

fn check(name: &str, language: &str, expected: Option<&str>) {
    let (facts, resort, booking) = (facts(), resort(), BookingId::parse("BK-1").unwrap());
    let kind = MessageKind::Reminder1;
    let subject = Subject {
        kind,
        booking: &booking,
        facts: &facts,
        resort: &resort,
    };
    let found = text_of(
        subject,
        &Language::parse(language).unwrap(),
        &Value::parse(name).unwrap(),
    );
    assert_eq!(
        found.map(|text| one_line(&text)).as_deref(),
        expected,
        "{name} in {language}"
    );
}

#[test]
fn values_are_written_in_the_language_of_the_template() {
    check("stay.check_in", "en_US", Some("Dec 20, 2026"));
    check("stay.check_in", "de", Some("20.12.2026"));
    check("stay.total", "en", Some("1,240.00 EUR"));
    check("stay.total", "de", Some("1.240,00 EUR"));
    check("stay.nights", "de", Some("7"));
    check("guest.first_name", "en", Some("Ada"));
    check("guest.name", "en", Some("Ada King Lovelace"));
    check("stay.room", "en", None);
}

// shows: B68
#[test]
fn untrusted_text_counts_as_missing_if_it_would_be_a_link() {
    let link = || fact(Personal::new("https://evil.example/prize Ada"));
    let facts = Facts {
        name: link(),
        room: fact("evil.com".to_owned()),
        resume_url: fact(Personal::new("https://book.example/r")),
        ..Facts::default()
    };
    let mut resort = resort();
    resort.name = "azure-bay.com".into();
    resort
        .values
        .insert("review_link".into(), "https://reviews.example".into());
    let booking = BookingId::parse("booking.com/1001").unwrap();
    let subject = Subject {
        kind: MessageKind::Reminder1,
        booking: &booking,
        facts: &facts,
        resort: &resort,
    };
    let text = |name: &str| text_of(subject, &resort.language, &Value::parse(name).unwrap());

    for untrusted in ["guest.name", "guest.first_name", "stay.room", "booking.id"] {
        assert_eq!(text(untrusted), None, "{untrusted}");
        assert_eq!(
            fill_text(subject, &resort.language, &format!("Hi {{{untrusted}}}")),
            Err(NoContent::Skip(Reason::MissingValue))
        );
    }
    for own in ["resort.name", "values.review_link", "booking.resume_url"] {
        assert!(text(own).is_some(), "{own}");
    }
}

#[test]
fn a_resume_path_keeps_its_query_and_escapes_and_encodes_what_whatsapp_refuses() {
    let path = link::path_of("https://book.example/r/BK:1 x?a=%20b|c").unwrap();

    assert_eq!(link::encode(&path), "r/BK%3A1%20x?a=%20b%7Cc");
    assert_eq!(link::encode("grün 100%"), "gr%C3%BCn%20100%25");
}
