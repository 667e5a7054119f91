//! For whom a moment is, and which rules hold for it.

use super::*;

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
