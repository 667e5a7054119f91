//! How the delivery of an event is settled once the event was tried.

use std::time::Duration;

use broker::consumer::{Consumer, Delivery, NotPublished, Verdict};
use service::crash;

use super::apply::{ApplyOutcome, NotTried};
use super::dead_letters::{self, DeadLetter};
use super::decode::Undecodable;
use super::delayed::Next;
use super::event::Opened;
use crate::context::Context;

/// An event that Postgres refuses is tried this often again, each time after [`RETRY_PAUSE`].
const RETRIES: u32 = 3;
const RETRY_PAUSE: Duration = Duration::from_secs(5);

pub(super) enum Settlement {
    /// At once.
    Now(Verdict),
    /// After a pause in this process.
    Later(Next, Duration),
    /// Given back, for a newer processor or one with other keys.
    GiveBack(String),
    /// Requeue all unsettled deliveries, because Postgres is unavailable.
    RequeueAll,
    /// The process stops.
    LeaveUnsettled,
}

/// The settlement for an event's outcome; `refusals` counts its earlier refusals.
pub(super) fn of_outcome(
    context: &Context,
    opened: Opened,
    refusals: u32,
    outcome: ApplyOutcome,
) -> Settlement {
    match outcome {
        ApplyOutcome::Committed => Settlement::Now(Verdict::Done),
        ApplyOutcome::UnmatchedStop => {
            let letter = dead_letters::of_unmatched_stop(&opened);
            Settlement::Now(Verdict::DeadLetter(letter))
        }
        ApplyOutcome::Refused(error) if refusals >= RETRIES => {
            let letter = dead_letters::of_refused(&opened, refusals + 1, &error);
            Settlement::Now(Verdict::DeadLetter(letter))
        }
        ApplyOutcome::Refused(error) => {
            let refusals = refusals + 1;
            log::warn!("event.id" = opened.key(), trace:% = opened.trace.trace_id(), tries = refusals, error = service::chain(&error),
                event = "event_refused"; "Postgres refused this event; trying again in 5 s");
            context.count_event(&opened.envelope.event_type, "retried");
            Settlement::Later(Next::Apply { opened, refusals }, RETRY_PAUSE)
        }
        ApplyOutcome::Locked(error) => {
            log::warn!("event.id" = opened.key(), trace:% = opened.trace.trace_id(), error = service::chain(&error), event = "event_locked";
                "another transaction holds what this event needs; trying again in 5 s");
            Settlement::Later(Next::Apply { opened, refusals }, RETRY_PAUSE)
        }
        ApplyOutcome::NotForUs(error) => Settlement::GiveBack(service::chain(&error)),
        ApplyOutcome::NotTried(NotTried::PostgresAway) => Settlement::RequeueAll,
        ApplyOutcome::NotTried(NotTried::Stopping) => Settlement::LeaveUnsettled,
    }
}

pub(super) fn of_undecodable(context: &Context, delivery: &Delivery, error: Undecodable) -> Settlement {
    match error {
        Undecodable::ForGood(why) => {
            let letter = dead_letters::of_undecodable(delivery, &why);
            Settlement::Now(Verdict::DeadLetter(letter))
        }
        Undecodable::Unmappable(faults) => {
            let letter = dead_letters::of_unmappable(delivery, &faults, &context.alerts);
            Settlement::Now(Verdict::DeadLetter(letter))
        }
        Undecodable::SourceReport(report) => {
            report
                .into_iter()
                .for_each(|report| context.source_reports.put(*report));
            Settlement::Now(Verdict::Done)
        }
        Undecodable::Alert(raised) => {
            // It is recorded with those of this process; a crash before that loses it.
            raised
                .into_iter()
                .for_each(|raised| service::logs::alerts::put(*raised));
            Settlement::Now(Verdict::Done)
        }
        Undecodable::Here(why) => Settlement::GiveBack(why),
    }
}

/// Publishes the dead letters, then acknowledges or gives back. Returns what stays unsettled: its dead letter was not confirmed.
pub(super) async fn settle(
    context: &Context,
    consumer: &mut Consumer,
    verdicts: Vec<(Delivery, Verdict)>,
) -> Vec<NotPublished> {
    let letters: Vec<DeadLetter> = verdicts.iter().filter_map(DeadLetter::of).collect();
    if !letters.is_empty() {
        crash::point("processor.letters.due");
    }
    let safe = consumer.publish_dead_letters(verdicts).await;
    if !letters.is_empty() {
        crash::point("processor.letters.confirmed");
    }
    let settled = consumer.carry_out(safe).await;
    for letter in &letters {
        let is_letter = |one: &NotPublished| one.delivery.message_id == letter.event_id;
        if !settled.not_published.iter().any(is_letter) {
            letter.count(context);
        }
    }
    crash::point("processor.events.acknowledged");
    if settled.lost > 0 {
        log::warn!(events = settled.lost, event = "acknowledgements_lost";
            "acknowledgements lost with the connection; deliveries will repeat");
    }
    for one in &settled.not_published {
        log::warn!("event.id" = one.delivery.message_id, error = one.error.to_string(), event = "dead_letter_unpublished";
            "the event's dead letter could not be published; trying again in 1 s");
    }
    settled.not_published
}
