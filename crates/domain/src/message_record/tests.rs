//! A message after answers, reports and silence, in every order of arrival.

mod answers;
mod failures;
mod silence;
mod statuses;

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

/// A message during its second call.
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
        pricing: None,
    }
}

fn record(state: MessageState) -> MessageRecord {
    MessageRecord { state, ..sending() }
}

fn withdrawn(state: MessageState) -> MessageRecord {
    MessageRecord {
        withdrawn: Some("confirmed".into()),
        ..record(state)
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

fn answered(record: &MessageRecord, attempt: u32, next: NextStep) -> Option<MessageRecord> {
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
    record.after_call(&result, &|id| id.reveal().into(), at(NOW))
}

fn judging() -> Judging {
    Judging {
        policy: RetryPolicy::default(),
        pause: Duration::from_secs(60),
    }
}

fn last_call() -> LastCall {
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
        pricing: None,
        names: Vec::new(),
    }
}

fn apply(record: &MessageRecord, report: &Report) -> Option<MessageRecord> {
    record.after_report(
        report,
        &judging(),
        Some(&last_call()),
        &|id| id.reveal().into(),
        at(NOW),
    )
}

fn reported(record: &MessageRecord, attempt: u32, status: DeliveryStatus) -> Option<MessageRecord> {
    let failed = status == DeliveryStatus::Failed;
    let failure = failed.then(|| refusal(Scope::Recipient, Advice::GiveUp));
    apply(record, &report(attempt, status, failure))
}

/// A call fails after WhatsApp had accepted it.
fn failed(record: &MessageRecord, attempt: u32, scope: Scope, advice: Advice) -> Option<MessageRecord> {
    apply(
        record,
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
        "only a queued message is published"
    );
    assert_eq!(
        after.dead_letter_due,
        state == Dead,
        "only a dead message has a dead letter to publish"
    );
    after
}

fn pause() -> Duration {
    Duration::from_secs(10)
}
