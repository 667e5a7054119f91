//! Abandonment and the two reminders.

use super::*;
use crate::event::EventType::{
    BookingAbandoned, BookingStarted, GuestCheckedIn, ReservationConfirmed, ReservationModified,
};
use crate::message::MessageKind::{Reminder1, Reminder2};

/// A cart of 10:00 whose first reminder was sent at 10:31.
fn reminded_once() -> Story {
    let mut story = Story::of([event(BookingStarted, "11-23 10:00")]);
    story.has(Reminder1, "11-23 10:30", sent("11-23 10:31"));
    story
}

fn reservation(from: Option<&str>, to: Option<&str>) -> Reservation {
    Reservation {
        booking: BookingId::parse("BK-2").unwrap(),
        dates: (from.map(day), to.map(day)),
    }
}

#[test]
fn a_started_booking_is_reminded_after_inactivity() {
    let story = Story::of([event(BookingStarted, "11-23 10:00")]);
    let due = window("11-23 10:30", "11-23 22:30");

    assert_eq!(
        story.decision(Reminder1, "11-23 10:29"),
        Some(Decision::Later(Some(due)))
    );
    assert_eq!(story.status("11-23 10:29"), Status::Started);
    assert_eq!(story.plan("11-23 10:00").wake_at, Some(at("11-23 10:30")));
    assert_eq!(story.decision(Reminder1, "11-23 10:30"), Some(Decision::Due(due)));
    assert_eq!(story.status("11-23 10:30"), Status::Abandoned);
}

#[test]
fn repeated_activity_moves_the_timer_and_an_older_one_does_not_move_it_back() {
    let story = Story::of([
        event(BookingStarted, "11-23 10:20"),
        event(BookingStarted, "11-23 10:00"),
    ]);

    assert_eq!(
        opens(story.decision(Reminder1, "11-23 10:21")),
        Some(at("11-23 10:50"))
    );
    assert_eq!(story.plan("11-23 10:21").wake_at, Some(at("11-23 10:50")));
}

#[test]
fn an_abandonment_that_the_platform_reports_is_followed_by_a_reminder_at_once() {
    let story = Story::of([
        event(BookingStarted, "11-23 10:00"),
        event(BookingAbandoned, "11-23 10:05"),
    ]);

    assert_eq!(story.status("11-23 10:05"), Status::Abandoned);
    assert!(matches!(
        story.decision(Reminder1, "11-23 10:05"),
        Some(Decision::Due(_))
    ));
}

#[test]
fn activity_after_a_reported_abandonment_starts_the_timer_again() {
    let story = Story::of([
        event(BookingAbandoned, "11-23 10:05"),
        event(BookingStarted, "11-23 10:06"),
    ]);

    assert_eq!(story.status("11-23 10:06"), Status::Started);
    assert_eq!(
        opens(story.decision(Reminder1, "11-23 10:06")),
        Some(at("11-23 10:36"))
    );
}

#[test]
fn of_an_activity_and_an_abandonment_at_the_same_instant_the_abandonment_counts() {
    let story = Story::of([
        event(BookingAbandoned, "11-23 10:05"),
        event(BookingStarted, "11-23 10:05"),
    ]);

    assert_eq!(story.status("11-23 10:05"), Status::Abandoned);
}

#[test]
fn the_second_reminder_is_counted_from_when_the_first_was_really_sent() {
    let story = reminded_once();

    assert_eq!(
        opens(story.decision(Reminder2, "11-23 10:32")),
        Some(at("11-24 10:31"))
    );
    assert_eq!(story.plan("11-23 10:32").wake_at, Some(at("11-24 10:31")));
    assert!(matches!(
        story.decision(Reminder2, "11-24 10:31"),
        Some(Decision::Due(_))
    ));
}

// shows: B16
#[test]
fn activity_after_the_first_reminder_delays_the_second_and_never_advances_it() {
    let check = |active: &str, expected: &str| {
        let mut story = reminded_once();
        story.hears(&event(BookingStarted, active));
        assert_eq!(
            opens(story.decision(Reminder2, "11-24 10:30")),
            Some(at(expected)),
            "{active}"
        );
    };

    check("11-23 10:30", "11-24 10:31");
    check("11-23 12:00", "11-24 10:31");
    check("11-24 10:20", "11-24 10:50");
}

#[test]
fn the_second_reminder_waits_while_the_outcome_of_the_first_is_unknown() {
    for state in [
        MessageState::Queued,
        MessageState::Sending,
        MessageState::Unknown,
        MessageState::Held,
    ] {
        let mut story = Story::of([event(BookingStarted, "11-23 10:00")]);
        story.has(Reminder1, "11-23 10:30", |message| message.state = state);

        assert_eq!(
            story.decision(Reminder2, "11-25 10:00"),
            Some(Decision::Later(None)),
            "{state}"
        );
    }
}

