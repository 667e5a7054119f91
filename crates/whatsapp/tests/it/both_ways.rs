//! Every code of the list, as an answer and as a later status: the next state of the message, and the hold.
//!
//! The expectations come from the list's own words (`action`, `scope`), not from our table.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::after_call::{CallOutcome, Refusal, ReportedIn, RetryPolicy, Tried};
use domain::hold::{self, NewHold, Route};
use domain::ids::{MessageId, NumberId, ResortId, WhatsAppMessageId};
use domain::message::{Attempt, CallbackData, ContentChoice, DeliveryStatus, MessageKind, MessageState};
use domain::message_record::{CallResult, Judging, LastCall, MessageRecord, Report};
use serde_json::Value;
use uuid::Uuid;
use whatsapp::error_codes::{self, ErrorObject};

use crate::fixtures;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;
const ONE_DAY_S: i64 = 86_400;

/// The result for a message, in the words of this test.
#[derive(Debug, PartialEq, Eq)]
struct Came {
    /// `queued` with the seconds until it is due, or the state with its reason.
    to: String,
    /// Retries used up.
    retries: u32,
    /// The key of the hold that is laid.
    held: Option<String>,
    /// Whether the fallback, or a template instead of text, is next.
    otherwise: bool,
}

fn came(life: &MessageRecord, held: Option<&NewHold>) -> Came {
    let reason = life.reason.as_deref().unwrap_or_default();
    let to = match life.state {
        MessageState::Queued => format!("queued {}", (life.due_at - NOW).num_seconds()),
        state => format!("{state} {reason}"),
    };
    assert_eq!(life.dead_letter_due, life.state == MessageState::Dead);
    Came {
        to,
        retries: life.retries,
        held: held.map(NewHold::key),
        otherwise: life.turn == ContentChoice::Fallback || life.text_refused,
    }
}

