//! Every order in which answers and reports can arrive.

use uuid::Uuid;

use super::MessageState::{
    Dead, Delivered, Expired, Held, Queued, Read, Sending, Sent, Skipped, Unknown, Withdrawn,
};
use super::*;
use crate::after_call::{Advice, Refusal, ReportedIn, RetryPolicy};
use crate::hold::Cause;
use crate::ids::{NumberId, ResortId};
use crate::message::{CallbackData, MessageKind};

const NOW: i64 = 1_000;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap()
}

fn wamid() -> WhatsAppMessageId {
    WhatsAppMessageId::parse("wamid.1").unwrap()
}

/// A message whose second call is under way.
fn sending() -> MessageRecord {
    MessageRecord {
        state: Sending,
        reason: None,
        due_at: at(0),
        publish_at: None,
        publishes: 0,
        attempt: Attempt(2),
        retries: 1,
        turn: ContentChoice::Template,
        withdrawn: None,
        claimed_at: None,
        whatsapp_hash: None,
        sent_at: None,
        delivery: None,
        delivery_at: None,
        error_code: None,
        dead_letter_due: false,
        dead_lettered_at: None,
        held_by: None,
        paced: false,
        silent_attempt: None,
        failed_attempt: None,
        rested: false,
        text_refused: false,
    }
}

fn life(state: MessageState) -> MessageRecord {
    MessageRecord { state, ..sending() }
}

fn withdrawn(state: MessageState) -> MessageRecord {
    MessageRecord {
        withdrawn: Some("confirmed".into()),
        ..life(state)
    }
}

fn route() -> Route {
    Route {
        resort: ResortId::parse("azure-bay").unwrap(),
        number: NumberId::parse("1").unwrap(),
        country: 30,
        template: None,
        kind: MessageKind::Reminder1,
    }
}

fn answered(life: &MessageRecord, attempt: u32, next: NextStep) -> Option<MessageRecord> {
    let hold = match next {
        NextStep::Hold(scope) => Some(NewHold {
            scope,
            coverage: route().coverage(scope).unwrap(),
            cause: Cause::Code(190),
            pause: Duration::from_secs(60),
            reported_in: ReportedIn::Answer,
            called_at: None,
        }),
        _ => None,
    };
    let result = CallResult {
        id: MessageId(Uuid::nil()),
        attempt: Attempt(attempt),
        route: route(),
        next,
        hold,
        error_code: Some(131_000),
        paced: false,
        names: Vec::new(),
    };
    life.after_call(&result, &|id| id.reveal().into(), at(NOW))
}

fn judging() -> Judging {
    Judging {
        policy: RetryPolicy::default(),
        pause: Duration::from_secs(60),
    }
}

fn called() -> LastCall {
    LastCall {
        route: route(),
        country_is_known: true,
        free_text: false,
    }
}

fn refusal(scope: Scope, advice: Advice) -> Refusal {
    Refusal {
        code: 131_026,
        scope,
        advice,
        retry_after: None,
        unsure: false,
    }
}

fn report(attempt: u32, status: DeliveryStatus, failure: Option<Refusal>) -> Report {
    Report {
        callback: Some(CallbackData {
            message: MessageId(Uuid::nil()),
            attempt: Attempt(attempt),
        }),
        whatsapp_id: wamid(),
        status,
        at: at(NOW - 5),
        failure,
        names: Vec::new(),
    }
}

fn apply(life: &MessageRecord, report: &Report) -> Option<MessageRecord> {
    life.after_report(
        report,
        &judging(),
        Some(&called()),
        &|id| id.reveal().into(),
        at(NOW),
    )
}

fn reported(life: &MessageRecord, attempt: u32, status: DeliveryStatus) -> Option<MessageRecord> {
    let failed = status == DeliveryStatus::Failed;
    let failure = failed.then(|| refusal(Scope::Recipient, Advice::GiveUp));
    apply(life, &report(attempt, status, failure))
}

/// A call fails after WhatsApp had accepted it.
fn failed(life: &MessageRecord, attempt: u32, scope: Scope, advice: Advice) -> Option<MessageRecord> {
    apply(
        life,
        &report(attempt, DeliveryStatus::Failed, Some(refusal(scope, advice))),
    )
}

