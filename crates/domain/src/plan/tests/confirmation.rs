//! The confirmation of a reservation.

use super::*;
use crate::event::EventType::{BookingStarted, ReservationConfirmed, ReservationModified};
use crate::message::MessageKind::{ReservationConfirmation, ReviewRequest};

#[test]
fn a_reservation_is_confirmed_at_once() {
    let story = Story::of([event(ReservationConfirmed, "11-23 10:00")]);
    let due = window("11-23 10:00", "11-25 10:00");

    assert_eq!(story.status("11-23 10:00"), Status::Confirmed);
    assert_eq!(
        story.decision(ReservationConfirmation, "11-23 10:00"),
        Some(Decision::Due(due))
    );
    assert_eq!(
        story.decision(ReservationConfirmation, "11-25 10:00"),
        Some(Decision::Expired(due))
    );
}

#[test]
fn a_confirmation_does_without_a_cart_and_takes_the_phone_number_from_before() {
    let alone = Story::of([event(ReservationConfirmed, "11-23 10:00")]);
    let with_cart = Story::of([
        event(BookingStarted, "11-23 09:00"),
        with_phone(event(ReservationConfirmed, "11-23 10:00"), None),
    ]);

    for story in [alone, with_cart] {
        assert!(matches!(
            story.decision(ReservationConfirmation, "11-23 10:00"),
            Some(Decision::Due(_))
        ));
    }
}

#[test]
fn a_modification_moves_stay_and_timers_without_a_second_confirmation() {
    let mut story = Story::of([
        staying(event(ReservationConfirmed, "11-23 10:00"), "12-20", "12-27"),
        staying(event(ReservationModified, "11-24 10:00"), "12-22", "12-29"),
    ]);
    story.has(ReservationConfirmation, "11-23 10:00", sent("11-23 10:01"));

    assert_eq!(story.facts.dates(), (Some(day("12-22")), Some(day("12-29"))));
    assert_eq!(story.plan("11-24 10:00").wake_at, Some(at("12-23 10:00")));
    assert_eq!(story.changes("11-24 10:00"), []);
}

#[test]
fn a_modification_alone_is_a_reservation_but_confirms_nothing() {
    let mut story = Story::of([staying(
        event(ReservationModified, "11-23 10:00"),
        "12-20",
        "12-27",
    )]);

    assert_eq!(story.status("11-23 10:00"), Status::Confirmed);
    assert_eq!(story.decision(ReservationConfirmation, "11-23 10:00"), None);
    story.resort.no_show_after = None;
    assert_eq!(
        opens(story.decision(ReviewRequest, "11-23 10:00")),
        Some(at("12-27 14:00"))
    );
}

#[test]
fn an_older_modification_that_arrives_late_does_not_undo_a_newer_one() {
    let story = Story::of([
        staying(event(ReservationModified, "11-25 10:00"), "12-22", "12-29"),
        staying(event(ReservationModified, "11-24 10:00"), "12-21", "12-28"),
        staying(event(ReservationConfirmed, "11-23 10:00"), "12-20", "12-27"),
    ]);

    assert_eq!(story.facts.dates(), (Some(day("12-22")), Some(day("12-29"))));
}
