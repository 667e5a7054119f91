//! Log lines and counters, made from the values that pass through the stages. Lines hold ids, never personal data.
//!
//! Every line that an operator may search for has an `event`, or an `alert` where a person must act
//! (`docs/operations.md`). Metrics are listed in `docs/metrics.md`.

mod holds;
mod spans;

use std::collections::BTreeMap;
use std::time::Duration;

use domain::after_call::{CallOutcome, NextStep};
use domain::before_call::Step;
use domain::endpoint::Endpoint;
use domain::ids::{MessageId, ResortId};
use domain::message::Reason;
use domain::message_record::CallResult;
use store::claims::Draft;
use store::results::{Outcome, UnresolvedCall};
use store::senders::Unreachable;
use store::{Fault, StoreError};

use crate::metrics::SenderMetrics;
use crate::stages::{Called, Granted, Ready};

pub(crate) use holds::{maintained, recorded};
pub(crate) use spans::span;

/// A batch, or one route of it, failed at a database step, and the batch's ids return to the queue.
pub(crate) fn sending_failed(error: &StoreError) {
    let chain = service::chain(error);
    match error.fault() {
        Fault::Outage => {
            log::warn!(error = chain, event = "postgres_unavailable"; "Postgres is unavailable; ids returned to the queue");
        }
        Fault::Contention | Fault::Locked => {
            log::warn!(error = chain, event = "postgres_contention"; "another transaction is in the way; ids returned to the queue");
        }
        Fault::Unclear | Fault::Ours | Fault::Data => {
            log::error!(error = chain, alert = "sending_failed"; "a database step failed; ids returned to the queue");
        }
    }
}

/// Several messages that Postgres does not let this process claim in one transaction.
pub(crate) fn claiming_apart(messages: usize, error: &StoreError) {
    log::warn!(messages, error = service::chain(error), event = "messages_claimed_apart";
        "messages could not be claimed together; claiming each alone");
}

/// Messages that wait in this process could not be left to other senders at once.
pub(crate) fn not_handed_out(error: &StoreError) {
    log::warn!(error = service::chain(error), event = "messages_not_handed_out";
        "waiting messages could not be handed out at once; the relay publishes their ids again within a minute");
}

/// Messages that found too many others waiting for their number, and how long each waits.
pub(crate) fn backlogged(metrics: &SenderMetrics, put_off: &[(Ready, Duration)]) {
    metrics.backlogged.inc_by(put_off.len() as u64);
    let mut numbers: BTreeMap<&str, (usize, Duration)> = BTreeMap::new();
    for (one, wait) in put_off {
        let (messages, longest) = numbers.entry(one.route().number.as_str()).or_default();
        *messages += 1;
        *longest = (*longest).max(*wait);
    }
    for (number, (messages, longest)) in numbers {
        log::debug!(number, messages, wait_s = longest.as_secs_f64(); "put off: too many others wait for this number");
    }
}

/// A message that does not go now, for a reason that was found before its claim.
pub(crate) fn not_sent(metrics: &SenderMetrics, draft: &Draft, step: &Step) {
    let (id, booking) = (draft.id.to_string(), draft.booking.to_string());
    let kind = draft.kind.as_str();
    let outcome = match step {
        Step::Call(_) => return,
        Step::Skip(reason) => {
            log::info!("message.id" = id, "booking.id" = booking, kind, reason = reason.as_str(), event = "message_skipped";
                "message skipped");
            "skipped"
        }
        Step::PutOff(until) => {
            log::info!("message.id" = id, "booking.id" = booking, kind, until:%, event = "message_put_off";
                "message put off by quiet hours");
            "put_off"
        }
        Step::AwaitTemplate(template) => {
            log::warn!("message.id" = id, "booking.id" = booking, kind, template, event = "message_held";
                "message held: its template is on hold and there is no fallback");
            "held"
        }
        Step::TemplateMissing => {
            log::error!("message.id" = id, "booking.id" = booking, kind, alert = "template_missing";
                "message held: the resort's file has neither a template nor a fallback for it");
            "held"
        }
    };
    metrics.messages.count(draft.kind, outcome);
}

/// Messages, by resort, that stay queued because their resort has no readable file.
pub(crate) fn without_file(metrics: &SenderMetrics, waiting: &BTreeMap<ResortId, u64>) {
    for (resort, messages) in waiting {
        metrics.without_resort.inc_by(*messages);
        log::error!(resort = resort.as_str(), messages, alert = "messages_without_resort";
            "messages wait: their resort has no readable file");
    }
}