// shows: B15
#[test]
fn there_is_no_second_reminder_when_the_first_was_never_sent() {
    let never = Some(Decision::NotWanted(Reason::FirstReminderNeverWent));
    for state in [
        MessageState::Skipped,
        MessageState::Expired,
        MessageState::Withdrawn,
        MessageState::Dead,
    ] {
        let mut story = Story::of([event(BookingStarted, "11-23 10:00")]);
        story.has(Reminder1, "11-23 10:30", |message| message.state = state);

        assert_eq!(story.decision(Reminder2, "11-25 10:00"), never, "{state}");
    }
}

#[test]
fn a_first_reminder_that_whatsapp_accepted_and_failed_to_deliver_was_never_sent() {
    let mut story = reminded_once();
    story.circumstances.messages[0].state = MessageState::Dead;

    let never = Decision::NotWanted(Reason::FirstReminderNeverWent);
    assert_eq!(story.decision(Reminder2, "11-24 10:31"), Some(never));
}

#[test]
fn a_resort_can_do_without_the_second_reminder() {
    let mut story = reminded_once();
    story.resort.moments.remove(&MessageKind::Reminder2);

    let not_configured = Decision::NotWanted(Reason::NotConfigured);
    assert_eq!(story.decision(Reminder2, "11-24 10:31"), Some(not_configured));
    assert_eq!(story.plan("11-24 10:31").wake_at, None);
}

#[test]
fn no_cart_event_counts_once_an_order_is_known_whatever_the_clocks_say() {
    for order in [
        ReservationConfirmed,
        ReservationModified,
        GuestCheckedIn,
        EventType::ReservationCancelled,
    ] {
        let story = Story::of([
            event(order, "11-23 10:00"),
            event(BookingStarted, "11-23 12:00"),
            event(BookingAbandoned, "11-23 13:00"),
        ]);

        for kind in [Reminder1, Reminder2] {
            let decision = story.decision(kind, "11-23 14:00");
            assert!(
                matches!(decision, Some(Decision::NotWanted(_))),
                "{order} {kind} {decision:?}"
            );
        }
        assert!(
            !matches!(story.status("11-23 14:00"), Status::Started | Status::Abandoned),
            "{order}"
        );
    }
}

#[test]
fn a_cart_that_became_a_reservation_gets_no_reminder_and_keeps_its_status() {
    let mut confirmation = event(ReservationConfirmed, "11-23 10:10");
    confirmation.details.cart = Some(BookingId::parse("CART-77").unwrap());
    let (cart, became) = Facts::of_cart(&confirmation, confirmation.occurred_at).unwrap();
    let mut story = Story::of([event(BookingStarted, "11-23 10:00")]);
    story.facts = story.facts.merge(became);

    assert_eq!(cart.as_str(), "CART-77");
    assert_eq!(
        story.decision(Reminder1, "11-23 11:00"),
        Some(Decision::NotWanted(Reason::BecameReservation))
    );
    assert_eq!(story.status("11-23 11:00"), Status::Started);
    assert_eq!(story.plan("11-23 10:11").wake_at, None);
}

#[test]
fn a_reservation_that_names_itself_as_its_cart_changes_no_other_booking() {
    let mut confirmation = event(ReservationConfirmed, "11-23 10:10");
    confirmation.details.cart = confirmation.booking.clone();

    assert_eq!(Facts::of_cart(&confirmation, confirmation.occurred_at), None);
}

#[test]
fn the_same_guests_reservation_withdraws_reminders_when_the_stays_may_overlap() {
    let check = |cart: Option<(&str, &str)>, elsewhere: Reservation, withdrawn: bool| {
        let started = event(BookingStarted, "11-23 10:00");
        let started = cart.map_or(started.clone(), |(from, to)| staying(started, from, to));
        let mut story = Story::of([started]);
        story.circumstances.elsewhere = vec![elsewhere.clone()];
        let expected = Some(Decision::NotWanted(Reason::BookedElsewhere));
        assert_eq!(
            story.decision(Reminder1, "11-23 10:30") == expected,
            withdrawn,
            "{cart:?} {elsewhere:?}"
        );
    };

    check(
        Some(("12-20", "12-27")),
        reservation(Some("12-26"), Some("12-30")),
        true,
    );
    check(
        Some(("12-20", "12-27")),
        reservation(Some("12-27"), Some("12-30")),
        false,
    );
    check(Some(("12-20", "12-27")), reservation(None, None), true);
    let day_room = || reservation(Some("12-20"), Some("12-20"));
    check(Some(("12-20", "12-20")), day_room(), true);
    check(Some(("12-19", "12-27")), day_room(), true);
    check(Some(("12-21", "12-27")), day_room(), false);
    check(Some(("12-13", "12-20")), day_room(), false);
    check(None, reservation(Some("12-26"), Some("12-30")), true);
    check(None, reservation(None, None), true);
}

#[test]
fn a_stay_that_was_over_before_the_guest_returned_withdraws_nothing() {
    let mut story = Story::of([event(BookingStarted, "11-23 10:00")]);
    story.circumstances.elsewhere = vec![reservation(Some("11-01"), Some("11-08"))];

    assert!(matches!(
        story.decision(Reminder1, "11-23 10:30"),
        Some(Decision::Due(_))
    ));
}
