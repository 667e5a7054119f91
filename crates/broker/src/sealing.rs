//! Seals what goes into the queue `events`: the one place where an envelope is made.

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use domain::event::{Event, EventKey, sealing_identity};
use domain::guest::GuestName;
use domain::ids::{BookingId, ResortId};
use domain::phone_number::PhoneNumber;
use domain::trace::TraceContext;
use serde::Serialize;

use crate::envelope::{
    ALERT, Envelope, FETCH, OLDEST_VERSION, SOURCE_REPORT, UNMAPPABLE, VERSION, WEBHOOK_OUT,
};
use crate::publisher::Outgoing;
use crate::topology::Queue;

/// What an envelope says outside of the seal.
#[derive(Debug, Clone)]
pub struct Head {
    pub key: EventKey,
    pub event_type: &'static str,
    /// When `ingest` received it. It stays when the event is published again.
    pub received_at: DateTime<Utc>,
    pub request_id: String,
    /// The span that publishes it.
    pub trace: Option<TraceContext>,
    pub resort: Option<ResortId>,
    pub booking: Option<BookingId>,
    /// Becomes a hash, by which an erasure finds the event.
    pub guest: Option<PhoneNumber>,
    /// Become hashes too.
    pub names: Vec<GuestName>,
    /// Which fields of an unmappable request are wrong, and how.
    pub faults: Vec<String>,
}

impl Head {
    /// Of an event, of this guest.
    pub fn of_event(
        event: &Event,
        guest: Option<PhoneNumber>,
        received_at: DateTime<Utc>,
        request_id: String,
    ) -> Self {
        Self {
            resort: Some(event.resort.clone()),
            booking: event.booking.clone(),
            guest,
            ..Self::new(
                event.key.clone(),
                event.event_type.as_str(),
                received_at,
                request_id,
            )
        }
    }

    /// With nothing but what every envelope has.
    pub fn new(
        key: EventKey,
        event_type: &'static str,
        received_at: DateTime<Utc>,
        request_id: String,
    ) -> Self {
        Self {
            key,
            event_type,
            received_at,
            request_id,
            trace: None,
            resort: None,
            booking: None,
            guest: None,
            names: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Continues this trace.
    #[must_use]
    pub fn traced(self, trace: impl Into<Option<TraceContext>>) -> Self {
        Self {
            trace: trace.into(),
            ..self
        }
    }

    fn version(&self) -> u32 {
        match self.event_type {
            ALERT | UNMAPPABLE | FETCH | SOURCE_REPORT | WEBHOOK_OUT => VERSION,
            _ => OLDEST_VERSION,
        }
    }
}

/// The message for the queue `events` with this body, sealed under the key of the head.
pub fn seal(ring: &KeyRing, head: Head, body: &impl Serialize) -> Result<Outgoing, serde_json::Error> {
    // Longer than most events, so that nothing is moved while it grows.
    let mut plaintext = Vec::with_capacity(1_024);
    serde_json::to_writer(&mut plaintext, body)?;
    let identity = sealing_identity(&head.key);
    let message_id = head.key.to_string();
    let hash = |text: &str| ring.lookup(text).to_vec();
    let envelope = Envelope {
        version: head.version(),
        sealed: ring.seal(&plaintext, &identity),
        source: head.key.source,
        event_id: head.key.id,
        event_type: head.event_type.to_owned(),
        received_at: head.received_at,
        request_id: head.request_id,
        traceparent: head.trace,
        resort: head.resort,
        booking: head.booking,
        phone_hash: head.guest.map(|number| hash(number.reveal())),
        name_hashes: head.names.iter().map(|name| hash(name.hash_input())).collect(),
        faults: head.faults,
    };
    Ok(Outgoing {
        queue: Queue::Events,
        message_id,
        kind: head.event_type.to_owned(),
        cause: None,
        trace: head.trace,
        body: envelope.encode(),
    })
}
