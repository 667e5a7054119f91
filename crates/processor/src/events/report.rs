//! Log lines and counters of applied events, made once, after the commit of their part of a batch.

use chrono::{DateTime, Utc};
use traces::{Kind, Span};

use super::batch::Applied;
use super::event::{EventOutcome, Opened};
use crate::context::Context;
use crate::telemetry;

/// What a committed part of a batch did.
pub(super) fn applied(context: &Context, part: &[Opened], applied: &Applied) {
    let now = Utc::now();
    for (opened, outcome) in part.iter().zip(&applied.outcomes) {
        let (envelope, outcome) = (&opened.envelope, outcome.as_str());
        let delay = (now - envelope.received_at).as_seconds_f64().max(0.0);
        context.metrics.event_delay.observe(delay);
        context.count_event(&envelope.event_type, outcome);
        log::info!(
            "event.id" = opened.key(),
            "event.type" = envelope.event_type,
            "request.id" = envelope.request_id,
            trace:% = opened.trace.trace_id(),
            "booking.id" = opened.booking().map(|key| key.to_string()).unwrap_or_default(),
            "resort.id" = envelope.resort.as_ref().map_or("", |id| id.as_str()),
            outcome = outcome,
            delay_ms = (delay * 1000.0).round(),
            event = "event_settled";
            "event settled"
        );
        context.spans.record(opened.trace, || span(opened, outcome, now));
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

/// From the moment when the event was opened to its commit. Events that were applied together have a span each.
fn span(opened: &Opened, outcome: &str, now: DateTime<Utc>) -> Span {
    let envelope = &opened.envelope;
    let booking = opened.booking().map(|key| key.to_string());
    let mut attributes = vec![
        ("messaging.system", "rabbitmq".into()),
        ("messaging.destination.name", "events".into()),
        ("bellhop.event.id", opened.key().into()),
        ("bellhop.event.type", envelope.event_type.as_str().into()),
        ("bellhop.outcome", outcome.into()),
    ];
    attributes.extend(booking.map(|key| ("bellhop.booking.id", key.into())));
    Span {
        name: "apply event".to_owned(),
        kind: Kind::Consumer,
        context: opened.trace,
        parent: envelope.traceparent,
        link: None,
        began_at: opened.opened_at,
        ended_at: now,
        has_failed: false,
        attributes,
    }
}
