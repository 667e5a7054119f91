//! The moments of a resort's own file.

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

// shows: B139
#[test]
fn a_moment_of_the_cart_is_a_reminder_whatever_its_category() {
    let mut story = Story::of([event(EventType::BookingStarted, "11-23 10:00")]);
    define(&mut story, "own", "abandoned + 2h", Category::Utility, None);
    define(&mut story, "early", "started + 10m", Category::Utility, None);

    assert_eq!(
        opens(story.decision(kind("own"), "11-23 10:00")),
        Some(at("11-23 12:30"))
    );
    assert_eq!(
        opens(story.decision(kind("early"), "11-23 10:00")),
        Some(at("11-23 10:10"))
    );
    assert!(story.resort.is_reminder(kind("own")) && story.resort.is_marketing(kind("own")));
    story.circumstances.marketing_consent.opted_out_at = Some(at("11-23 10:30"));
    let skipped = story.decision(kind("own"), "11-23 12:30");
    assert!(
        matches!(skipped, Some(Decision::Skip(Reason::OptedOut, _))),
        "{skipped:?}"
    );
    story.hears(&event(EventType::ReservationConfirmed, "11-23 11:00"));
    assert_eq!(
        story.decision(kind("own"), "11-23 12:30"),
        not_wanted(Reason::Confirmed)
    );
    assert_eq!(
        story.decision(kind("early"), "11-23 12:30"),
        not_wanted(Reason::Confirmed)
    );
}

// shows: B139
#[test]
fn quiet_hours_and_opt_outs_hold_for_marketing_moments_and_not_for_utility_ones() {
    let mut story = staying_guest("check_in - 1d 22:00");
    let quiet = |hour| chrono::NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    story.resort.quiet_hours = Some(crate::resort::QuietHours {
        from: quiet(21),
        to: quiet(9),
    });
    story.circumstances.marketing_consent.opted_out_at = Some(at("12-01 10:00"));

    let goes = story.decision(kind("own"), "12-19 20:00");
    define(
        &mut story,
        "own",
        "check_in - 1d 22:00",
        Category::Marketing,
        None,
    );

    assert!(matches!(goes, Some(Decision::Due(_))), "{goes:?}");
    assert_eq!(
        opens(story.decision(kind("own"), "12-19 20:00")),
        Some(at("12-20 07:00"))
    );
    let stopped = story.decision(kind("own"), "12-20 07:00");
    assert!(
        matches!(stopped, Some(Decision::Skip(Reason::OptedOut, _))),
        "{stopped:?}"
    );
}

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

// shows: B142
#[test]
fn a_condition_decides_whether_the_moment_is_for_this_booking() {
    let mut story = staying_guest("check_in - 1d 18:00");
    let long = Some("stay.nights >= 8");
    define(&mut story, "own", "check_in - 1d 18:00", Category::Utility, long);

    assert_eq!(
        story.decision(kind("own"), "12-19 16:00"),
        not_wanted(Reason::ConditionNotMet)
    );
    story.hears(&staying(
        event(EventType::ReservationModified, "12-01 10:00"),
        "12-20",
        "12-28",
    ));
    let decision = story.decision(kind("own"), "12-19 16:00");
    assert!(matches!(decision, Some(Decision::Due(_))), "{decision:?}");
}

// shows: B142
#[test]
fn a_guests_answer_may_be_the_condition_of_another_moment() {
    let mut story = staying_guest("check_out - 1d 18:00");
    story.hears(&event(EventType::GuestCheckedIn, "12-20 15:00"));
    let fine = Some("answer.stay_check == 'fine'");
    define(&mut story, "own", "check_out - 1d 18:00", Category::Utility, fine);

    assert_eq!(
        story.decision(kind("own"), "12-22 10:00"),
        not_wanted(Reason::ConditionNotMet)
    );
    let answer = Facts::of_answer(name("stay_check"), "fine", "whatsapp/1", at("12-21 10:00"));
    story.facts = std::mem::take(&mut story.facts).merge(answer);
    assert_eq!(
        opens(story.decision(kind("own"), "12-22 10:00")),
        Some(at("12-26 16:00"))
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
