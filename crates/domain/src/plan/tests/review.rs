//! The review request.

use super::*;
use crate::event::EventType::{
    GuestCheckedIn, GuestCheckedOut, ReservationCancelled, ReservationConfirmed, ReservationModified,
};
use crate::message::MessageKind::ReviewRequest;

fn arrived() -> Story {
    Story::of([
        staying(event(ReservationConfirmed, "11-23 10:00"), "12-20", "12-27"),
        event(GuestCheckedIn, "12-20 18:00"),
    ])
}

// shows: B33
#[test]
fn the_review_request_waits_from_local_noon_of_the_departure_day() {
    let story = arrived();

    // Noon in Athens is 10:00 UTC; the delay is 4 hours.
    assert_eq!(story.plan("12-20 18:00").wake_at, Some(at("12-27 14:00")));
    let due = Decision::Due(window("12-27 14:00", "12-30 14:00"));
    assert_eq!(story.decision(ReviewRequest, "12-27 14:00"), Some(due));
}

#[test]
fn the_actual_check_out_counts_where_it_is_known_earlier_or_later() {
    for (left, expected) in [("12-26 08:00", "12-26 12:00"), ("12-28 08:00", "12-28 12:00")] {
        let mut story = arrived();
        story.hears(&event(GuestCheckedOut, left));

        assert_eq!(opens(story.decision(ReviewRequest, left)), Some(at(expected)));
    }
}

#[test]
fn a_moved_departure_moves_the_review_request() {
    let mut story = arrived();
    story.hears(&staying(
        event(ReservationModified, "12-21 10:00"),
        "12-20",
        "12-29",
    ));

    assert_eq!(
        opens(story.decision(ReviewRequest, "12-21 10:00")),
        Some(at("12-29 14:00"))
    );
}

#[test]
fn a_guest_who_never_arrived_gets_no_review_request() {
    let story = Story::of([staying(
        event(ReservationConfirmed, "11-23 10:00"),
        "12-20",
        "12-27",
    )]);

    let not_arrived = Some(Decision::NotWanted(Reason::NotArrived));
    assert_eq!(story.decision(ReviewRequest, "12-28 10:00"), not_arrived);
}

#[test]
fn where_arrivals_are_not_tracked_guests_count_as_arrived() {
    let mut story = Story::of([staying(
        event(ReservationConfirmed, "11-23 10:00"),
        "12-20",
        "12-27",
    )]);
    story.resort.no_show_after = None;

    assert_eq!(
        opens(story.decision(ReviewRequest, "11-23 10:00")),
        Some(at("12-27 14:00"))
    );
    story.hears(&event(ReservationCancelled, "11-24 10:00"));
    let cancelled = Some(Decision::NotWanted(Reason::Cancelled));
    assert_eq!(story.decision(ReviewRequest, "11-24 10:00"), cancelled);
}

#[test]
fn a_resort_can_do_without_reviews() {
    let mut story = arrived();
    story.resort.moments.remove(&MessageKind::ReviewRequest);

    let not_configured = Some(Decision::NotWanted(Reason::NotConfigured));
    assert_eq!(story.decision(ReviewRequest, "12-27 14:00"), not_configured);
}

#[test]
fn without_a_departure_day_the_request_waits_for_the_check_out() {
    let story = Story::of([event(GuestCheckedIn, "12-20 18:00")]);

    assert_eq!(
        story.decision(ReviewRequest, "12-30 10:00"),
        Some(Decision::Later(None))
    );
}
