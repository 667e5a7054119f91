//! Whose fault is it that Postgres refused an event? The same is tried with an event that is known to be good, and
//! rolled back. Where that is refused too the database is at fault (a full disk, a missing column), and no event is
//! charged for it.

use std::sync::Arc;

use broker::envelope::{Envelope, VERSION};
use chrono::Utc;
use domain::event::{Details, Event, EventKey, EventType, GuestDetails};
use domain::ids::{BookingId, EventId, MessageId, ResortId, SourceId, WhatsAppMessageId};
use domain::message::{Attempt, CallbackData, DeliveryStatus};
use domain::message_record::Report;
use domain::stay::Personal;
use store::StoreError;
use store::results;

use crate::batch::{self, Content, Opened};
use crate::shared::Shared;

/// No guest has it.
const NUMBER: &str = "+12025550123";

/// Applies an event that is known to be good, as large as `sealed`, and takes it back. An error is the database's.
pub(crate) async fn rehearse(shared: &Shared, sealed: Vec<u8>) -> Result<(), StoreError> {
    let snapshot = shared.settings.current();
    let resort = snapshot.resorts().next().map(|resort| resort.id.clone());
    // Names that nothing else has, so that it waits for nobody.
    let name = format!("rehearsal-{:016x}", rand::random::<u64>());
    let Some(event) = good_event(&name, resort, sealed) else {
        return Ok(());
    };
    let (planner, judging) = (shared.planner(), shared.judging);
    shared
        .store
        .canary(move |connection| {
            batch::apply(connection, &planner, &judging, &[event])?;
            let reports: Vec<Report> = good_report(&name).into_iter().collect();
            results::record_reports(connection, &planner, &judging, &reports).map(drop)
        })
        .await
}

fn good_event(name: &str, resort: Option<ResortId>, sealed: Vec<u8>) -> Option<Opened> {
    let source = SourceId::parse("rehearsal").ok()?;
    let id = EventId::parse(name).ok()?;
    let resort = resort.or_else(|| ResortId::parse("rehearsal").ok())?;
    let booking = BookingId::parse(name).ok()?;
    let now = Utc::now();
    let envelope = Envelope {
        version: VERSION,
        source: source.clone(),
        event_id: id.clone(),
        event_type: EventType::BookingAbandoned.to_string(),
        received_at: now,
        request_id: name.to_owned(),
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
        booking: Some(booking),
        details: Details::default(),
        guest: GuestDetails {
            phone: Some(Personal::new(NUMBER)),
            ..GuestDetails::default()
        },
    };
    Some(Opened {
        names: Vec::new(),
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
        names: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_good_event_and_the_good_report_are_good() {
        assert!(good_event("rehearsal-00ff", None, Vec::new()).is_some());
        assert!(good_report("rehearsal-00ff").is_some());
        assert!(domain::phone_number::PhoneNumber::parse(NUMBER, None).is_ok());
    }
}
