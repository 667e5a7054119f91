//! What staff want of upcoming messages: withdrawn, or sent now.

use chrono::NaiveTime;

use super::*;
use crate::event::EventType::{BookingStarted, GuestCheckedOut, ReservationCancelled, ReservationConfirmed};
use crate::facts::Instruction::{self, SendNow, Withdraw};
use crate::message::MessageKind::{Reminder1, Reminder2, ReservationConfirmation, ReviewRequest};
use crate::plan::instructed::{self, InstructionRefused};
use crate::resort::QuietHours;

impl Story {
    fn instructed(&mut self, kind: MessageKind, instruction: Instruction, when: &str) {
        let news = Facts::of_instruction(kind, instruction, "zoe", at(when));
        self.facts = std::mem::take(&mut self.facts).merge(news);
    }

    /// What the desk says to an instruction now.
    fn judge(
        &self,
        kind: MessageKind,
        instruction: Instruction,
        now: &str,
    ) -> Result<Option<Window>, InstructionRefused> {
        let mut with = Story {
            facts: self.facts.clone(),
            circumstances: self.circumstances.clone(),
            resort: self.resort.clone(),
        };
        with.instructed(kind, instruction, now);
        let plans = (&self.plan(now), &with.plan(now));
        instructed::judge(
            plans,
            (kind, instruction),
            &with.facts,
            &self.circumstances.messages,
        )
    }
}

/// From 21:00 to 09:00 in Athens: 19:00 to 07:00 UTC.
fn quiet(mut story: Story) -> Story {
    let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    story.resort.quiet_hours = Some(QuietHours {
        from: hour(21),
        to: hour(9),
    });
    story
}

// shows: B184
#[test]
fn a_message_that_staff_withdrew_is_not_wanted_also_where_it_was_only_planned() {
    let mut story = Story::of([event(GuestCheckedOut, "11-23 08:00")]);
    assert_eq!(story.judge(ReviewRequest, Withdraw, "11-23 09:00"), Ok(None));
    story.instructed(ReviewRequest, Withdraw, "11-23 09:00");

    let withdrawn = Some(Decision::NotWanted(Reason::WithdrawnByStaff));
    assert_eq!(story.decision(ReviewRequest, "11-23 09:00"), withdrawn);
    assert_eq!(story.decision(ReviewRequest, "11-23 13:00"), withdrawn);
    assert_eq!(story.changes("11-23 13:00"), []);
    let again = story.judge(ReviewRequest, Withdraw, "11-23 10:00");
    assert_eq!(
        again,
        Err(InstructionRefused::NotWanted(Reason::WithdrawnByStaff))
    );
}

#[test]
fn a_waiting_message_that_staff_withdraw_ends_and_comes_back_if_they_send_it_after_all() {
    let mut story = Story::of([event(GuestCheckedOut, "11-23 08:00")]);
    story.has(ReviewRequest, "11-23 08:00", |_| {});
    story.instructed(ReviewRequest, Withdraw, "11-23 09:00");
    let id = story.circumstances.messages[0].id;

    let withdraw = difference::Change::Withdraw(id, Reason::WithdrawnByStaff);
    assert_eq!(story.changes("11-23 09:00"), [withdraw]);
    story.circumstances.messages[0].state = MessageState::Withdrawn;
    assert!(matches!(
        story.judge(ReviewRequest, SendNow, "11-23 10:00"),
        Ok(Some(_))
    ));
    story.instructed(ReviewRequest, SendNow, "11-23 10:00");
    let queue = difference::Change::Queue(id, window("11-23 10:00", "11-26 10:00"));
    assert_eq!(story.changes("11-23 10:00"), [queue]);
}

#[test]
fn without_its_first_reminder_there_is_no_second_one() {
    let mut story = Story::of([event(BookingStarted, "11-23 10:00")]);
    story.instructed(Reminder1, Withdraw, "11-23 10:10");

    let never = Some(Decision::NotWanted(Reason::FirstReminderNeverWent));
    assert_eq!(story.decision(Reminder2, "11-23 11:00"), never);
}

