//! Calls that counted as lost.

use super::*;

#[test]
fn a_failure_of_the_call_that_counted_as_lost_counts() {
    let queued_by_silence = MessageRecord {
        silent_attempt: Some(Attempt(2)),
        ..record(Queued)
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
    let silent = record(Unknown);

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
fn a_withdrawn_message_is_not_queued_again_after_silence() {
    let silent = withdrawn(Unknown);

    let after = silent.after_silence(Attempt(2), SilenceVerdict::QueueAgain, at(NOW));

    check(&silent, after, Withdrawn, Some("confirmed"));
}