fn life(state: MessageState) -> MessageRecord {
    MessageRecord {
        state,
        reason: None,
        due_at: NOW,
        publish_at: None,
        publishes: 0,
        attempt: Attempt(1),
        retries: 0,
        turn: ContentChoice::Template,
        withdrawn: None,
        claimed_at: Some(NOW),
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

fn route(free_text: bool) -> Route {
    Route {
        resort: ResortId::parse("azure-bay").unwrap(),
        number: NumberId::parse("1").unwrap(),
        country: 30,
        template: (!free_text).then(|| "reminder/en".to_owned()),
        kind: MessageKind::Reminder1,
    }
}

const PAUSE: Duration = Duration::from_secs(60);

fn hash(id: &WhatsAppMessageId) -> Vec<u8> {
    id.reveal().into()
}

/// As an answer to the call.
fn answered(refusal: Refusal, free_text: bool) -> Came {
    let before = life(MessageState::Sending);
    let tried = Tried {
        retries: before.retries,
        attempt: before.attempt,
        turn: before.turn,
        free_text,
        rested: before.rested,
    };
    let outcome = CallOutcome::Refused(refusal);
    let route = route(free_text);
    let held = hold::after(&outcome, &route, PAUSE);
    let result = CallResult {
        id: MessageId(Uuid::nil()),
        attempt: before.attempt,
        next: RetryPolicy::default().next_step(tried, &outcome),
        hold: held.clone(),
        error_code: outcome.error_code(),
        paced: false,
        names: Vec::new(),
        route,
    };
    let after = before.after_call(&result, &hash, NOW).unwrap();
    came(&after, held.as_ref())
}

/// As a status `failed` of a call that WhatsApp had accepted.
fn reported(failure: Refusal, free_text: bool) -> Came {
    let before = life(MessageState::Sent);
    let report = Report {
        callback: Some(CallbackData {
            message: MessageId(Uuid::nil()),
            attempt: before.attempt,
        }),
        whatsapp_id: WhatsAppMessageId::parse("wamid.1").unwrap(),
        status: DeliveryStatus::Failed,
        at: NOW,
        failure: Some(failure),
        pricing: None,
        names: Vec::new(),
    };
    let judging = Judging {
        policy: RetryPolicy::default(),
        pause: PAUSE,
    };
    let called = LastCall {
        route: route(free_text),
        country_is_known: true,
        free_text,
    };
    let held = before.hold_after(&report, &judging, &called);
    assert!(held.iter().all(|hold| hold.reported_in == ReportedIn::Status));
    let after = before
        .after_report(&report, &judging, Some(&called), &hash, NOW)
        .unwrap();
    came(&after, held.as_ref())
}

/// The result that the list demands for this error.
fn expected(code: i64, row: &Value, reported_in: ReportedIn) -> Came {
    let scope = row["scope"].as_str().unwrap();
    let plain = |to: &str| Came {
        to: to.to_owned(),
        retries: 0,
        held: None,
        otherwise: false,
    };
    let held = |word: &str, key: String| Came {
        held: Some(key),
        ..plain(&format!("held {word}"))
    };
    let of_number = |word: &str| held(word, format!("{word} number=1"));
    match row["action"].as_str().unwrap() {
        "STOP_TOKEN" => held("token", "token resort=azure-bay".to_owned()),
        "STOP_NUMBER" => of_number("number"),
        "STOP_WABA" => of_number("account"),
        "STOP_COUNTRY" => held("country", "country number=1 country=+30".to_owned()),
        "HOLD_TEMPLATE" if scope == "waba" => of_number("account"),
        "HOLD_TEMPLATE" => Came {
            held: Some("template number=1 template=reminder/en".to_owned()),
            otherwise: true,
            ..plain("queued 0")
        },
        "USE_TEMPLATE" => Came {
            otherwise: true,
            ..plain("queued 0")
        },
        // After these two a delivery may still contradict the failure.
        "RETRY" if reported_in == ReportedIn::Status && matches!(code, 1 | 131_000 | 131_016) => Came {
            retries: 1,
            ..plain("queued 120")
        },
        "RETRY" => Came {
            retries: 1,
            ..plain("queued 10")
        },
        "THROTTLE_NUMBER" => plain("queued 5"),
        "THROTTLE_PAIR" => plain("queued 1"),
        "THROTTLE_APP" if scope == "app" => of_number("platform"),
        "THROTTLE_APP" => of_number("account"),
        "WAIT_24H" => plain(&format!("queued {ONE_DAY_S}")),
        "OPT_OUT_MARKETING" => plain("skipped opted_out"),
        "DROP_RECIPIENT" | "REVIEW_PAYLOAD" if reported_in == ReportedIn::Answer => plain("dead refused"),
        "DROP_RECIPIENT" | "REVIEW_PAYLOAD" => plain("dead delivery_failed"),
        action => panic!("unknown action {action}"),
    }
}

#[test]
fn every_code_leads_to_the_same_whether_it_comes_as_an_answer_or_as_a_status() {
    let fixture = fixtures::json("error-codes.json");
    for row in fixture["errors"].as_array().unwrap() {
        let text = row["code"].to_string();
        let first = text.trim_matches('"').split('-').next().unwrap();
        let code: i64 = first.parse().unwrap();
        let free_text = row["action"] == "USE_TEMPLATE";
        let error = ErrorObject {
            code,
            ..ErrorObject::default()
        };
        let by_answer = error_codes::refusal(error, 400, None);

        assert_eq!(
            answered(by_answer, free_text),
            expected(code, row, ReportedIn::Answer),
            "{code} as an answer"
        );
        assert_eq!(
            reported(error_codes::failure(code), free_text),
            expected(code, row, ReportedIn::Status),
            "{code} as a status"
        );
    }
}

#[test]
fn an_unknown_code_in_a_status_is_a_dead_letter() {
    assert_eq!(
        reported(error_codes::failure(77_777), false).to,
        "dead delivery_failed"
    );
}