fn check(
    before: &MessageRecord,
    after: Option<MessageRecord>,
    state: MessageState,
    reason: Option<&str>,
) -> MessageRecord {
    let after = after.unwrap_or_else(|| panic!("{} stayed as it was, should be {state}", before.state));
    assert_eq!((after.state, after.reason.as_deref()), (state, reason));
    assert_eq!(
        after.publish_at.is_some(),
        state == Queued,
        "only what is queued is handed out"
    );
    assert_eq!(
        after.dead_letter_due,
        state == Dead,
        "only what is dead has a letter to come"
    );
    after
}

fn pause() -> Duration {
    Duration::from_secs(10)
}

#[test]
fn a_template_that_whatsapp_cannot_use_gives_the_fallback_its_turn_at_once_and_at_no_cost() {
    let after = check(
        &sending(),
        answered(&sending(), 2, NextStep::TakeFallback),
        Queued,
        None,
    );

    assert_eq!(
        (after.turn, after.retries, after.due_at),
        (ContentChoice::Fallback, 1, at(NOW))
    );
}

#[test]
fn an_answer_moves_the_message_that_waits_for_it() {
    let give_up = NextStep::GiveUp(DeadLetterReason::Refused);
    for before in [life(Sending), life(Unknown)] {
        check(
            &before,
            answered(&before, 2, NextStep::Finish(wamid())),
            Sent,
            None,
        );
        check(
            &before,
            answered(&before, 2, give_up.clone()),
            Dead,
            Some("refused"),
        );
        let after = check(
            &before,
            answered(&before, 2, NextStep::RetryAfter(pause())),
            Queued,
            None,
        );
        assert_eq!(
            (after.retries, after.due_at, after.publish_at),
            (2, at(NOW + 10), Some(at(NOW + 10)))
        );
        let after = check(
            &before,
            answered(&before, 2, NextStep::WaitAtNoCost(pause())),
            Queued,
            None,
        );
        assert_eq!((after.retries, after.error_code), (1, Some(131_000)));
    }
    check(
        &sending(),
        answered(&sending(), 2, NextStep::AwaitEvidence),
        Unknown,
        None,
    );
}

#[test]
fn a_refusal_of_an_older_attempt_or_for_a_message_that_moved_on_changes_nothing() {
    for next in [
        NextStep::RetryAfter(pause()),
        NextStep::WaitAtNoCost(pause()),
        NextStep::AwaitEvidence,
        NextStep::GiveUp(DeadLetterReason::Refused),
    ] {
        assert_eq!(answered(&sending(), 1, next.clone()), None);
        for state in [Queued, Sent, Delivered, Read, Withdrawn, Expired, Skipped, Dead] {
            assert_eq!(answered(&life(state), 2, next.clone()), None, "{state}");
        }
    }
}

#[test]
fn an_acceptance_counts_from_any_attempt_and_in_any_state() {
    for state in [Sending, Unknown, Queued, Held, Withdrawn, Dead] {
        for attempt in [1, 2] {
            let before = MessageRecord {
                dead_letter_due: state == Dead,
                publish_at: (state == Queued).then(|| at(NOW)),
                ..life(state)
            };
            let after = check(
                &before,
                answered(&before, attempt, NextStep::Finish(wamid())),
                Sent,
                None,
            );
            assert_eq!((after.sent_at, after.error_code), (Some(at(NOW)), None));
        }
    }
}

#[test]
fn the_same_acceptance_twice_changes_nothing_the_second_time() {
    let sent = answered(&sending(), 2, NextStep::Finish(wamid())).unwrap();

    assert_eq!(answered(&sent, 2, NextStep::Finish(wamid())), None);
}

#[test]
fn what_was_withdrawn_during_its_call_is_not_queued_again() {
    for next in [NextStep::RetryAfter(pause()), NextStep::WaitAtNoCost(pause())] {
        let before = withdrawn(Sending);
        check(&before, answered(&before, 2, next), Withdrawn, Some("confirmed"));
    }
    let before = withdrawn(Sending);
    check(
        &before,
        answered(&before, 2, NextStep::Finish(wamid())),
        Sent,
        None,
    );
}

