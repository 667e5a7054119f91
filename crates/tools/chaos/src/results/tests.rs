//! Results that are right, and every way in which they can be wrong.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::bookings;
use crate::fault::{Fault, Mood};
use crate::play::Played;
use crate::whatsapp::Call;

const CONFIRMED: &[&str] = &["confirmed"];

/// One guest who gets a confirmation, and of whom everything is as it must be.
fn right() -> (Season, Evidence) {
    let guest = Expected {
        phone: "+306900000001".to_owned(),
        begins_at: Duration::ZERO,
        bookings: vec![("BK-1".to_owned(), CONFIRMED)],
        gets: vec!["confirmed"],
        may_get: vec!["reminder_1"],
    };
    let drawn = bookings::draw(1, 1, Duration::from_secs(1)).webhooks;
    let season = Season {
        webhooks: drawn.into_iter().take(1).collect(),
        guests: vec![guest],
    };
    let evidence = Evidence {
        events: ["direct/evt-0".to_owned()].into(),
        bookings: [("BK-1".to_owned(), "confirmed".to_owned())].into(),
        messages: [(
            "id-1".to_owned(),
            Message::of("id-1", ("BK-1", 0), "reservation_confirmation", "sent"),
        )]
        .into(),
        calls: vec![call("id-1.1", "confirmed", true)],
        ..Evidence::default()
    };
    (season, evidence)
}

fn call(of: &str, template: &str, accepted: bool) -> Call {
    Call {
        at: DateTime::UNIX_EPOCH,
        to: Some("+306900000001".to_owned()),
        template: Some(template.to_owned()),
        callback_data: Some(of.to_owned()),
        accepted,
    }
}

/// What is found when the evidence is spoilt so.
fn found(spoil: impl FnOnce(&mut Evidence)) -> Vec<&'static str> {
    let (season, mut evidence) = right();
    spoil(&mut evidence);
    names(judge(&season, &evidence))
}

fn names(Findings(all): Findings) -> Vec<&'static str> {
    all.into_iter()
        .filter(|(_, found)| !found.is_empty())
        .map(|(name, _)| name)
        .collect()
}

fn dies(evidence: &mut Evidence) {
    let dead = Message::of("id-1", ("BK-1", 0), "reservation_confirmation", "dead");
    evidence.messages.insert("id-1".to_owned(), dead);
}

#[test]
fn results_that_are_right_show_nothing() {
    assert_eq!(found(|_| {}), Vec::<&str>::new());
    assert_eq!(
        found(|evidence| evidence.calls.push(call("id-2.1", "reminder_1", true))),
        Vec::<&str>::new()
    );
    assert_eq!(
        found(|evidence| evidence.calls.push(call("id-1.2", "confirmed", false))),
        Vec::<&str>::new()
    );
}

// shows: G32
#[test]
fn every_wrong_is_found_under_its_name() {
    assert_eq!(found(|evidence| evidence.events.clear()), [LOST]);
    assert_eq!(found(|evidence| evidence.bookings.clear()), [WRONG_STATE]);
    assert_eq!(found(|evidence| evidence.calls.clear()), [MISSING]);
    assert_eq!(
        found(|evidence| evidence.calls.push(call("id-1.2", "confirmed", true))),
        [DOUBLED]
    );
    assert_eq!(
        found(|evidence| evidence.calls.push(call("id-3.1", "review", true))),
        [UNWANTED]
    );
    assert_eq!(found(dies), [TAKEN_AND_DEAD]);
    let waits = Message::of("id-1", ("BK-1", 0), "reservation_confirmation", "held");
    assert_eq!(
        found(|evidence| evidence.messages = [("id-1".to_owned(), waits)].into()),
        [UNDER_WAY]
    );
}

/// A guest who may have got one confirmation of the first round, and gets one of the second.
fn found_in_two_rounds(calls: &[&str]) -> Vec<&'static str> {
    let (mut season, mut evidence) = right();
    season.guests[0].may_get.push("confirmed");
    let second = Message::of("id-2", ("BK-1", 1), "reservation_confirmation", "sent");
    evidence.messages.insert("id-2".to_owned(), second);
    evidence.calls = calls.iter().map(|of| call(of, "confirmed", true)).collect();
    names(judge(&season, &evidence))
}

// shows: G32
#[test]
fn each_round_is_judged_by_itself() {
    assert_eq!(found_in_two_rounds(&["id-1.1", "id-2.1"]), Vec::<&str>::new());
    assert_eq!(found_in_two_rounds(&["id-2.1"]), Vec::<&str>::new());
    assert_eq!(
        found_in_two_rounds(&["id-2.1", "id-2.2"]),
        [DOUBLED],
        "not one of each"
    );
    assert_eq!(found_in_two_rounds(&["id-1.1"]), [MISSING], "the last one");
    assert_eq!(
        found_in_two_rounds(&["id-1.1", "id-2.1", "id-3.1"]),
        [DOUBLED],
        "a third one"
    );
}

#[test]
fn a_letter_that_was_settled_since_is_still_one_of_a_message_that_whatsapp_took() {
    let at = DateTime::UNIX_EPOCH;
    let spoil = |evidence: &mut Evidence| {
        evidence.letters.push(Letter::of_second_silence("id-1", at));
        evidence.played.push(cuts_off(at));
    };

    assert_eq!(found(spoil), [TAKEN_AND_DEAD]);
}

/// A minute in which WhatsApp breaks off.
fn cuts_off(from: DateTime<Utc>) -> Played {
    Played {
        fault: Fault::WhatsApp(Mood::CutsBefore),
        from,
        until: from + TimeDelta::minutes(1),
    }
}

// shows: G32
#[test]
fn a_letter_is_explained_by_a_fault_that_may_have_lost_its_last_call() {
    let found_after = |minutes: i64| {
        found(|evidence| {
            dies(evidence);
            evidence.calls.clear();
            let claimed_at = DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
            evidence
                .letters
                .push(Letter::of_second_silence("id-1", claimed_at));
            evidence.played.push(cuts_off(DateTime::UNIX_EPOCH));
        })
    };

    assert_eq!(found_after(0), Vec::<&str>::new());
    assert_eq!(found_after(2), [UNEXPLAINED]);
    assert_eq!(found_after(-2), [UNEXPLAINED]);
}

#[test]
fn what_a_person_was_told_of_is_not_missing() {
    let never_taken = |evidence: &mut Evidence| {
        dies(evidence);
        evidence.calls = vec![call("id-1.2", "confirmed", false)];
    };

    assert_eq!(found(never_taken), Vec::<&str>::new());
}
