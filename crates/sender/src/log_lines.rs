//! One line for each thing that happens to a message, joined by its ids. No personal data.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::after_call::{CallOutcome, NextStep};
use domain::before_call::Step;
use domain::ids::{MessageId, ResortId};
use domain::message::life::CallResult;
use domain::message::{Attempt, Reason};
use store::claims::Draft;
use store::results::{Recorded, Silent};
use store::{Fault, StoreError};
use whatsapp::answer::Answer;

use crate::prepare::Ready;

/// A batch that Postgres kept from being sent; its ids are given back.
pub(crate) fn given_back(error: &StoreError) {
    let said = service::chain(error);
    match error.fault() {
        Fault::Outage => log::warn!(error = said; "Postgres is away; the ids are given back"),
        Fault::Contention | Fault::Locked => {
            log::warn!(error = said; "somebody else is in the way in Postgres; the ids are given back");
        }
        Fault::Unclear | Fault::Ours | Fault::Data => {
            log::error!(error = said, alert = true; "a database step failed; the ids are given back");
        }
    }
}

/// A message that is not sent as things stand. Returns the outcome's name for the counters; `None`: it is sent.
pub(crate) fn not_sent(draft: &Draft, step: &Step) -> Option<&'static str> {
    let (id, booking, kind) = (
        draft.id.to_string(),
        draft.booking.to_string(),
        draft.kind.as_str(),
    );
    match step {
        Step::Call(_) => None,
        Step::Skip(reason) => {
            log::info!("message.id" = id, "booking.id" = booking, kind = kind, reason = reason.as_str(); "message skipped");
            Some("skipped")
        }
        Step::PutOff(at) => {
            log::info!("message.id" = id, "booking.id" = booking, kind = kind, until:% = at; "message put off by quiet hours");
            Some("put_off")
        }
        Step::AwaitTemplate(template) => {
            log::warn!("message.id" = id, "booking.id" = booking, kind = kind, template = template;
                "message held: its template cannot be used now and there is no fallback");
            Some("held")
        }
        Step::TemplateMissing => {
            log::error!("message.id" = id, "booking.id" = booking, kind = kind, alert = true;
                "message held: the resort's file has neither a template of this kind nor a fallback for this guest");
            Some("held")
        }
    }
}

/// Messages, by resort, whose resorts have no readable file; their ids come again. Returns how many, for the counters.
pub(crate) fn without_file(waiting: &BTreeMap<ResortId, u64>) -> u64 {
    for (resort, messages) in waiting {
        log::error!(resort = resort.as_str(), messages = messages, alert = true;
            "messages wait: their resort has no readable file; `desk config check` names what is wrong with it");
    }
    waiting.values().sum()
}

/// Messages whose bookings' stored facts do not open; their ids come again. Returns how many, for the counters.
pub(crate) fn damaged(messages: &[(MessageId, String)]) -> u64 {
    for (id, booking) in messages {
        log::error!("message.id" = id.to_string(), "booking.id" = booking, alert = true;
            "message waits: what is stored of its booking is damaged");
    }
    u64::try_from(messages.len()).unwrap_or(u64::MAX)
}

/// A message that its claim ended.
pub(crate) fn ended(one: &Ready, reason: Reason) {
    log::info!("message.id" = one.wanted.id.to_string(), "booking.id" = one.booking,
        kind = one.wanted.route.kind.as_str(), reason = reason.as_str(); "message ended before it went");
}

/// A message whose guest has got very many just now.
pub(crate) fn crowded(one: &Ready, wait: Duration) {
    log::warn!("message.id" = one.wanted.id.to_string(), "booking.id" = one.booking,
        kind = one.wanted.route.kind.as_str(), wait_s = wait.as_secs_f64();
        "message put off: WhatsApp takes one in 6 s to the same guest, and many went just now");
}

/// A message that its claim held.
pub(crate) fn held(one: &Ready, scope: &str) {
    log::info!("message.id" = one.wanted.id.to_string(), "booking.id" = one.booking,
        kind = one.wanted.route.kind.as_str(), scope = scope; "message held");
}