#[test]
fn statuses_climb_and_never_fall() {
    use DeliveryStatus::{Delivered, Failed, Read, Sent};
    let state = |status: DeliveryStatus| status.state();
    for known in [Sent, Failed, Delivered, Read] {
        let before = reported(&sending(), 2, known).unwrap();
        for status in [Sent, Failed, Delivered, Read] {
            let after = reported(&before, 2, status);
            if status > known {
                let reason = (status == Failed).then_some("delivery_failed");
                check(&before, after, state(status), reason);
            } else {
                assert_eq!(after, None, "{status} after {known}");
            }
        }
    }
}

#[test]
fn a_report_before_the_answer_counts_as_that_answer() {
    let delivered = reported(&sending(), 2, DeliveryStatus::Delivered).unwrap();
    assert_eq!(delivered.sent_at, Some(at(NOW - 5)));

    assert_eq!(answered(&delivered, 2, NextStep::Finish(wamid())), None);
    assert_eq!(answered(&delivered, 2, NextStep::RetryAfter(pause())), None);
}

#[test]
fn an_acceptance_after_a_failure_changes_nothing_even_when_the_next_call_is_under_way() {
    let dead = reported(&sending(), 2, DeliveryStatus::Failed).unwrap();
    assert_eq!((dead.state, dead.error_code), (Dead, Some(131_026)));
    assert_eq!(answered(&dead, 2, NextStep::Finish(wamid())), None);

    let queued = failed(&sending(), 2, Scope::Platform, Advice::Retry).unwrap();
    let called_again = MessageRecord {
        state: Sending,
        attempt: Attempt(3),
        delivery: None,
        ..queued
    };
    assert_eq!(answered(&called_again, 2, NextStep::Finish(wamid())), None);
    assert_eq!(
        reported(&called_again, 2, DeliveryStatus::Sent),
        None,
        "reports overtake"
    );
    let after = answered(&called_again, 3, NextStep::Finish(wamid()));
    check(&called_again, after, Sent, None);
}

/// The life after a failure of the last call, which had been accepted.
fn after_failure(scope: Scope, advice: Advice) -> MessageRecord {
    let sent = answered(&sending(), 2, NextStep::Finish(wamid())).unwrap();
    let after = failed(&sent, 2, scope, advice).unwrap();
    assert_eq!(
        (after.sent_at, after.failed_attempt),
        (None, Some(Attempt(2))),
        "it never went"
    );
    after
}

#[test]
fn a_failure_of_the_last_call_is_judged_like_its_answer() {
    let held = after_failure(Scope::Account, Advice::Hold);
    assert_eq!((held.state, held.reason.as_deref()), (Held, Some("account")));
    assert_eq!(
        (held.held_by.as_deref(), held.retries),
        (Some("account number=1"), 1)
    );

    let again = after_failure(Scope::Platform, Advice::Retry);
    assert_eq!(
        (again.state, again.due_at, again.retries),
        (Queued, at(NOW + 10), 2)
    );

    let fallback = after_failure(Scope::Template, Advice::Fallback);
    assert_eq!(
        (fallback.state, fallback.turn, fallback.due_at),
        (Queued, ContentChoice::Fallback, at(NOW))
    );

    let rests = after_failure(Scope::Recipient, Advice::RestADay);
    assert_eq!(
        (rests.state, rests.rested, rests.due_at),
        (Queued, true, at(NOW + 86_400))
    );

    let dead = after_failure(Scope::Recipient, Advice::GiveUp);
    assert_eq!(
        (dead.state, dead.reason.as_deref()),
        (Dead, Some("delivery_failed"))
    );
}

#[test]
fn a_message_that_rested_and_is_refused_again_ends_without_a_letter() {
    let rested = MessageRecord {
        rested: true,
        ..sending()
    };

    let after = failed(&rested, 2, Scope::Recipient, Advice::RestADay);

    check(&rested, after, Skipped, Some("marketing_limit"));
}

#[test]
fn free_text_that_fails_gives_way_to_a_template_at_once_and_at_no_cost() {
    let text = LastCall {
        free_text: true,
        ..called()
    };
    let failure = Some(refusal(Scope::Recipient, Advice::Fallback));
    let report = report(2, DeliveryStatus::Failed, failure);

    let after = life(Sent).after_report(
        &report,
        &judging(),
        Some(&text),
        &|id| id.reveal().into(),
        at(NOW),
    );

    let after = check(&life(Sent), after, Queued, None);
    assert_eq!(
        (after.text_refused, after.retries, after.due_at),
        (true, 1, at(NOW))
    );
}

