//! Answers to calls.

use super::*;

#[test]
fn an_answer_moves_the_message_that_waits_for_it() {
    let give_up = NextStep::GiveUp(DeadLetterReason::Refused);
    for before in [record(Sending), record(Unknown)] {
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
            assert_eq!(answered(&record(state), 2, next.clone()), None, "{state}");
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
                ..record(state)
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
fn a_message_withdrawn_during_its_call_is_not_queued_again() {
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
fn the_fallback_is_an_ordinary_next_attempt_at_once_that_uses_up_no_retry() {
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
fn a_refusal_of_the_marketing_endpoint_queues_the_message_at_once_and_uses_up_no_retry() {
    let after = answered(&sending(), 2, NextStep::UseMessages).unwrap();

    assert_eq!((after.state, after.retries), (Queued, sending().retries));
    assert_eq!((after.due_at, after.publish_at), (at(NOW), Some(at(NOW))));
    let marked = answered(&withdrawn(Sending), 2, NextStep::UseMessages).unwrap();
    assert_eq!(marked.state, Withdrawn);
}
