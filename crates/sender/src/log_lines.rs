//! One line for each thing that happens to a message, joined by its ids. No personal data.

use std::time::Duration;

use domain::after_call::{CallOutcome, NextStep};
use domain::ids::MessageId;
use domain::message::{Attempt, Reason};
use store::StoreError;
use store::claims::{Draft, Wanted};
use store::results::{Recorded, Silent};
use whatsapp::answer::Answer;

use crate::write::{Ready, Written};

/// A message that is not sent as things stand.
pub(crate) fn not_sent(draft: &Draft, written: &Written) {
    let (id, booking, kind) = (
        draft.id.to_string(),
        draft.booking.to_string(),
        draft.kind.as_str(),
    );
    match written {
        Written::Skip(reason) => {
            log::info!("message.id" = id, "booking.id" = booking, kind = kind, reason = reason.as_str(); "message skipped");
        }
        Written::PutOff(at) => {
            log::info!("message.id" = id, "booking.id" = booking, kind = kind, until:% = at; "message put off by quiet hours");
        }
        Written::TemplateHeld(hold) => {
            log::warn!("message.id" = id, "booking.id" = booking, kind = kind, hold = hold;
                "message held: its template cannot be used now and there is no fallback");
        }
        Written::TemplateMissing => {
            log::error!("message.id" = id, "booking.id" = booking, kind = kind, alert = true;
                "message held: the resort's file has neither a template of this kind nor a fallback for this guest");
        }
        Written::Ready(_) => {}
    }
}

/// A message whose resort has no readable file; its id comes again.
pub(crate) fn without_resort(draft: &Draft) {
    log::error!("message.id" = draft.id.to_string(), "booking.id" = draft.booking.to_string(), alert = true;
        "message waits: its resort has no readable file");
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

/// One call and what follows from it. Returns the outcome's name for the counters.
pub(crate) fn called(
    wanted: &Wanted,
    booking: &str,
    attempt: Attempt,
    answer: &Answer,
    next: &NextStep,
) -> &'static str {
    let outcome = match &answer.outcome {
        CallOutcome::Accepted { .. } => "accepted",
        CallOutcome::Refused(_) => "refused",
        CallOutcome::Unreachable => "unreachable",
        CallOutcome::Unknown => "unknown",
    };
    let then = match next {
        NextStep::Finish(_) => "sent",
        NextStep::RetryAfter(_) => "retry",
        NextStep::WaitAtNoCost(_) => "wait",
        NextStep::TakeFallback => "fallback",
        NextStep::Hold(_) => "hold",
        NextStep::OptOut => "opt_out",
        NextStep::AwaitEvidence => "await_evidence",
        NextStep::GiveUp(reason) => reason.as_str(),
    };
    let code = match &answer.outcome {
        CallOutcome::Refused(refusal) => refusal.code,
        _ => 0,
    };
    let level = if matches!(next, NextStep::Finish(_)) {
        log::Level::Info
    } else {
        log::Level::Warn
    };
    let duration_ms = u64::try_from(answer.duration.as_millis()).unwrap_or(u64::MAX);
    log::log!(level, "message.id" = wanted.id.to_string(), "booking.id" = booking, kind = wanted.route.kind.as_str(),
        "attempt.number" = attempt.0, outcome = outcome, then = then, code = code, duration_ms = duration_ms;
        "called WhatsApp");
    outcome
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
        "nobody spoke of a call: decided by what is known of its neighbours");
}

/// A call that nobody spoke of and that cannot be settled now; the others go on.
pub(crate) fn silence_unsettled(silent: &Silent, error: &StoreError) {
    log::error!("message.id" = silent.id.to_string(), "booking.id" = silent.booking_key, error = service::chain(error);
        "a call without an answer cannot be settled");
}
