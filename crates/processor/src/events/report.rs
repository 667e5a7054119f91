//! Log lines and counters of applied events, made once, after the commit of their part of a batch.

use super::batch::Applied;
use super::event::{EventOutcome, Opened};
use crate::context::Context;
use crate::telemetry;

/// What a committed part of a batch did.
pub(super) fn applied(context: &Context, part: &[Opened], applied: &Applied) {
    let now = chrono::Utc::now();
    for (opened, outcome) in part.iter().zip(&applied.outcomes) {
        let (envelope, outcome) = (&opened.envelope, outcome.as_str());
        let delay = (now - envelope.received_at).as_seconds_f64().max(0.0);
        context.metrics.event_delay.observe(delay);
        context.count_event(&envelope.event_type, outcome);
        log::info!(
            "event.id" = opened.key(),
            "event.type" = envelope.event_type,
            "request.id" = envelope.request_id,
            "booking.id" = opened.booking().map(|key| key.to_string()).unwrap_or_default(),
            "resort.id" = envelope.resort.as_ref().map_or("", |id| id.as_str()),
            outcome = outcome,
            delay_ms = (delay * 1000.0).round(),
            event = "event_settled";
            "event settled"
        );
    }
    let mut settled = part.iter().zip(&applied.outcomes);
    if settled.any(|(opened, outcome)| opened.is_fetch() && *outcome == EventOutcome::Applied) {
        context.fetches_due.notify_one();
    }
    for notice in &applied.notices {
        notice.log();
    }
    telemetry::recategorised(&context.metrics, &applied.recategorised);
    telemetry::reported(&context.metrics, &applied.reported);
    telemetry::planned(&context.metrics, &applied.planned, "event");
}