/// Messages, with their bookings' keys, that stay queued because the stored facts cannot be opened.
pub(crate) fn damaged(metrics: &SenderMetrics, messages: &[(MessageId, String)]) {
    for (id, booking) in messages {
        metrics.damaged.inc();
        log::error!("message.id" = id.to_string(), "booking.id" = booking, alert = "message_of_damaged_booking";
            "message waits: the stored facts of its booking are damaged");
    }
}

/// The guest has just received as many messages as WhatsApp accepts.
pub(crate) fn crowded(metrics: &SenderMetrics, draft: &Draft, wait: Duration) {
    metrics.messages.count(draft.kind, "put_off");
    log::warn!("message.id" = draft.id.to_string(), "booking.id" = draft.booking.to_string(), kind = draft.kind.as_str(),
        wait_s = wait.as_secs_f64(), event = "message_put_off"; "message put off by the rate limit of its guest");
}

pub(crate) fn ended(metrics: &SenderMetrics, one: &Ready, reason: Reason) {
    metrics.messages.count(one.route().kind, reason.as_str());
    log::info!("message.id" = one.wanted.id.to_string(), trace:% = one.trace.trace_id(), "booking.id" = one.booking, kind = one.route().kind.as_str(),
        reason = reason.as_str(), event = "message_ended"; "message ended by its claim");
}

pub(crate) fn held(metrics: &SenderMetrics, one: &Ready, scope: &str) {
    metrics.messages.count(one.route().kind, "held");
    log::info!("message.id" = one.wanted.id.to_string(), trace:% = one.trace.trace_id(), "booking.id" = one.booking, kind = one.route().kind.as_str(),
        scope, event = "message_held"; "message held");
}

pub(crate) fn released(granted: &Granted) {
    let one = &granted.ready;
    log::warn!("message.id" = one.wanted.id.to_string(), trace:% = one.trace.trace_id(), "booking.id" = one.booking,
        "attempt.number" = granted.attempt.0, event = "claim_released";
        "claim released without a call: it took too long, or the resort's token is gone");
}

/// Claims without a call that Postgres does not take back.
pub(crate) fn not_released(uncalled: &[Granted], error: &StoreError) {
    for Granted { ready, attempt, .. } in uncalled {
        log::error!("message.id" = ready.wanted.id.to_string(), trace:% = ready.trace.trace_id(), "booking.id" = ready.booking, "attempt.number" = attempt.0,
            error = service::chain(error), event = "claim_not_released";
            "could not release a claim without a call; reconciliation settles it");
    }
}

/// A claim whose commit was not answered, and that cannot be looked up.
pub(crate) fn claim_not_read_back(error: &StoreError) {
    log::error!(error = service::chain(error), event = "claim_not_read_back";
        "could not read a claim back; reconciliation settles what it claimed");
}

/// One call, its answer and what follows.
pub(crate) fn called(metrics: &SenderMetrics, endpoint: Endpoint, called: &Called) {
    let (one, answer) = (&called.ready, &called.answer);
    let outcome = call_outcome(&answer.outcome);
    metrics.messages.count(one.route().kind, outcome);
    metrics
        .calls
        .with_label_values(&[endpoint.as_str(), outcome])
        .inc();
    metrics.call_duration.observe(answer.duration.as_secs_f64());
    let code = answer.outcome.error_code();
    if let Some(code) = code {
        metrics.refusals.with_label_values(&[&code.to_string()]).inc();
    }
    if answer.foreign.is_some() {
        metrics.foreign_answers.inc();
    }
    let level = match called.next {
        NextStep::Finish(_) => log::Level::Info,
        _ => log::Level::Warn,
    };
    let duration_ms = u64::try_from(answer.duration.as_millis()).unwrap_or(u64::MAX);
    log::log!(level, "message.id" = one.wanted.id.to_string(), trace:% = one.trace.trace_id(), "booking.id" = one.booking, kind = one.route().kind.as_str(),
        "attempt.number" = called.attempt.0, endpoint = endpoint.as_str(), outcome, then = follows(&called.next), code = code.unwrap_or_default(),
        duration_ms, note = answer.note.unwrap_or_default(), seen = answer.foreign.as_deref().unwrap_or_default(),
        event = "call_finished"; "called WhatsApp");
}

