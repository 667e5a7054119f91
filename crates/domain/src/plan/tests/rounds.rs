//! Cancellations end a round; what comes later begins a new one.

use super::difference::{Change, InitialState};
use super::*;
use crate::event::EventType::{
    GuestCheckedIn, GuestCheckedOut, ReservationCancelled, ReservationConfirmed, ReservationModified,
};
use crate::message::MessageKind::{ReservationConfirmation, ReviewRequest};

/// The rounds that would be created now.
fn born(story: &Story, now: &str) -> Vec<(MessageKind, u32, InitialState)> {
    let changes = story.changes(now).into_iter();
    changes
        .filter_map(|change| match change {
            Change::Create {
                kind, round, initial, ..
            } => Some((kind, round, initial)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_cancellation_withdraws_everything_still_to_come() {
    let mut story = Story::of([
        staying(event(ReservationConfirmed, "11-23 10:00"), "12-20", "12-27"),
        event(ReservationCancelled, "11-23 10:01"),
    ]);
    story.has(ReservationConfirmation, "11-23 10:00", |_| {});
    story.has(ReviewRequest, "11-23 10:00", |message| {
        (message.state, message.attempts) = (MessageState::Sending, 1)
    });

    let withdrawn: Vec<_> = story
        .circumstances
        .messages
        .iter()
        .map(|message| Change::Withdraw(message.id, Reason::Cancelled))
        .collect();
    assert_eq!(story.changes("11-23 10:01"), withdrawn);
    assert_eq!(story.status("11-23 10:01"), Status::Cancelled);
    assert_eq!(story.plan("11-23 10:01").wake_at, None);
}

#[test]
fn a_confirmation_that_arrives_after_its_cancellation_sends_nothing() {
    for cancelled in ["11-23 10:00", "11-23 10:01"] {
        let story = Story::of([
            event(ReservationCancelled, cancelled),
            event(ReservationConfirmed, "11-23 10:00"),
        ]);

        assert_eq!(story.status("11-23 10:02"), Status::Cancelled);
        assert_eq!(story.changes("11-23 10:02"), []);
    }
}

#[test]
fn a_confirmation_after_a_cancellation_is_confirmed_again() {
    let mut story = Story::of([
        event(ReservationConfirmed, "11-23 10:00"),
        event(ReservationCancelled, "11-23 11:00"),
        event(ReservationConfirmed, "11-23 12:00"),
    ]);
    story.has(ReservationConfirmation, "11-23 10:00", sent("11-23 10:01"));

    assert_eq!(story.status("11-23 12:00"), Status::Confirmed);
    assert_eq!(
        born(&story, "11-23 12:00"),
        [(ReservationConfirmation, 1, InitialState::Queued)]
    );
}

#[test]
fn no_kind_is_sent_twice_in_a_round() {
    let mut story = Story::of([
        event(ReservationConfirmed, "11-23 10:00"),
        event(ReservationConfirmed, "11-23 12:00"),
    ]);
    story.has(ReservationConfirmation, "11-23 10:00", sent("11-23 10:01"));

    assert_eq!(story.changes("11-23 12:00"), []);
}

#[test]
fn an_older_cancellation_that_arrives_late_does_not_change_the_new_rounds_message() {
    let mut story = Story::of([event(ReservationConfirmed, "11-23 12:00")]);
    story.has(ReservationConfirmation, "11-23 12:00", sent("11-23 12:01"));
    story.hears(&event(ReservationCancelled, "11-23 11:00"));
    story.hears(&event(ReservationConfirmed, "11-23 10:00"));

    assert_eq!(story.status("11-23 13:00"), Status::Confirmed);
    assert_eq!(story.changes("11-23 13:00"), []);
}

#[test]
fn a_cancellation_that_arrives_after_both_confirmations_opens_the_second_round() {
    let mut story = Story::of([
        event(ReservationConfirmed, "11-23 10:00"),
        event(ReservationConfirmed, "11-23 12:00"),
        event(ReservationCancelled, "11-23 11:00"),
    ]);
    story.has(ReservationConfirmation, "11-23 10:00", |_| {});
    let first = story.circumstances.messages[0].id;

    assert_eq!(
        born(&story, "11-23 12:00"),
        [(ReservationConfirmation, 1, InitialState::Queued)]
    );
    assert!(
        story
            .changes("11-23 12:00")
            .contains(&Change::Withdraw(first, Reason::Cancelled))
    );
}

#[test]
fn a_modification_after_a_cancellation_revives_nothing() {
    let story = Story::of([
        event(ReservationConfirmed, "11-23 10:00"),
        event(ReservationCancelled, "11-23 11:00"),
        event(ReservationModified, "11-23 12:00"),
    ]);

    assert_eq!(story.status("11-23 12:00"), Status::Cancelled);
    assert_eq!(story.changes("11-23 12:00"), []);
}

#[test]
fn the_arrival_of_an_ended_round_does_not_count_in_the_new_one() {
    let story = Story::of([
        staying(event(ReservationConfirmed, "11-01 10:00"), "12-20", "12-27"),
        event(GuestCheckedIn, "11-02 10:00"),
        event(GuestCheckedOut, "11-03 10:00"),
        event(ReservationCancelled, "11-04 10:00"),
        event(ReservationConfirmed, "11-05 10:00"),
    ]);

    assert_eq!(story.status("11-05 10:00"), Status::Confirmed);
    assert_eq!(
        story.decision(ReviewRequest, "11-05 10:00"),
        Some(Decision::NotWanted(Reason::NotArrived))
    );
}
