//! The moments of a resort's own file: when they are.

mod ends;
mod rules;

use super::difference::Change;
use super::*;
use crate::condition::Condition;
use crate::message::MomentName;
use crate::moment::{Category, Moment};

fn name(text: &str) -> MomentName {
    MomentName::parse(text).unwrap()
}

fn kind(text: &str) -> MessageKind {
    MessageKind::Moment(name(text))
}

/// Adds a moment that the resort has had since the beginning of the year.
fn define(story: &mut Story, moment: &str, time: &str, category: Category, only_if: Option<&str>) {
    let added = Moment {
        at: time.parse().unwrap(),
        category,
        only_if: only_if.map(|text| text.parse::<Condition>().unwrap()),
        definition: time.to_owned(),
        expires_after: hours(12),
        replies: Vec::new(),
    };
    story.resort.moments.insert(kind(moment), added);
    story
        .circumstances
        .moments_since
        .insert(name(moment), at("01-01 00:00"));
}

/// A guest who stays from 20 to 27 December, with one utility moment at this time.
fn staying_guest(time: &str) -> Story {
    let mut story = Story::of([staying(
        event(EventType::ReservationConfirmed, "11-23 10:00"),
        "12-20",
        "12-27",
    )]);
    define(&mut story, "own", time, Category::Utility, None);
    story
}

fn not_wanted(reason: Reason) -> Option<Decision> {
    Some(Decision::NotWanted(reason))
}

// shows: B138
#[test]
fn the_evening_before_arrival_a_guest_gets_the_resorts_own_message() {
    let story = staying_guest("check_in - 1d 18:00");
    let expected = window("12-19 16:00", "12-20 04:00");

    assert_eq!(
        story.decision(kind("own"), "12-01 10:00"),
        Some(Decision::Later(Some(expected)))
    );
    assert_eq!(
        story.decision(kind("own"), "12-19 16:00"),
        Some(Decision::Due(expected))
    );
    assert_eq!(
        story.decision(kind("own"), "12-20 05:00"),
        Some(Decision::Expired(expected))
    );
    assert_eq!(story.plan("12-01 10:00").wake_at, Some(at("12-19 16:00")));
}

// shows: B138
#[test]
fn each_fact_gives_its_own_time() {
    let mut story = staying_guest("confirmed + 2h");
    story.hears(&event(EventType::GuestCheckedIn, "12-20 15:30"));
    story.hears(&event(EventType::GuestCheckedOut, "12-27 07:00"));
    for (time, expected) in [
        ("confirmed + 2h", "11-23 12:00"),
        ("check_in", "12-20 10:00"),
        ("checked_in + 30m", "12-20 16:00"),
        ("check_out - 1d 19:00", "12-26 17:00"),
        ("check_out + 4h", "12-27 14:00"),
        ("checked_out + 1d 10:00", "12-28 08:00"),
    ] {
        define(&mut story, "own", time, Category::Utility, None);
        assert_eq!(
            opens(story.decision(kind("own"), "11-23 10:30")),
            Some(at(expected)),
            "{time}"
        );
    }
}

// shows: B138
#[test]
fn a_moment_waits_for_a_fact_that_is_not_known() {
    let mut story = Story::of([event(EventType::ReservationConfirmed, "11-23 10:00")]);
    for time in ["check_in - 1d", "check_out", "checked_in", "started", "abandoned"] {
        define(&mut story, "own", time, Category::Utility, None);
        let decision = story.decision(kind("own"), "11-23 10:00");
        assert!(
            matches!(decision, None | Some(Decision::Later(None))),
            "{time}: {decision:?}"
        );
    }
}

// shows: B141
#[test]
fn a_new_moment_is_never_planned_for_a_time_that_is_past() {
    let mut story = staying_guest("check_in - 1d 18:00");
    let since = &mut story.circumstances.moments_since;

    since.insert(name("own"), at("12-19 16:01"));
    assert_eq!(
        story.decision(kind("own"), "12-19 17:00"),
        not_wanted(Reason::NewMoment)
    );
    let since = &mut story.circumstances.moments_since;
    since.insert(name("own"), at("12-19 15:59"));
    let decision = story.decision(kind("own"), "12-19 17:00");
    assert!(matches!(decision, Some(Decision::Due(_))), "{decision:?}");
    story.circumstances.moments_since.clear();
    assert_eq!(
        story.decision(kind("own"), "12-19 17:00"),
        Some(Decision::Later(None))
    );
}

// shows: B143
#[test]
fn an_import_sends_nothing_for_the_past_and_what_the_stay_still_asks_for() {
    let mut imported = silent(staying(
        event(EventType::ReservationConfirmed, "11-01 10:00"),
        "12-20",
        "12-27",
    ));
    imported.imported = true;
    let mut story = Story::of([]);
    // The resort began with Bellhop during the stay.
    story.facts = Facts::of_event(&imported, at("12-21 12:00"));
    define(&mut story, "own", "check_in - 1d 18:00", Category::Utility, None);
    define(
        &mut story,
        "last_evening",
        "check_out - 1d 19:00",
        Category::Utility,
        None,
    );
    story.resort.no_show_after = None;

    let now = "12-21 12:00";
    assert_eq!(
        story.decision(MessageKind::ReservationConfirmation, now),
        not_wanted(Reason::NotifyOff)
    );
    assert_eq!(story.decision(kind("own"), now), not_wanted(Reason::NotifyOff));
    assert_eq!(
        opens(story.decision(kind("last_evening"), now)),
        Some(at("12-26 17:00"))
    );
    assert_eq!(
        opens(story.decision(MessageKind::ReviewRequest, now)),
        Some(at("12-27 14:00"))
    );
}