// shows: B184
#[test]
fn a_withdrawal_holds_for_one_round() {
    let mut story = Story::of([event(ReservationConfirmed, "11-23 10:00")]);
    story.instructed(ReservationConfirmation, Withdraw, "11-23 10:01");
    story.hears(&event(ReservationCancelled, "11-23 11:00"));
    story.hears(&event(ReservationConfirmed, "11-23 12:00"));

    let decision = story.decision(ReservationConfirmation, "11-23 12:00");
    assert!(matches!(decision, Some(Decision::Due(_))), "{decision:?}");
}

// shows: B185
#[test]
fn a_message_that_staff_send_now_waits_neither_for_its_time_nor_for_the_end_of_quiet_hours() {
    let mut story = quiet(Story::of([event(GuestCheckedOut, "11-23 18:00")]));
    assert_eq!(
        opens(story.decision(ReviewRequest, "11-23 20:00")),
        Some(at("11-24 07:00"))
    );

    let expected = window("11-23 20:00", "11-26 20:00");
    assert_eq!(
        story.judge(ReviewRequest, SendNow, "11-23 20:00"),
        Ok(Some(expected))
    );
    story.instructed(ReviewRequest, SendNow, "11-23 20:00");
    assert_eq!(
        story.decision(ReviewRequest, "11-23 20:00"),
        Some(Decision::Due(expected))
    );
}

// shows: B185
#[test]
fn what_the_plan_does_not_want_is_not_sent_now_and_the_reason_is_given() {
    let mut confirmed = Story::of([event(BookingStarted, "11-23 10:00")]);
    confirmed.hears(&event(ReservationConfirmed, "11-23 10:05"));
    let mut opted_out = Story::of([event(GuestCheckedOut, "11-23 10:00")]);
    opted_out.circumstances.marketing_consent.opted_out_at = Some(at("11-23 10:01"));
    let mut gone = Story::of([event(GuestCheckedOut, "11-23 10:00")]);
    gone.has(ReviewRequest, "11-23 10:00", sent("11-23 14:00"));
    let cart = Story::of([event(BookingStarted, "11-23 10:00")]);

    let judged = |story: &Story, kind| story.judge(kind, SendNow, "11-23 10:10").unwrap_err();
    assert_eq!(
        judged(&confirmed, Reminder1),
        InstructionRefused::NotWanted(Reason::Confirmed)
    );
    assert_eq!(
        judged(&opted_out, ReviewRequest),
        InstructionRefused::NotWanted(Reason::OptedOut)
    );
    assert_eq!(judged(&gone, ReviewRequest), InstructionRefused::Sent);
    assert_eq!(judged(&cart, Reminder2), InstructionRefused::NotYet);
    assert_eq!(judged(&cart, ReviewRequest), InstructionRefused::NotPlanned);
}

#[test]
fn a_reminder_that_was_to_go_now_waits_again_if_the_guest_is_active_again_before() {
    let mut story = Story::of([event(BookingStarted, "11-23 10:00")]);
    story.instructed(Reminder1, SendNow, "11-23 10:10");
    assert_eq!(
        opens(story.decision(Reminder1, "11-23 10:10")),
        Some(at("11-23 10:10"))
    );

    story.hears(&event(BookingStarted, "11-23 10:11"));

    assert_eq!(
        opens(story.decision(Reminder1, "11-23 10:12")),
        Some(at("11-23 10:41"))
    );
}

#[test]
fn an_answer_of_staff_is_left_alone_by_every_plan_except_that_of_an_erased_guest() {
    let mut story = Story::of([event(ReservationConfirmed, "11-23 10:00")]);
    story.has(MessageKind::StaffAnswer, "11-23 10:30", |_| {});
    story.has(MessageKind::StaffAnswer, "11-23 10:31", sent("11-23 10:31"));
    story.hears(&event(ReservationCancelled, "11-23 11:00"));
    story.circumstances.marketing_consent.opted_out_at = Some(at("11-23 11:01"));
    assert_eq!(story.changes("11-23 11:02"), []);

    story.facts = story.facts.clone().without_guest(at("11-23 11:03"));

    let waits = story.circumstances.messages[0].id;
    let erased = difference::Change::Withdraw(waits, Reason::Erased);
    assert_eq!(story.changes("11-23 11:04"), [erased]);
}
