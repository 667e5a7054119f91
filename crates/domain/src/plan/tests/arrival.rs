//! Arrivals and no-shows.

use super::*;
use crate::event::EventType::{GuestCheckedIn, GuestCheckedOut, ReservationConfirmed, ReservationModified};

fn reserved() -> Story {
    Story::of([staying(
        event(ReservationConfirmed, "11-23 10:00"),
        "12-20",
        "12-27",
    )])
}

#[test]
fn a_guest_who_does_not_arrive_is_a_no_show_counted_from_local_midnight() {
    let story = reserved();

    // The day of arrival begins at 22:00 UTC in Athens; 36 hours later it is 10:00.
    assert_eq!(story.plan("12-01 10:00").wake_at, Some(at("12-21 10:00")));
    assert_eq!(story.status("12-21 09:59"), Status::Confirmed);
    assert_eq!(story.status("12-21 10:00"), Status::NoShow);
}

#[test]
fn a_no_show_lasts_until_a_check_in_is_known_after_all() {
    let mut story = reserved();
    story.hears(&event(GuestCheckedIn, "12-20 18:00"));

    assert_eq!(story.status("12-22 10:00"), Status::CheckedIn);
}

#[test]
fn a_check_in_ends_the_tracking_of_the_arrival() {
    let mut story = reserved();
    story.resort.moments.remove(&MessageKind::ReviewRequest);
    story.hears(&event(GuestCheckedIn, "12-20 18:00"));

    assert_eq!(story.status("12-20 18:00"), Status::CheckedIn);
    assert_eq!(story.plan("12-20 18:00").wake_at, None);
}

#[test]
fn a_moved_arrival_moves_the_timer_and_takes_a_no_show_back() {
    let mut story = reserved();
    story.hears(&staying(
        event(ReservationModified, "12-21 11:00"),
        "12-24",
        "12-30",
    ));

    assert_eq!(story.status("12-21 11:00"), Status::Confirmed);
    assert_eq!(story.plan("12-21 11:00").wake_at, Some(at("12-25 10:00")));
}

#[test]
fn there_is_no_no_show_if_arrivals_are_not_tracked_or_the_day_is_unknown() {
    let mut untracked = reserved();
    untracked.resort.no_show_after = None;
    let dateless = Story::of([event(ReservationConfirmed, "11-23 10:00")]);

    for story in [untracked, dateless] {
        assert_eq!(story.status("12-31 10:00"), Status::Confirmed);
    }
}

#[test]
fn a_check_out_overrules_a_check_in_in_any_order() {
    let story = Story::of([
        event(GuestCheckedOut, "12-27 09:00"),
        event(GuestCheckedIn, "12-20 18:00"),
    ]);

    assert_eq!(story.status("12-27 09:00"), Status::CheckedOut);
}
