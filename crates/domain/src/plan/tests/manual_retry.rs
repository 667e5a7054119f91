//! When a person may retry a dead message.

use super::*;
use crate::dead_letter::DecisionRefused;
use crate::event::EventType::{BookingStarted, GuestCheckedOut, ReservationCancelled, ReservationConfirmed};
use crate::message::MessageKind::{Reminder1, Reminder2, ReservationConfirmation, ReviewRequest};
use crate::plan::manual_retry::judge;

fn dead(message: &mut Existing) {
    (message.state, message.attempts) = (MessageState::Dead, 1);
}

/// A cart of 10:00 whose first reminder became a dead letter at 10:31.
fn cart() -> Story {
    let mut story = Story::of([event(BookingStarted, "11-23 10:00")]);
    story.has(Reminder1, "11-23 10:30", dead);
    story
}

fn judged(story: &Story, now: &str) -> Result<Window, DecisionRefused> {
    let message = &story.circumstances.messages[0];
    judge(
        &story.plan(now),
        &story.facts,
        &story.circumstances,
        &story.resort,
        message,
    )
}

#[track_caller]
fn check(story: &Story, now: &str, refusal: DecisionRefused) {
    assert_eq!(judged(story, now), Err(refusal));
}

#[test]
fn a_dead_message_that_is_still_wanted_may_be_sent_within_its_window() {
    let window = window("11-23 10:30", "11-23 22:30");

    assert_eq!(judged(&cart(), "11-23 12:00"), Ok(window));
    assert_eq!(judged(&cart(), "11-23 22:29"), Ok(window));
}

#[test]
fn a_dead_message_that_is_too_late_may_not_be_sent() {
    check(
        &cart(),
        "11-23 22:30",
        DecisionRefused::NotWanted(Reason::Expired),
    );
}

#[test]
fn a_dead_reminder_may_not_be_sent_once_the_guest_has_booked_cancelled_or_returned() {
    for (event_type, occurred, reason) in [
        (ReservationConfirmed, "11-23 10:40", Reason::Confirmed),
        (ReservationCancelled, "11-23 10:40", Reason::Cancelled),
        (BookingStarted, "11-23 10:40", Reason::ActiveAgain),
    ] {
        let mut story = cart();
        story.hears(&event(event_type, occurred));

        check(&story, "11-23 10:41", DecisionRefused::NotWanted(reason));
    }
}

#[test]
fn a_dead_message_may_not_be_sent_after_an_opt_out_or_without_a_number() {
    let mut story = cart();
    story.circumstances.marketing_consent.opted_out_at = Some(at("11-23 10:40"));
    check(
        &story,
        "11-23 10:41",
        DecisionRefused::NotWanted(Reason::OptedOut),
    );

    let mut story = cart();
    story.hears(&with_phone(event(BookingStarted, "11-23 10:01"), Some("12")));
    check(
        &story,
        "11-23 10:41",
        DecisionRefused::NotWanted(Reason::InvalidPhone),
    );
}

#[test]
fn only_a_dead_message_can_be_retried() {
    for (state, refusal) in [
        (MessageState::Delivered, DecisionRefused::SentAfterAll),
        (MessageState::Queued, DecisionRefused::NotDead),
        (MessageState::Withdrawn, DecisionRefused::NotDead),
    ] {
        let mut story = cart();
        story.circumstances.messages[0].state = state;

        check(&story, "11-23 10:41", refusal);
    }
}

#[test]
fn a_dead_confirmation_of_a_cancelled_round_may_not_be_sent() {
    let mut story = Story::of([event(ReservationConfirmed, "11-23 10:00")]);
    story.has(ReservationConfirmation, "11-23 10:00", dead);
    assert!(judged(&story, "11-23 10:41").is_ok());

    story.hears(&event(ReservationCancelled, "11-23 10:40"));
    check(
        &story,
        "11-23 10:41",
        DecisionRefused::NotWanted(Reason::Cancelled),
    );
    story.hears(&event(ReservationConfirmed, "11-23 10:50"));
    check(
        &story,
        "11-23 10:51",
        DecisionRefused::NotWanted(Reason::Cancelled),
    );
}

#[test]
fn a_review_request_waits_for_a_departure_that_was_moved() {
    let mut story = Story::of([event(GuestCheckedOut, "11-23 06:00")]);
    story.has(ReviewRequest, "11-23 06:00", dead);
    assert!(judged(&story, "11-23 10:41").is_ok());

    story.hears(&event(GuestCheckedOut, "11-23 10:00"));

    check(&story, "11-23 10:41", DecisionRefused::NotYet);
}

#[test]
fn a_dead_second_reminder_may_be_sent_if_the_first_was_sent() {
    let mut story = Story::of([event(BookingStarted, "11-22 09:00")]);
    story.has(Reminder2, "11-22 09:30", dead);
    story.has(Reminder1, "11-22 09:30", sent("11-22 09:31"));

    assert!(judged(&story, "11-23 10:41").is_ok());
    story.circumstances.messages[1].state = MessageState::Dead;
    check(
        &story,
        "11-23 10:41",
        DecisionRefused::NotWanted(Reason::FirstReminderNeverWent),
    );
}
