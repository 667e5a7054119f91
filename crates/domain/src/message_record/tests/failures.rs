//! Failures that WhatsApp reports after an acceptance.

use super::*;

#[test]
fn an_acceptance_after_a_failure_changes_nothing_even_during_the_next_call() {
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

/// The record after a failure of the last call, which had been accepted.
fn after_failure(scope: Scope, advice: Advice) -> MessageRecord {
    let sent = answered(&sending(), 2, NextStep::Finish(wamid())).unwrap();
    let after = failed(&sent, 2, scope, advice).unwrap();
    assert_eq!(
        (after.sent_at, after.failed_attempt),
        (None, Some(Attempt(2))),
        "it was never sent"
    );
    after
}

#[test]
fn a_failure_of_the_last_call_is_judged_like_an_error_answer() {
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
fn a_message_that_rested_and_is_refused_again_ends_without_a_dead_letter() {
    let rested = MessageRecord {
        rested: true,
        ..sending()
    };

    let after = failed(&rested, 2, Scope::Recipient, Advice::RestADay);

    check(&rested, after, Skipped, Some("marketing_limit"));
}

#[test]
fn free_text_that_fails_is_followed_by_a_template_at_once_without_using_up_a_retry() {
    let text = LastCall {
        free_text: true,
        ..last_call()
    };
    let failure = Some(refusal(Scope::Recipient, Advice::Fallback));
    let report = report(2, DeliveryStatus::Failed, failure);

    let after = record(Sent).after_report(
        &report,
        &judging(),
        Some(&text),
        &|id| id.reveal().into(),
        at(NOW),
    );

    let after = check(&record(Sent), after, Queued, None);
    assert_eq!(
        (after.text_refused, after.retries, after.due_at),
        (true, 1, at(NOW))
    );
}

#[test]
fn a_delivery_contradicts_a_failure_also_after_the_next_call_began() {
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
fn a_failure_counts_once_and_not_after_an_error_answer() {
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
            failed(&record(state), 2, Scope::Account, Advice::Hold),
            None,
            "{state}"
        );
    }
}

#[test]
fn a_message_withdrawn_after_its_acceptance_is_not_queued_or_held_after_a_failure() {
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
fn a_call_whose_route_is_not_known_is_repeated_instead_of_holding_an_unknown_scope() {
    let failure = Some(refusal(Scope::Country, Advice::Hold));
    let report = report(2, DeliveryStatus::Failed, failure);
    let unknown = LastCall {
        country_is_known: false,
        ..last_call()
    };
    for last_call in [None, Some(&unknown)] {
        let after =
            record(Sent).after_report(&report, &judging(), last_call, &|id| id.reveal().into(), at(NOW));

        let after = check(&record(Sent), after, Queued, None);
        assert_eq!((after.retries, after.due_at), (1, at(NOW + 60)));
    }
}

#[test]
fn only_a_failure_of_the_last_call_lays_a_hold() {
    let failure = || Some(refusal(Scope::Account, Advice::Hold));
    let last = report(2, DeliveryStatus::Failed, failure());
    let older = report(1, DeliveryStatus::Failed, failure());

    let laid = record(Sent).hold_after(&last, &judging(), &last_call()).unwrap();

    assert_eq!(
        (laid.key().as_str(), laid.reported_in),
        ("account number=1", ReportedIn::Status)
    );
    assert_eq!(record(Sent).hold_after(&older, &judging(), &last_call()), None);
    assert_eq!(
        record(Delivered).hold_after(&last, &judging(), &last_call()),
        None
    );
}

#[test]
fn the_failure_of_an_older_attempt_says_nothing_about_the_next_one() {
    for state in [Sending, Sent, Delivered] {
        assert_eq!(
            reported(&record(state), 1, DeliveryStatus::Failed),
            None,
            "{state}"
        );
        assert!(
            reported(&record(state), 1, DeliveryStatus::Read).is_some(),
            "{state}"
        );
    }
}

#[test]
fn the_failure_of_a_call_says_nothing_about_a_message_that_is_queued_again() {
    assert_eq!(reported(&record(Queued), 2, DeliveryStatus::Failed), None);
    assert!(reported(&record(Sent), 2, DeliveryStatus::Failed).is_some());
}
