//! Statuses that WhatsApp reports.

use super::*;

#[test]
fn the_highest_status_wins() {
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
fn a_status_settles_an_outcome_that_was_given_up_as_unknown() {
    let before = MessageRecord {
        reason: Some("outcome_unknown".into()),
        dead_letter_due: true,
        ..record(Dead)
    };

    check(&before, reported(&before, 2, DeliveryStatus::Sent), Sent, None);
}

#[test]
fn a_report_in_whole_seconds_does_not_set_sent_at_before_the_claim() {
    let claimed_at = at(NOW - 5) + TimeDelta::milliseconds(700);
    let claimed = MessageRecord {
        claimed_at: Some(claimed_at),
        ..record(Sending)
    };

    let after = reported(&claimed, 2, DeliveryStatus::Sent).unwrap();

    assert_eq!(after.sent_at, Some(claimed_at));
}

#[test]
fn a_guest_who_refuses_marketing_ends_the_message_without_a_dead_letter() {
    let answered = answered(&sending(), 2, NextStep::OptOut).unwrap();
    let failure = Some(refusal(Scope::Recipient, Advice::OptOut));
    let report = Report {
        callback: None,
        ..report(2, DeliveryStatus::Failed, failure)
    };
    let reported = apply(&record(Sent), &report).unwrap();
    assert!(report.refuses_marketing());

    for record in [answered, reported] {
        assert_eq!(
            (record.state, record.reason.as_deref()),
            (Skipped, Some("opted_out"))
        );
        assert!(!record.dead_letter_due);
    }
}

fn priced(report: Report, category: &str) -> Report {
    Report {
        pricing: Some(Pricing {
            category: Some(category.to_owned()),
            type_: Some("regular".to_owned()),
            billable: None,
        }),
        ..report
    }
}

fn category(record: &MessageRecord) -> Option<&str> {
    record.pricing.as_ref()?.category.as_deref()
}

// shows: B147
#[test]
fn the_pricing_of_a_status_is_kept_in_whatever_order_the_statuses_arrive() {
    let sent = || priced(report(2, DeliveryStatus::Sent, None), "utility");
    let delivered = || report(2, DeliveryStatus::Delivered, None);

    let in_order = apply(&apply(&sending(), &sent()).unwrap(), &delivered()).unwrap();
    let other_way = apply(&apply(&sending(), &delivered()).unwrap(), &sent()).unwrap();

    for after in [&in_order, &other_way] {
        assert_eq!((category(after), after.state), (Some("utility"), Delivered));
    }
    assert_eq!(apply(&in_order, &sent()), None, "known already");
}

#[test]
fn a_call_that_failed_costs_nothing_and_a_report_on_it_later_neither() {
    let sent = priced(report(2, DeliveryStatus::Sent, None), "marketing");
    let accepted = apply(&sending(), &sent).unwrap();

    let failed = apply(&accepted, &report(2, DeliveryStatus::Failed, None)).unwrap();

    assert_eq!(category(&accepted), Some("marketing"));
    assert_eq!(category(&failed), None);
    assert_eq!(apply(&failed, &sent), None);
}