#[test]
fn a_delivery_contradicts_a_failure_until_the_message_is_called_for_again_and_beyond() {
    let queued = after_failure(Scope::Platform, Advice::Retry);
    check(
        &queued,
        reported(&queued, 2, DeliveryStatus::Delivered),
        Delivered,
        None,
    );

    let called_again = MessageRecord {
        state: Sending,
        attempt: Attempt(3),
        delivery: None,
        publish_at: None,
        ..queued
    };
    check(
        &called_again,
        reported(&called_again, 2, DeliveryStatus::Delivered),
        Delivered,
        None,
    );
}

#[test]
fn a_failure_is_judged_once_and_not_where_the_answer_was_a_refusal() {
    for (scope, advice) in [
        (Scope::Account, Advice::Hold),
        (Scope::Platform, Advice::Retry),
        (Scope::Recipient, Advice::GiveUp),
    ] {
        let after = after_failure(scope, advice);
        assert_eq!(failed(&after, 2, scope, advice), None, "reported twice");
    }
    let hold = NextStep::Hold(Scope::Account);
    for next in [
        hold,
        NextStep::RetryAfter(pause()),
        NextStep::GiveUp(DeadLetterReason::Refused),
    ] {
        let refused = answered(&sending(), 2, next).unwrap();
        assert_eq!(failed(&refused, 2, Scope::Account, Advice::Hold), None);
    }
    for state in [Withdrawn, Expired, Skipped] {
        assert_eq!(
            failed(&life(state), 2, Scope::Account, Advice::Hold),
            None,
            "{state}"
        );
    }
}

#[test]
fn what_was_withdrawn_while_whatsapp_had_it_is_not_queued_or_held_after_a_failure() {
    for (scope, advice) in [
        (Scope::Account, Advice::Hold),
        (Scope::Platform, Advice::Retry),
        (Scope::Recipient, Advice::RestADay),
    ] {
        let before = withdrawn(Sending);
        check(
            &before,
            failed(&before, 2, scope, advice),
            Withdrawn,
            Some("confirmed"),
        );
    }
}

#[test]
fn a_call_whose_route_is_not_known_is_repeated_instead_of_holding_what_nobody_can_name() {
    let failure = Some(refusal(Scope::Country, Advice::Hold));
    let report = report(2, DeliveryStatus::Failed, failure);
    let unknown = LastCall {
        country_is_known: false,
        ..called()
    };
    for called in [None, Some(&unknown)] {
        let after = life(Sent).after_report(&report, &judging(), called, &|id| id.reveal().into(), at(NOW));

        let after = check(&life(Sent), after, Queued, None);
        assert_eq!((after.retries, after.due_at), (1, at(NOW + 60)));
    }
}

#[test]
fn a_hold_is_called_for_by_a_failure_of_the_last_call_alone() {
    let failure = || Some(refusal(Scope::Account, Advice::Hold));
    let last = report(2, DeliveryStatus::Failed, failure());
    let older = report(1, DeliveryStatus::Failed, failure());

    let laid = life(Sent).hold_after(&last, &judging(), &called()).unwrap();

    assert_eq!(
        (laid.key().as_str(), laid.reported_in),
        ("account number=1", ReportedIn::Status)
    );
    assert_eq!(life(Sent).hold_after(&older, &judging(), &called()), None);
    assert_eq!(life(Delivered).hold_after(&last, &judging(), &called()), None);
}

#[test]
fn the_failure_of_an_older_attempt_says_nothing_of_the_one_that_followed() {
    for state in [Sending, Sent, Delivered] {
        assert_eq!(reported(&life(state), 1, DeliveryStatus::Failed), None, "{state}");
        assert!(
            reported(&life(state), 1, DeliveryStatus::Read).is_some(),
            "{state}"
        );
    }
}

#[test]
fn the_failure_of_a_call_says_nothing_of_a_message_that_is_about_to_be_called_for_again() {
    assert_eq!(reported(&life(Queued), 2, DeliveryStatus::Failed), None);
    assert!(reported(&life(Sent), 2, DeliveryStatus::Failed).is_some());
}