fn call_outcome(outcome: &CallOutcome) -> &'static str {
    match outcome {
        CallOutcome::Accepted { .. } => "accepted",
        CallOutcome::Refused(_) => "refused",
        CallOutcome::Failed(_) => "failed",
        CallOutcome::Unreachable => "unreachable",
        CallOutcome::Intercepted => "intercepted",
        CallOutcome::Unknown => "unknown",
    }
}

fn follows(next: &NextStep) -> &'static str {
    match next {
        NextStep::Finish(_) => "sent",
        NextStep::RetryAfter(_) => "retry",
        NextStep::WaitAtNoCost(_) => "wait",
        NextStep::Rest(_) => "rest",
        NextStep::TakeFallback | NextStep::LeaveText => "fallback",
        NextStep::UseMessages => "other_endpoint",
        NextStep::Skip(reason) => reason.as_str(),
        NextStep::Hold(_) => "hold",
        NextStep::OptOut => "opt_out",
        NextStep::AwaitEvidence => "await_evidence",
        NextStep::GiveUp(reason) => reason.as_str(),
    }
}

/// Several results that Postgres does not take in one transaction.
pub(crate) fn recording_apart(results: usize, error: &StoreError) {
    log::warn!(results, error = service::chain(error), event = "results_recorded_apart";
        "call results could not be stored together; storing each alone");
}

/// A result that Postgres may take later.
pub(crate) fn kept(result: &CallResult, error: &StoreError) {
    log::warn!("message.id" = result.id.to_string(), "attempt.number" = result.attempt.0,
        error = service::chain(error), event = "result_kept"; "call result not stored yet; retrying every second");
}

/// A result that is lost: its message becomes unresolved.
pub(crate) fn unrecorded(result: &CallResult, reason: &str) {
    log::error!("message.id" = result.id.to_string(), "attempt.number" = result.attempt.0,
        error = reason, alert = "result_lost"; "call result lost; the message is `unknown` until WhatsApp sends a status");
}

/// Calls that have no result long after their claim.
pub(crate) fn lost(metrics: &SenderMetrics, calls: usize) {
    metrics
        .lost_calls
        .inc_by(u64::try_from(calls).unwrap_or_default());
    log::error!(calls, alert = "calls_lost"; "calls have no result: their sender was probably killed");
}

/// An unresolved call that was queued again or dead-lettered.
pub(crate) fn settled(metrics: &SenderMetrics, unresolved: &UnresolvedCall, outcome: &Outcome) {
    let evidence = &unresolved.evidence;
    for recorded in &outcome.recorded {
        let labels = [recorded.kind.label(), recorded.state.as_str()];
        metrics.settled_calls.with_label_values(&labels).inc();
        log::warn!("message.id" = unresolved.id.to_string(), "booking.id" = unresolved.booking_key,
            kind = recorded.kind.as_str(), "attempt.number" = unresolved.attempt.0, state = recorded.state.as_str(),
            reason = recorded.reason.as_deref().unwrap_or_default(),
            unresolved_s = (evidence.now - evidence.claimed_at).num_seconds(), neighbours = evidence.answered,
            event = "call_settled"; "unresolved call settled");
    }
}

pub(crate) fn unsettled(unresolved: &UnresolvedCall, error: &StoreError) {
    log::error!("message.id" = unresolved.id.to_string(), "booking.id" = unresolved.booking_key,
        error = service::chain(error), event = "call_not_settled"; "could not settle an unresolved call");
}

/// A probe of the connection to WhatsApp failed.
pub(crate) fn unreachable(metrics: &SenderMetrics, reason: &str, is_news: bool) {
    metrics.unreachable.set(1);
    if is_news {
        log::error!(reason, alert = "whatsapp_unreachable";
            "WhatsApp cannot be reached from this process; it claims nothing until it can");
    } else {
        log::debug!(reason; "WhatsApp still cannot be reached");
    }
}

/// A probe connected; `outage` is what ends, where the probe was not the first.
pub(crate) fn reachable(metrics: &SenderMetrics, outage: Option<&Unreachable>) {
    metrics.unreachable.set(0);
    match outage {
        Some(outage) => {
            let lasted_s = (chrono::Utc::now() - outage.since).num_seconds();
            log::info!(lasted_s, event = "whatsapp_reachable"; "WhatsApp can be reached again");
        }
        None => log::debug!("a call could not connect, and a probe could"),
    }
}
