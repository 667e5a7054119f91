//! Which guests may get messages, and which messages are skipped.

use super::*;
use crate::event::EventType::{BookingStarted, GuestCheckedOut, ReservationConfirmed, ReservationModified};
use crate::message::MessageKind::{Reminder1, ReservationConfirmation, ReviewRequest};
use crate::phone_number::PhoneNumber;

/// A cart, a reservation and a check-out of one hour, each of a booking of its own, at the moment of its message.
fn each_kind(change: impl Fn(Event) -> Event) -> Vec<(MessageKind, Story, &'static str)> {
    [
        (Reminder1, BookingStarted, "11-23 10:30"),
        (ReservationConfirmation, ReservationConfirmed, "11-23 10:00"),
        (ReviewRequest, GuestCheckedOut, "11-23 14:00"),
    ]
    .into_iter()
    .map(|(kind, event_type, now)| (kind, Story::of([change(event(event_type, "11-23 10:00"))]), now))
    .collect()
}

fn skipped(decision: Option<Decision>) -> Option<Reason> {
    match decision? {
        Decision::Skip(reason, _) => Some(reason),
        _ => None,
    }
}

#[test]
fn an_event_that_must_not_notify_counts_for_the_booking_and_sends_nothing() {
    for (kind, story, now) in each_kind(silent) {
        let not_wanted = Some(Decision::NotWanted(Reason::NotifyOff));
        assert_eq!(story.decision(kind, now), not_wanted);
        assert_eq!(story.changes(now), []);
    }
}

#[test]
fn a_missing_or_invalid_phone_number_skips_every_message_with_the_reason() {
    for (phone, reason) in [(None, Reason::NoPhone), (Some("12"), Reason::InvalidPhone)] {
        for (kind, story, now) in each_kind(|event| with_phone(event, phone)) {
            assert_eq!(skipped(story.decision(kind, now)), Some(reason), "{kind}");
        }
    }
}

#[test]
fn a_phone_number_that_arrives_later_queues_the_skipped_message() {
    let mut story = Story::of([with_phone(event(ReservationConfirmed, "11-23 10:00"), None)]);
    let skipped = untouched(MessageState::Skipped, Some(Reason::NoPhone));
    story.has(ReservationConfirmation, "11-23 10:00", skipped);
    let message = story.circumstances.messages[0].id;

    assert_eq!(story.changes("11-23 11:00"), []);
    story.hears(&event(ReservationModified, "11-23 12:00"));
    let queued = difference::Change::Queue(message, window("11-23 10:00", "11-25 10:00"));
    assert_eq!(story.changes("11-23 12:00"), [queued]);
    assert_eq!(story.changes("11-25 10:00"), []);
}

#[test]
fn without_consent_only_confirmations_are_sent() {
    let refused = |mut event: Event| {
        event.guest.consent = Some(false);
        event
    };
    for (kind, story, now) in each_kind(refused) {
        let reason = resort().is_marketing(kind).then_some(Reason::NoConsent);
        assert_eq!(skipped(story.decision(kind, now)), reason, "{kind}");
    }
}

/// A story's phone number, and the decision about each kind of message to it.
fn to(phone: &str) -> Vec<(MessageKind, Story, &'static str)> {
    each_kind(|event| with_phone(event, Some(phone)))
}

// shows: B59
#[test]
fn to_a_number_of_the_united_states_only_confirmations_are_sent_unless_the_file_says_otherwise() {
    for (kind, mut story, now) in to("+1 202-555-0123") {
        let reason = resort().is_marketing(kind).then_some(Reason::UsMarketing);
        assert_eq!(skipped(story.decision(kind, now)), reason, "{kind}");

        story.resort.limits.us_marketing = true;
        assert_eq!(skipped(story.decision(kind, now)), None, "{kind}");
    }
    // A toll-free number is one of the United States.
    assert_eq!(skipped_reminder("+1 800 356 9377"), Some(Reason::UsMarketing));
    for elsewhere in [
        "+1 416-555-0123",
        "+1 809-555-0123",
        "+1 787 234 5678",
        "+30 691 234 5678",
    ] {
        assert_eq!(skipped_reminder(elsewhere), None, "{elsewhere}");
    }
}

fn skipped_reminder(phone: &str) -> Option<Reason> {
    let (kind, story, now) = to(phone).remove(0);
    skipped(story.decision(kind, now))
}

// shows: B59
#[test]
fn a_corrected_number_is_checked_again_for_its_country() {
    let (greek, american) = ("+306912345678", "+12025550123");
    for (wrong, right) in [(american, greek), (greek, american)] {
        let (kind, mut story, now) = to(wrong).remove(0);
        let number = PhoneNumber::parse(right, None).unwrap();
        let correction = story.facts.corrected(number, None, "anna", at("11-23 10:10"));
        let before = skipped(story.decision(kind, now));

        story.facts = story.facts.merge(correction);

        let after = skipped(story.decision(kind, now));
        let reason = |phone| (phone == american).then_some(Reason::UsMarketing);
        assert_eq!((before, after), (reason(wrong), reason(right)));
    }
}

#[test]
fn a_reminder_that_was_skipped_for_its_country_is_sent_once_the_number_is_corrected() {
    let mut story = Story::of([with_phone(
        event(BookingStarted, "11-23 10:00"),
        Some("+12025550123"),
    )]);
    let skipped = untouched(MessageState::Skipped, Some(Reason::UsMarketing));
    story.has(Reminder1, "11-23 10:30", skipped);
    let message = story.circumstances.messages[0].id;
    assert_eq!(story.changes("11-23 11:00"), []);

    let number = PhoneNumber::parse("+306912345678", None).unwrap();
    let correction = story.facts.corrected(number, None, "anna", at("11-23 11:00"));
    story.facts = story.facts.merge(correction);

    let queued = difference::Change::Queue(message, window("11-23 10:30", "11-23 22:30"));
    assert_eq!(story.changes("11-23 11:00"), [queued]);
}

#[test]
fn consent_that_is_given_later_counts() {
    let mut refused = event(BookingStarted, "11-23 10:00");
    refused.guest.consent = Some(false);
    let mut given = event(BookingStarted, "11-23 10:01");
    given.guest.consent = Some(true);

    let story = Story::of([given, refused]);

    assert!(matches!(
        story.decision(Reminder1, "11-23 10:31"),
        Some(Decision::Due(_))
    ));
}

#[test]
fn after_an_opt_out_only_confirmations_are_sent_until_the_guest_opts_in_again() {
    for (kind, mut story, now) in each_kind(|event| event) {
        story.circumstances.marketing_consent.opted_out_at = Some(at("11-01 10:00"));
        let reason = resort().is_marketing(kind).then_some(Reason::OptedOut);
        assert_eq!(skipped(story.decision(kind, now)), reason, "{kind}");

        story.circumstances.marketing_consent.opted_in_at = Some(at("11-02 10:00"));
        assert!(
            matches!(story.decision(kind, now), Some(Decision::Due(_))),
            "{kind}"
        );
    }
}