#[test]
fn a_status_settles_an_outcome_that_was_given_up_as_unknown() {
    let before = MessageRecord {
        reason: Some("outcome_unknown".into()),
        dead_letter_due: true,
        ..life(Dead)
    };

    check(&before, reported(&before, 2, DeliveryStatus::Sent), Sent, None);
}

#[test]
fn the_fallbacks_turn_is_an_ordinary_next_attempt_at_once_that_uses_up_no_retry() {
    let after = answered(&sending(), 2, NextStep::TakeFallback);

    let after = check(&sending(), after, Queued, None);
    assert_eq!(
        (after.turn, after.retries, after.due_at),
        (ContentChoice::Fallback, 1, at(NOW))
    );
    let before = withdrawn(Sending);
    check(
        &before,
        answered(&before, 2, NextStep::TakeFallback),
        Withdrawn,
        Some("confirmed"),
    );
}

#[test]
fn a_refused_scope_holds_the_message_unless_it_was_withdrawn_and_uses_up_no_retry() {
    let hold = || NextStep::Hold(Scope::Token);

    let held = answered(&sending(), 2, hold()).unwrap();
    let ended = answered(&withdrawn(Sending), 2, hold()).unwrap();

    assert_eq!((held.state, held.reason.as_deref()), (Held, Some("token")));
    assert_eq!(held.held_by.as_deref(), Some("token resort=azure-bay"));
    assert_eq!(held.retries, sending().retries);
    assert_eq!(ended.state, Withdrawn);
}

#[test]
fn a_guest_who_refuses_marketing_ends_the_message_without_a_letter() {
    let answered = answered(&sending(), 2, NextStep::OptOut).unwrap();
    let failure = Some(refusal(Scope::Recipient, Advice::OptOut));
    let report = Report {
        callback: None,
        ..report(2, DeliveryStatus::Failed, failure)
    };
    let reported = apply(&life(Sent), &report).unwrap();
    assert!(report.refuses_marketing());

    for life in [answered, reported] {
        assert_eq!((life.state, life.reason.as_deref()), (Skipped, Some("opted_out")));
        assert!(!life.dead_letter_due);
    }
}

#[test]
fn a_report_in_whole_seconds_does_not_date_a_sending_before_its_claim() {
    let claimed_at = at(NOW - 5) + TimeDelta::milliseconds(700);
    let claimed = MessageRecord {
        claimed_at: Some(claimed_at),
        ..life(Sending)
    };

    let after = reported(&claimed, 2, DeliveryStatus::Sent).unwrap();

    assert_eq!(after.sent_at, Some(claimed_at));
}

#[test]
fn the_failure_of_a_call_that_was_taken_for_lost_is_the_messages_own() {
    let queued_by_silence = MessageRecord {
        silent_attempt: Some(Attempt(2)),
        ..life(Queued)
    };
    check(
        &queued_by_silence,
        reported(&queued_by_silence, 2, DeliveryStatus::Failed),
        Dead,
        Some("delivery_failed"),
    );
    assert_eq!(reported(&queued_by_silence, 1, DeliveryStatus::Failed), None);
}

#[test]
fn silence_is_settled_once_and_only_for_the_call_that_it_followed() {
    let silent = life(Unknown);

    let again = silent.after_silence(Attempt(2), SilenceVerdict::QueueAgain, at(NOW));
    let again = check(&silent, again, Queued, None);
    assert_eq!(again.silent_attempt, Some(Attempt(2)));
    let given_up = silent.after_silence(Attempt(2), SilenceVerdict::GiveUp, at(NOW));
    check(&silent, given_up, Dead, Some("outcome_unknown"));
    for verdict in [SilenceVerdict::QueueAgain, SilenceVerdict::GiveUp] {
        assert_eq!(
            silent.after_silence(Attempt(1), verdict, at(NOW)),
            None,
            "another call"
        );
        assert_eq!(again.after_silence(Attempt(2), verdict, at(NOW)), None, "settled");
    }
}

#[test]
fn what_was_withdrawn_is_not_queued_again_by_silence() {
    let silent = withdrawn(Unknown);

    let after = silent.after_silence(Attempt(2), SilenceVerdict::QueueAgain, at(NOW));

    check(&silent, after, Withdrawn, Some("confirmed"));
}