/// A message that was claimed and is not called for after all.
pub(crate) fn released(one: &Ready, attempt: Attempt) {
    log::warn!("message.id" = one.wanted.id.to_string(), "booking.id" = one.booking, "attempt.number" = attempt.0;
        "released without a call: the claim took too long, or the resort's token is gone");
}

/// One call and what follows from it. Returns the outcome's name for the counters.
pub(crate) fn called(one: &Ready, attempt: Attempt, answer: &Answer, next: &NextStep) -> &'static str {
    let outcome = match &answer.outcome {
        CallOutcome::Accepted { .. } => "accepted",
        CallOutcome::Refused(_) => "refused",
        CallOutcome::Failed(_) => "failed",
        CallOutcome::Unreachable => "unreachable",
        CallOutcome::Intercepted => "intercepted",
        CallOutcome::Unknown => "unknown",
    };
    let then = match next {
        NextStep::Finish(_) => "sent",
        NextStep::RetryAfter(_) => "retry",
        NextStep::WaitAtNoCost(_) => "wait",
        NextStep::Rest(_) => "rest",
        NextStep::TakeFallback | NextStep::LeaveText => "fallback",
        NextStep::Skip(reason) => reason.as_str(),
        NextStep::Hold(_) => "hold",
        NextStep::OptOut => "opt_out",
        NextStep::AwaitEvidence => "await_evidence",
        NextStep::GiveUp(reason) => reason.as_str(),
    };
    let code = answer.outcome.error_code().unwrap_or_default();
    let (note, seen) = (
        answer.note.unwrap_or_default(),
        answer.foreign.as_deref().unwrap_or_default(),
    );
    let level = if matches!(next, NextStep::Finish(_)) {
        log::Level::Info
    } else {
        log::Level::Warn
    };
    let duration_ms = u64::try_from(answer.duration.as_millis()).unwrap_or(u64::MAX);
    log::log!(level, "message.id" = one.wanted.id.to_string(), "booking.id" = one.booking, kind = one.wanted.route.kind.as_str(),
        "attempt.number" = attempt.0, outcome = outcome, then = then, code = code, duration_ms = duration_ms, note = note, seen = seen;
        "called WhatsApp");
    outcome
}

/// What came of a call, and what Postgres has not taken yet.
pub(crate) fn kept(called: &CallResult, error: &StoreError) {
    log::warn!("message.id" = called.id.to_string(), "attempt.number" = called.attempt.0, error = service::chain(error);
        "what came of a call waits to be recorded; trying again every second");
}

/// What came of a call, and will not be known.
pub(crate) fn unrecorded(called: &CallResult, reason: &str) {
    log::error!("message.id" = called.id.to_string(), "attempt.number" = called.attempt.0, error = reason, alert = true;
        "what came of a call is not recorded: its message counts as one of unknown outcome, until WhatsApp reports on it");
}

/// What was made of a call that nobody spoke of.
pub(crate) fn silence_settled(silent: &Silent, recorded: &Recorded) {
    let (answered, silent_s) = (
        silent.evidence.answered,
        (silent.evidence.now - silent.evidence.claimed_at).num_seconds(),
    );
    log::warn!("message.id" = silent.id.to_string(), "booking.id" = silent.booking_key, kind = recorded.kind.as_str(),
        "attempt.number" = silent.attempt.0, state = recorded.state.as_str(),
        reason = recorded.reason.as_deref().unwrap_or_default(), silent_s = silent_s, neighbours = answered;
        "unanswered call decided from the reports on neighbouring calls");
}

/// A call that nobody spoke of and that cannot be settled now; the others go on.
pub(crate) fn silence_unsettled(silent: &Silent, error: &StoreError) {
    log::error!("message.id" = silent.id.to_string(), "booking.id" = silent.booking_key, error = service::chain(error);
        "a call without an answer cannot be settled");
}
