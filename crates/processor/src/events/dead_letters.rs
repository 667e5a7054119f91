//! Dead letters of events: each is logged and counted when it is made. The loop publishes it, then acknowledges the event.

use broker::consumer::Delivery;
use broker::dead_letter::Cause;
use chrono::Utc;
use domain::dead_letter::DeadLetterReason;
use store::StoreError;

use super::event::Opened;
use crate::context::Context;

/// Of a stop whose writer matches no guest: it is applied, and a person may find out which guest it is.
pub(super) fn of_unmatched_stop(context: &Context, opened: &Opened) -> Cause {
    log::warn!("event.id" = opened.key(), "request.id" = opened.envelope.request_id, names = opened.names.len(),
        event = "stop_unmatched";
        "a stop in WhatsApp matches no guest; it is stored under the writer's names, and a dead letter asks a person");
    context.metrics.unmatched_stops.inc();
    letter(
        DeadLetterReason::UnmatchedStop,
        "no guest has one of the writer's names",
        1,
    )
}

/// Of an event that Postgres refused so often.
pub(super) fn of_refused(context: &Context, opened: &Opened, attempts: u32, error: &StoreError) -> Cause {
    // A panic in the database's thread ends that thread's work, not the process.
    let reason = match error {
        StoreError::Panicked => DeadLetterReason::Crashed,
        _ => DeadLetterReason::CannotBeApplied,
    };
    let error = service::chain(error);
    log::error!("event.id" = opened.key(), "event.type" = opened.envelope.event_type,
        "request.id" = opened.envelope.request_id, attempts = attempts, error = error,
        event = "event_dead_lettered"; "event is a dead letter");
    context.count_event(&opened.envelope.event_type, "dead");
    letter(reason, &error, attempts)
}

/// Of an event that no process can decode.
pub(super) fn of_undecodable(context: &Context, delivery: &Delivery, why: &str) -> Cause {
    log::error!("event.id" = delivery.message_id, error = why, event = "event_undecodable";
        "event is a dead letter: it cannot be read");
    context.count_event("unreadable", "dead");
    letter(DeadLetterReason::Undecodable, why, 1)
}

/// Of an event that ended so many processes that applied it alone.
pub(super) fn of_poison(context: &Context, delivery: &Delivery, crashes: u32) -> Cause {
    log::error!("event.id" = delivery.message_id, attempts = crashes, alert = "event_poisonous";
        "event is a dead letter: processors ended while they applied it, and it alone");
    context.count_event(&delivery.kind, "dead");
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
