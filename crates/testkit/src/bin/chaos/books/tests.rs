//! Books that are right, and every way in which they can be wrong.

use std::time::Duration;

use super::*;
use crate::bookings::{self, Expected};
use crate::whatsapp::Call;

const CONFIRMED: &[&str] = &["confirmed"];

/// One guest who gets a confirmation, and of whom everything is as it must be.
fn right() -> (Season, Evidence) {
    let guest = Expected {
        phone: "+306900000001".to_owned(),
        bookings: vec![("BK-1".to_owned(), CONFIRMED)],
        gets: vec!["confirmed"],
        may_get: vec!["reminder_1"],
    };
    let told = bookings::draw(1, 1, Duration::from_secs(1)).tellings;
    let season = Season {
        tellings: told.into_iter().take(1).collect(),
        guests: vec![guest],
    };
    let evidence = Evidence {
        events: ["direct/evt-0".to_owned()].into(),
        bookings: [("BK-1".to_owned(), "confirmed".to_owned())].into(),
        messages: [(
            "id-1".to_owned(),
            Message::of("id-1", "BK-1", "reservation_confirmation", "sent"),
        )]
        .into(),
        calls: vec![call("confirmed", true)],
    };
    (season, evidence)
}

fn call(template: &str, accepted: bool) -> Call {
    Call {
        to: Some("+306900000001".to_owned()),
        template: Some(template.to_owned()),
        callback_data: Some("id-1.1".to_owned()),
        accepted,
    }
}

/// What is found when the evidence is spoilt so.
fn found(spoil: impl FnOnce(&mut Evidence)) -> Vec<&'static str> {
    let (season, mut evidence) = right();
    spoil(&mut evidence);
    let Findings(all) = judge(&season, &evidence);
    all.into_iter()
        .filter(|(_, found)| !found.is_empty())
        .map(|(name, _)| name)
        .collect()
}

fn dies(evidence: &mut Evidence) {
    let dead = Message::of("id-1", "BK-1", "reservation_confirmation", "dead");
    evidence.messages.insert("id-1".to_owned(), dead);
}

#[test]
fn books_that_are_right_show_nothing() {
    assert_eq!(found(|_| {}), Vec::<&str>::new());
    assert_eq!(
        found(|evidence| evidence.calls.push(call("reminder_1", true))),
        Vec::<&str>::new()
    );
    assert_eq!(
        found(|evidence| evidence.calls.push(call("confirmed", false))),
        Vec::<&str>::new()
    );
}

#[test]
fn every_wrong_is_found_under_its_name() {
    assert_eq!(found(|evidence| evidence.events.clear()), [LOST]);
    assert_eq!(found(|evidence| evidence.bookings.clear()), [WRONG_STATE]);
    assert_eq!(found(|evidence| evidence.calls.clear()), [MISSING]);
    assert_eq!(
        found(|evidence| evidence.calls.push(call("confirmed", true))),
        [DOUBLED]
    );
    assert_eq!(
        found(|evidence| evidence.calls.push(call("review", true))),
        [UNWANTED]
    );
    assert_eq!(found(dies), [TAKEN_AND_DEAD]);
    let waits = Message::of("id-1", "BK-1", "reservation_confirmation", "held");
    assert_eq!(
        found(|evidence| evidence.messages = [("id-1".to_owned(), waits)].into()),
        [UNDER_WAY]
    );
}

#[test]
fn what_a_person_was_told_of_is_not_missing() {
    let never_taken = |evidence: &mut Evidence| {
        dies(evidence);
        evidence.calls = vec![call("confirmed", false)];
    };

    assert_eq!(found(never_taken), Vec::<&str>::new());
}
