//! Quiet hours, expiry, and when to plan again.

use chrono::NaiveTime;

use super::*;
use crate::event::EventType::{BookingStarted, GuestCheckedIn, GuestCheckedOut, ReservationConfirmed};
use crate::message::MessageKind::{Reminder1, ReservationConfirmation, ReviewRequest};
use crate::resort::QuietHours;

/// From 21:00 to 09:00 in Athens: 19:00 to 07:00 UTC.
fn at_a_quiet_resort(event: Event) -> Story {
    let mut story = Story::of([event]);
    let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    story.resort.quiet_hours = Some(QuietHours {
        from: hour(21),
        to: hour(9),
    });
    story
}

#[test]
fn quiet_hours_delay_reminders_and_review_requests() {
    let reminder = at_a_quiet_resort(event(BookingStarted, "11-23 18:45"));
    let review = at_a_quiet_resort(event(GuestCheckedOut, "11-23 15:00"));

    assert_eq!(
        opens(reminder.decision(Reminder1, "11-23 19:15")),
        Some(at("11-24 07:00"))
    );
    assert_eq!(
        opens(review.decision(ReviewRequest, "11-23 19:15")),
        Some(at("11-24 07:00"))
    );
    assert_eq!(reminder.plan("11-23 19:15").wake_at, Some(at("11-24 07:00")));
}

#[test]
fn quiet_hours_do_not_delay_the_abandonment_itself() {
    let story = at_a_quiet_resort(event(BookingStarted, "11-23 18:45"));

    assert_eq!(story.plan("11-23 18:45").wake_at, Some(at("11-23 19:15")));
    assert_eq!(story.status("11-23 19:15"), Status::Abandoned);
}

#[test]
fn quiet_hours_do_not_delay_confirmations() {
    let story = at_a_quiet_resort(event(ReservationConfirmed, "11-23 22:00"));

    assert!(matches!(
        story.decision(ReservationConfirmation, "11-23 22:00"),
        Some(Decision::Due(_))
    ));
}

// shows: B63
#[test]
fn expiry_is_counted_from_the_shifted_time() {
    let story = at_a_quiet_resort(event(BookingStarted, "11-23 18:45"));
    let window = window("11-24 07:00", "11-24 19:00");

    assert_eq!(
        story.decision(Reminder1, "11-24 18:59"),
        Some(Decision::Due(window))
    );
    assert_eq!(
        story.decision(Reminder1, "11-24 19:00"),
        Some(Decision::Expired(window))
    );
}

#[test]
fn a_resort_sets_its_own_expiry() {
    let mut story = Story::of([event(BookingStarted, "11-23 10:00")]);
    story.resort.moments.get_mut(&Reminder1).unwrap().expires_after = hours(1);

    assert!(matches!(
        story.decision(Reminder1, "11-23 11:30"),
        Some(Decision::Expired(_))
    ));
}

#[test]
fn a_booking_has_no_timer_when_nothing_will_change() {
    let mut finished = Story::of([event(GuestCheckedOut, "11-23 10:00")]);
    finished.has(ReviewRequest, "11-23 10:00", sent("11-23 14:00"));
    let nothing_to_come = Story::of([event(GuestCheckedIn, "11-23 10:00")]);

    for story in [finished, nothing_to_come] {
        assert_eq!(story.plan("11-23 14:00").wake_at, None);
    }
}

#[test]
fn a_clock_that_was_set_back_makes_a_message_wait_again() {
    let story = Story::of([event(ReservationConfirmed, "11-23 10:00")]);

    assert!(matches!(
        story.decision(ReservationConfirmation, "11-23 09:00"),
        Some(Decision::Later(Some(_)))
    ));
    assert_eq!(story.plan("11-23 09:00").wake_at, Some(at("11-23 10:00")));
}

// shows: B38
#[test]
fn an_event_from_the_future_counts_from_its_arrival() {
    let event = event(BookingStarted, "11-23 18:00");

    let facts = Facts::of_event(&event, at("11-23 10:00"));

    assert_eq!(facts.activity.map(|fact| fact.stamp.at), Some(at("11-23 10:00")));
}
