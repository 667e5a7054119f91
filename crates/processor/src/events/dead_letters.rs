//! Dead letters of events: each is logged when it is made and counted when it is published, before its event is
//! acknowledged. An event that comes again before that makes a dead letter again.

use std::time::Instant;

use broker::consumer::{Delivery, Verdict};
use broker::dead_letter::Cause;
use chrono::Utc;
use domain::dead_letter::DeadLetterReason;
use store::StoreError;

use super::event::Opened;
use crate::alerts::Alerts;
use crate::context::Context;

/// What is counted of a dead letter once it is published.
pub(super) struct DeadLetter {
    pub(super) event_id: String,
    event_type: String,
    reason: DeadLetterReason,
}

impl DeadLetter {
    pub(super) fn of((delivery, verdict): &(Delivery, Verdict)) -> Option<Self> {
        let Verdict::DeadLetter(cause) = verdict else {
            return None;
        };
        Some(Self {
            event_id: delivery.message_id.clone(),
            event_type: delivery.kind.clone(),
            reason: cause.reason,
        })
    }

    pub(super) fn count(&self, context: &Context) {
        match self.reason {
            // The stop itself was applied, and is counted so.
            DeadLetterReason::UnmatchedStop => context.metrics.unmatched_stops.inc(),
            // An event that cannot be read may claim any type.
            DeadLetterReason::Undecodable => context.count_event("unreadable", "dead"),
            _ => context.count_event(&self.event_type, "dead"),
        }
    }
}

/// Of a stop whose writer matches no guest: it is applied, and a person may find out which guest it is.
pub(super) fn of_unmatched_stop(opened: &Opened) -> Cause {
    log::warn!("event.id" = opened.key(), "request.id" = opened.envelope.request_id, trace:% = opened.trace.trace_id(), names = opened.names.len(),
        event = "stop_unmatched";
        "a stop in WhatsApp matches no guest; it is stored under the writer's names, and a dead letter asks a person");
    letter(
        DeadLetterReason::UnmatchedStop,
        "no guest has one of the writer's names",
        1,
    )
}

/// Of an event that Postgres refused so often.
pub(super) fn of_refused(opened: &Opened, attempts: u32, error: &StoreError) -> Cause {
    // A panic in the database's thread ends that thread's work, not the process.
    let reason = match error {
        StoreError::Panicked => DeadLetterReason::Crashed,
        _ => DeadLetterReason::CannotBeApplied,
    };
    let error = service::chain(error);
    log::error!("event.id" = opened.key(), "event.type" = opened.envelope.event_type,
        "request.id" = opened.envelope.request_id, trace:% = opened.trace.trace_id(), attempts = attempts, error = error,
        event = "event_dead_lettered"; "event is a dead letter");
    letter(reason, &error, attempts)
}

/// Of an event that no process can decode.
pub(super) fn of_undecodable(delivery: &Delivery, why: &str) -> Cause {
    log::error!("event.id" = delivery.message_id, error = why, event = "event_undecodable";
        "event is a dead letter: it cannot be read");
    letter(DeadLetterReason::Undecodable, why, 1)
}

/// Of a platform's request that its source's mapping cannot read.
pub(super) fn of_unmappable(delivery: &Delivery, faults: &str, alerts: &Alerts) -> Cause {
    let (source, _) = delivery.message_id.split_once('/').unwrap_or_default();
    if alerts.is_due("event_unmappable", source, Instant::now()) {
        log::error!(source, "event.id" = delivery.message_id, error = faults, event = "event_unmappable",
            alert = "event_unmappable";
            "the mapping of a source cannot read a request of its platform: it is a dead letter");
    } else {
        log::warn!(source, "event.id" = delivery.message_id, error = faults, event = "event_unmappable";
            "one more request that the mapping of its source cannot read is a dead letter");
    }
    letter(DeadLetterReason::Unmappable, faults, 1)
}

/// Of an event that ended so many processes that applied it alone.
pub(super) fn of_poison(delivery: &Delivery, crashes: u32) -> Cause {
    log::error!("event.id" = delivery.message_id, attempts = crashes, alert = "event_poisonous";
        "event is a dead letter: processors ended while they applied it, and it alone");
    let error = format!("{crashes} processes ended while they applied it alone");
    letter(DeadLetterReason::Crashed, &error, crashes)
}

fn letter(reason: DeadLetterReason, error: &str, attempts: u32) -> Cause {
    Cause {
        reason,
        error: error.to_owned(),
        attempts,
        dead_lettered_at: Some(Utc::now()),
    }
}
