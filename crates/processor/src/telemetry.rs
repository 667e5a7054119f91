//! Log lines and counters of plans and of reports on messages, made once, after the commit.

use std::collections::BTreeMap;

use domain::after_call::Scope;
use domain::hold::{Cause, NewHold};
use domain::message::MessageState;
use domain::trace::TraceContext;
use store::holds::Laid;
use store::messages::Moved;
use store::planning::Planned;
use store::results::Outcome;
use store::template_categories::Recategorised;
use whatsapp::error_codes;

use crate::metrics::ProcessorMetrics;

/// `cause`: `event`, `report`, `timer` or `retention`.
pub(crate) fn planned(metrics: &ProcessorMetrics, planned: &Planned, cause: &str) {
    for new in &planned.statuses {
        let status = new.status.as_str();
        metrics.bookings.with_label_values(&[status]).inc();
        log::info!("booking.id" = new.booking.to_string(), status = status, cause = cause, trace = id(new.trace),
            event = "booking_changed"; "booking changed");
    }
    for moved in &planned.moved {
        message_planned(metrics, moved, cause);
    }
    let mut waiting = BTreeMap::new();
    for booking in &planned.without_resort {
        *waiting.entry(&booking.resort).or_insert(0_usize) += 1;
    }
    for (resort, bookings) in waiting {
        let file = format!("resorts/{resort}.toml");
        log::error!("resort.id" = resort.to_string(), bookings = bookings, file = file,
            alert = "resort_without_file";
            "bookings wait: their resort has no readable file; `desk config check` names the error");
    }
}

fn message_planned(metrics: &ProcessorMetrics, moved: &Moved, cause: &str) {
    metrics
        .messages
        .with_label_values(&[moved.kind.label(), moved.state.as_str()])
        .inc();
    let what = match moved.state {
        MessageState::Sending | MessageState::Unknown => {
            "too late to withdraw the message: a sender has it; it is not queued again"
        }
        _ => "message planned",
    };
    log::info!(
        "message.id" = moved.id.to_string(),
        "booking.id" = moved.booking.to_string(),
        kind = moved.kind.as_str(),
        state = moved.state.as_str(),
        reason = moved.reason.map_or("", domain::message::Reason::as_str),
        cause = cause,
        trace = id(moved.trace),
        link = id(moved.link),
        event = "message_planned";
        "{what}"
    );
}

pub(crate) fn reported(metrics: &ProcessorMetrics, outcome: &Outcome) {
    if outcome.unmatched > 0 {
        let unmatched = u64::try_from(outcome.unmatched).unwrap_or(u64::MAX);
        metrics.unmatched_reports.inc_by(unmatched);
        log::warn!(reports = unmatched, event = "reports_unmatched"; "WhatsApp reported on messages that are not ours");
    }
    for recorded in &outcome.recorded {
        metrics
            .messages
            .with_label_values(&[recorded.kind.label(), recorded.state.as_str()])
            .inc();
        log::info!(
            "message.id" = recorded.id.to_string(),
            "booking.id" = recorded.booking_key,
            kind = recorded.kind.as_str(),
            state = recorded.state.as_str(),
            reason = recorded.reason.as_deref().unwrap_or_default(),
            trace = id(recorded.trace),
            event = "message_reported";
            "message reported"
        );
    }
    for (hold, laid) in &outcome.laid {
        hold_laid(metrics, hold, *laid);
    }
    for key in &outcome.lifted {
        log::warn!(hold = key, event = "hold_lifted"; "the hold is over: WhatsApp delivers again");
    }
    planned(metrics, &outcome.planned, "report");
}

/// The id of the trace to which a span belongs.
fn id(span: Option<TraceContext>) -> Option<String> {
    span.map(|span| span.trace_id().to_string())
}

/// One alert for each hold of a template that became marketing.
pub(crate) fn recategorised(metrics: &ProcessorMetrics, changes: &Recategorised) {
    for key in &changes.laid {
        let scope = Scope::Template.as_str();
        metrics.holds_begun.with_label_values(&[scope]).inc();
        log::error!(hold = key, scope = scope, alert = "template_became_marketing";
            "messages are on hold: WhatsApp made their template marketing; change the template or the file, or `desk resume`");
    }
    for key in &changes.lifted {
        log::warn!(hold = key, event = "hold_lifted"; "the hold is over: the template is no longer marketing");
    }
}

/// One alert for each hold that is new, as `sender` has it for refusals in answers.
fn hold_laid(metrics: &ProcessorMetrics, hold: &NewHold, laid: Laid) {
    let (key, scope, code) = (hold.key(), hold.scope.as_str(), hold.cause.to_string());
    match laid {
        Laid::New => {
            metrics.holds_begun.with_label_values(&[scope]).inc();
            let title = match hold.cause {
                Cause::Code(code) => error_codes::title(code),
                Cause::NotWhatsApp(_) => "",
            };
            let pause_s = hold.pause.as_secs();
            log::error!(hold = key, scope = scope, code = code, title = title, pause_s = pause_s,
                heard = hold.reported_in.as_str(), alert = "hold_laid";
                "sending is on hold: WhatsApp refuses this {scope}; fix the cause, then `desk resume`");
        }
        Laid::Again => {
            log::warn!(hold = key, scope = scope, code = code, event = "hold_extended";
                "still refused; the hold lasts twice as long");
        }
        Laid::Known => log::debug!(hold = key, scope = scope, code = code; "refused while held"),
    }
}
