//! What a plan changes in the messages that exist.

use super::difference::Change;
use super::*;
use crate::event::EventType::{BookingStarted, ReservationConfirmed};
use crate::message::MessageKind::Reminder1;
use crate::resort::{Template, Value, Variable, Variables};
use crate::stay::Personal;

/// A cart of 10:00 whose first reminder is in a state.
fn cart_with(change: impl FnOnce(&mut Existing)) -> (Story, MessageId) {
    let mut story = Story::of([event(BookingStarted, "11-23 10:00")]);
    story.has(Reminder1, "11-23 10:30", change);
    let id = story.circumstances.messages[0].id;
    (story, id)
}

fn attempted(state: MessageState) -> impl FnOnce(&mut Existing) {
    move |message| (message.state, message.attempts) = (state, 1)
}

#[test]
fn a_message_that_matches_the_plan_is_not_changed() {
    let (story, _) = cart_with(|_| {});

    assert_eq!(story.changes("11-23 10:30"), []);
}

#[test]
fn a_message_that_was_never_attempted_follows_the_plan() {
    for state in [MessageState::Queued, MessageState::Held] {
        let (mut story, id) = cart_with(untouched(state, None));
        story.hears(&event(BookingStarted, "11-23 10:31"));

        let later = Change::Queue(id, window("11-23 11:01", "11-23 23:01"));
        assert_eq!(story.changes("11-23 10:31"), [later], "{state}");
    }
}

#[test]
fn a_message_that_was_never_attempted_expires_or_is_skipped_where_it_waits() {
    for state in [MessageState::Queued, MessageState::Held] {
        let (mut story, id) = cart_with(untouched(state, None));

        assert_eq!(story.changes("11-23 22:30"), [Change::Expire(id)], "{state}");
        story.circumstances.marketing_consent.opted_out_at = Some(at("11-23 10:29"));
        let skipped = Change::Skip(id, Reason::OptedOut);
        assert_eq!(story.changes("11-23 10:30"), [skipped], "{state}");
    }
}

#[test]
fn an_attempted_message_can_only_be_withdrawn() {
    for state in [
        MessageState::Queued,
        MessageState::Held,
        MessageState::Sending,
        MessageState::Unknown,
    ] {
        let (mut story, id) = cart_with(attempted(state));
        story.hears(&event(BookingStarted, "11-23 10:31"));
        assert_eq!(story.changes("11-23 10:31"), [], "{state}");

        story.hears(&event(ReservationConfirmed, "11-23 10:32"));
        let withdrawn = Change::Withdraw(id, Reason::Confirmed);
        assert!(story.changes("11-23 10:32").contains(&withdrawn), "{state}");
    }
}

#[test]
fn a_message_that_ended_is_not_changed() {
    for state in [
        MessageState::Sent,
        MessageState::Delivered,
        MessageState::Read,
        MessageState::Dead,
    ] {
        let (mut story, id) = cart_with(attempted(state));
        story.hears(&event(ReservationConfirmed, "11-23 10:32"));

        let of_the_reminder =
            |change: &Change| matches!(change, Change::Withdraw(changed, _) if *changed == id);
        assert!(
            !story.changes("11-23 10:32").iter().any(of_the_reminder),
            "{state}"
        );
    }
}

#[test]
fn a_message_that_was_never_sent_is_queued_again_when_the_guest_leaves_again() {
    for state in [MessageState::Withdrawn, MessageState::Expired] {
        let (mut story, id) = cart_with(untouched(state, None));
        story.hears(&event(BookingStarted, "11-24 10:00"));

        assert_eq!(story.changes("11-24 10:00"), [], "{state}");
        let queued = Change::Queue(id, window("11-24 10:30", "11-24 22:30"));
        assert_eq!(story.changes("11-24 10:30"), [queued], "{state}");
    }
}

#[test]
fn a_skipped_message_stays_skipped_if_no_event_can_change_the_reason() {
    for reason in [Reason::TestMode, Reason::Erased] {
        let (story, _) = cart_with(untouched(MessageState::Skipped, Some(reason)));

        assert_eq!(story.changes("11-23 10:31"), [], "{reason}");
    }
}

// shows: B213
#[test]
fn no_second_reminder_follows_one_that_was_held_out() {
    let (mut story, _) = cart_with(untouched(MessageState::Skipped, Some(Reason::HeldOut)));
    assert_eq!(story.changes("11-23 10:31"), []);
    assert_eq!(story.changes("11-25 22:00"), []);

    story.hears(&event(BookingStarted, "11-26 10:00"));

    assert_eq!(story.changes("11-26 10:30").len(), 1);
}

// shows: B153
#[test]
fn a_capped_message_stays_skipped_unless_the_guest_leaves_again() {
    let (mut story, id) = cart_with(untouched(MessageState::Skipped, Some(Reason::Capped)));
    assert_eq!(story.changes("11-23 10:31"), []);
    assert_eq!(story.changes("11-23 22:00"), []);

    story.hears(&event(BookingStarted, "11-24 10:00"));

    assert_eq!(story.changes("11-24 10:00"), []);
    let queued = Change::Queue(id, window("11-24 10:30", "11-24 22:30"));
    assert_eq!(story.changes("11-24 10:30"), [queued]);
}

#[test]
fn a_message_that_lacked_a_value_is_queued_again_once_an_event_brings_it() {
    let (mut story, id) = cart_with(untouched(MessageState::Skipped, Some(Reason::MissingValue)));
    let template = Template {
        name: "booking_reminder_1".into(),
        language_code: "en_US".into(),
        header: Variables::Positional(vec![Variable {
            value: Value::GuestFirstName,
            or_else: None,
        }]),
        body: Variables::Positional(Vec::new()),
        button_url: None,
        replies: Vec::new(),
    };
    let by_language = BTreeMap::from([(Language::parse("en").unwrap(), template)]);
    story.resort.templates.insert(Reminder1, by_language);
    assert_eq!(story.changes("11-23 10:31"), []);

    let mut named = event(BookingStarted, "11-23 10:05");
    named.guest.name = Some(Personal::new("Ada Lovelace"));
    story.hears(&named);
    let queued = Change::Queue(id, window("11-23 10:35", "11-23 22:35"));
    assert_eq!(story.changes("11-23 10:36"), [queued]);
}
