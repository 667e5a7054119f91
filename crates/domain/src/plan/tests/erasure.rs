//! An erased guest gets no message that follows from earlier facts.

use super::difference::Change;
use super::*;
use EventType::{BookingAbandoned, GuestCheckedOut, ReservationConfirmed};
use MessageKind::{Reminder1, ReservationConfirmation, ReviewRequest};

impl Story {
    fn forgets(&mut self, when: &str) {
        self.facts = std::mem::take(&mut self.facts).without_guest(at(when));
    }
}

const ERASED: Option<Decision> = Some(Decision::NotWanted(Reason::Erased));

#[test]
fn after_an_erasure_nothing_is_wanted_and_waiting_messages_are_withdrawn() {
    let mut story = Story::of([event(BookingAbandoned, "11-23 10:00")]);
    story.has(Reminder1, "11-23 10:00", |_| {});
    let id = story.circumstances.messages[0].id;

    story.forgets("11-23 10:05");

    assert_eq!(story.decision(Reminder1, "11-23 10:05"), ERASED);
    assert_eq!(
        story.changes("11-23 10:05"),
        [Change::Withdraw(id, Reason::Erased)]
    );
    assert_eq!(story.status("11-23 10:05"), Status::Abandoned);
}

#[test]
fn a_timer_after_an_erasure_sends_no_reminder() {
    let mut story = Story::of([event(EventType::BookingStarted, "11-23 10:00")]);

    story.forgets("11-23 10:05");

    assert_eq!(story.decision(Reminder1, "11-23 10:31"), ERASED);
    assert_eq!(story.changes("11-23 10:31"), []);
    assert_eq!(story.status("11-23 10:31"), Status::Abandoned);
}

#[test]
fn a_message_during_its_call_is_only_marked_as_withdrawn() {
    let mut story = Story::of([event(ReservationConfirmed, "11-23 10:00")]);
    story.has(ReservationConfirmation, "11-23 10:00", |message| {
        (message.state, message.attempts) = (MessageState::Sending, 1);
    });
    let id = story.circumstances.messages[0].id;

    story.forgets("11-23 10:01");

    assert_eq!(
        story.changes("11-23 10:01"),
        [Change::Withdraw(id, Reason::Erased)]
    );
}

#[test]
fn a_guest_who_books_again_after_an_erasure_gets_messages() {
    let mut story = Story::of([event(ReservationConfirmed, "11-23 10:00")]);
    story.forgets("11-23 10:05");

    story.hears(&event(GuestCheckedOut, "11-30 09:00"));

    assert_eq!(story.decision(ReservationConfirmation, "11-30 13:00"), ERASED);
    let review = story.decision(ReviewRequest, "11-30 13:00");
    assert!(matches!(review, Some(Decision::Due(_))), "{review:?}");
}

#[test]
fn messages_that_the_plan_does_not_mention_are_withdrawn_too() {
    let mut story = Story::of([]);
    story.has(Reminder1, "11-23 10:00", |_| {});
    story.has(ReviewRequest, "11-23 10:00", sent("11-23 10:00"));
    let id = story.circumstances.messages[0].id;

    story.forgets("11-23 10:05");

    assert_eq!(
        story.changes("11-23 10:05"),
        [Change::Withdraw(id, Reason::Erased)]
    );
}
