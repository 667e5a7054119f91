//! What withdraws a moment.

use super::*;

// shows: B140
#[test]
fn a_cancellation_withdraws_a_moment_of_the_stay_and_a_new_round_wants_it_again() {
    let mut story = staying_guest("check_in - 1d 18:00");
    story.has(kind("own"), "11-23 10:00", |message| {
        message.due_at = at("12-19 16:00")
    });
    story.hears(&event(EventType::ReservationCancelled, "11-24 10:00"));

    assert_eq!(
        story.decision(kind("own"), "11-24 10:00"),
        not_wanted(Reason::Cancelled)
    );
    let id = story.circumstances.messages[0].id;
    let withdrawn = difference::Change::Withdraw(id, Reason::Cancelled);
    assert_eq!(story.changes("11-24 10:00"), [withdrawn]);
    story.hears(&event(EventType::ReservationConfirmed, "11-25 10:00"));
    assert_eq!(
        opens(story.decision(kind("own"), "11-25 10:00")),
        Some(at("12-19 16:00"))
    );
}

// shows: B140
#[test]
fn a_guest_who_left_early_or_never_came_is_not_asked_about_the_stay() {
    let mut story = staying_guest("check_in + 1d 10:00");
    assert_eq!(
        story.decision(kind("own"), "12-22 10:00"),
        not_wanted(Reason::NotArrived)
    );

    story.hears(&event(EventType::GuestCheckedIn, "12-20 15:00"));
    assert_eq!(
        opens(story.decision(kind("own"), "12-20 15:00")),
        Some(at("12-21 08:00"))
    );
    story.hears(&event(EventType::GuestCheckedOut, "12-20 20:00"));
    assert_eq!(
        story.decision(kind("own"), "12-21 08:00"),
        not_wanted(Reason::AlreadyLeft)
    );
}

// shows: B141
#[test]
fn a_moment_that_is_removed_withdraws_what_is_unsent() {
    let mut story = staying_guest("check_in - 1d 18:00");
    story.has(kind("own"), "11-23 10:00", |_| {});
    story.resort.moments.remove(&kind("own"));

    let id = story.circumstances.messages[0].id;
    let withdrawn = difference::Change::Withdraw(id, Reason::NotConfigured);
    assert!(story.changes("11-24 10:00").contains(&withdrawn));
}

// shows: B140
#[test]
fn what_follows_an_arrival_is_withdrawn_when_a_cancellation_after_it_becomes_known() {
    let mut story = staying_guest("checked_in + 3h");
    story.hears(&event(EventType::GuestCheckedIn, "11-23 08:00"));
    let mut changes = story.changes("11-23 11:30");
    assert!(
        matches!(changes.pop(), Some(Change::Create { .. })),
        "{changes:?}"
    );
    story.has(kind("own"), "11-23 10:00", untouched(MessageState::Queued, None));

    // Between the arrival and the confirmation: the reservation stands, its guest has not come yet.
    story.hears(&event(EventType::ReservationCancelled, "11-23 09:00"));

    let decision = story.decision(kind("own"), "11-23 11:30");
    assert_eq!(decision, not_wanted(Reason::NotArrived));
    let changes = story.changes("11-23 11:30");
    assert!(
        matches!(changes.as_slice(), [.., Change::Withdraw(_, Reason::NotArrived)]),
        "{changes:?}"
    );
}
