//! The canary: a transaction that applies an event known to be good and is rolled back. It shows whether Postgres refuses
//! one event or everything (a full disk, a missing column). An event is charged with a refusal only while the canary goes
//! through.

use std::sync::Arc;

use broker::envelope::{Envelope, VERSION};
use chrono::Utc;
use domain::event::{Details, Event, EventKey, EventType, GuestDetails};
use domain::ids::{BookingId, EventId, MessageId, ResortId, SourceId, WhatsAppMessageId};
use domain::message::{Attempt, CallbackData, DeliveryStatus};
use domain::message_record::Report;
use domain::stay::Personal;
use service::Stop;
use store::StoreError;
use store::results;

use super::batch;
use super::event::{Content, Opened};
use crate::context::Context;

/// A number of North America's range for fiction: no guest has it.
const NUMBER: &str = "+12025550123";

/// # Errors
/// Postgres refuses also what is known to be good.
pub(crate) async fn check_postgres(context: &Context) -> Result<(), StoreError> {
    check_with_body(context, Vec::new()).await
}

/// Returns when Postgres commits again, or at the stop.
pub(super) async fn wait_for_postgres(context: &Context, stop: &Stop) {
    let mut failures = 0;
    while !stop.is_stopped() {
        let Err(error) = check_postgres(context).await else {
            log::info!(event = "postgres_back"; "Postgres is back; events are taken again");
            return;
        };
        failures += 1;
        let pause = context.postgres_failed("canary", &error, failures);
        tokio::select! {
            () = stop.stopped() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// As [`check_postgres`], with an event whose sealed body is `sealed`: a full disk may still take small ones.
pub(super) async fn check_with_body(context: &Context, sealed: Vec<u8>) -> Result<(), StoreError> {
    let (planner, judging) = (context.planner(), context.judging);
    let resort = planner.resorts.keys().next().cloned();
    // Nothing else has this name, so the canary waits for no lock.
    let name = format!("canary-{:016x}", rand::random::<u64>());
    let Some(event) = good_event(&name, resort, sealed) else {
        return Ok(());
    };
    context
        .store
        .canary(move |connection| {
            batch::apply(connection, &planner, &judging, &[event])?;
            let reports: Vec<Report> = good_report(&name).into_iter().collect();
            results::record_reports(connection, &planner, &judging, &reports).map(drop)
        })
        .await
}

fn good_event(name: &str, resort: Option<ResortId>, sealed: Vec<u8>) -> Option<Opened> {
    let source = SourceId::parse("canary").ok()?;
    let id = EventId::parse(name).ok()?;
    let resort = resort.or_else(|| ResortId::parse("canary").ok())?;
    let booking = BookingId::parse(name).ok()?;
    let now = Utc::now();
    let envelope = Envelope {
        faults: Vec::new(),
        version: VERSION,
        source: source.clone(),
        event_id: id.clone(),
        event_type: EventType::BookingAbandoned.to_string(),
        received_at: now,
        request_id: name.to_owned(),
        traceparent: None,
        resort: Some(resort.clone()),
        booking: Some(booking.clone()),
        phone_hash: None,
        name_hashes: Vec::new(),
        sealed,
    };
    let event = Event {
        key: EventKey { source, id },
        event_type: EventType::BookingAbandoned,
        occurred_at: now,
        resort,
        notify: true,
        imported: false,
        booking: Some(booking),
        details: Details::default(),
        guest: GuestDetails {
            phone: Some(Personal::new(NUMBER)),
            ..GuestDetails::default()
        },
    };
    Some(Opened {
        names: Vec::new(),
        trace: traces::next(None),
        opened_at: now,
        envelope: Arc::new(envelope),
        content: Arc::new(Content::Event(event)),
    })
}

/// A report on a message that does not exist: it looks everything up and changes nothing.
fn good_report(name: &str) -> Option<Report> {
    Some(Report {
        callback: Some(CallbackData {
            message: "00000000-0000-0000-0000-000000000000".parse::<MessageId>().ok()?,
            attempt: Attempt(1),
        }),
        whatsapp_id: WhatsAppMessageId::parse(name).ok()?,
        status: DeliveryStatus::Sent,
        at: Utc::now(),
        failure: None,
        pricing: None,
        names: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_good_event_and_the_good_report_are_good() {
        assert!(good_event("canary-00ff", None, Vec::new()).is_some());
        assert!(good_report("canary-00ff").is_some());
        assert!(domain::phone_number::PhoneNumber::parse(NUMBER, None).is_ok());
    }
}
