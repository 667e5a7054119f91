//! Seals what was accepted and hands it to RabbitMQ.
//!
//! Nothing personal leaves the process unsealed, and nothing is accepted before RabbitMQ has confirmed it.

use std::sync::Arc;

use broker::envelope::{Envelope, VERSION};
use broker::publisher::{Outgoing, PublishError, Publisher};
use broker::topology::Queue;
use chrono::Utc;
use crypto::key_ring::KeyRing;
use domain::event::{Event, EventKey, sealing_identity};
use domain::guest::GuestName;
use domain::ids::{BookingId, EventId, InvalidId, ResortId, SourceId};
use domain::phone_number::PhoneNumber;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use uuid::Uuid;
use whatsapp::notification::Update;

use crate::metrics::IngestMetrics;
use crate::problem::Problem;
use crate::request_log::Entry;

/// How many updates of one notification may wait for their confirmation at once; other requests need places too.
const UPDATES_IN_FLIGHT: usize = 250;

pub(crate) struct Events {
    publisher: Publisher,
    ring: Arc<KeyRing>,
    metrics: Arc<IngestMetrics>,
}

/// Why an event is not known to be in its queue.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EventError {
    /// A defect: our own value has no JSON form.
    #[error("cannot write the event as JSON")]
    Encode(#[source] serde_json::Error),
    /// A defect: we made an invalid id.
    #[error("cannot name the update")]
    Id(#[source] InvalidId),
    /// The caller must retry.
    #[error("cannot publish the event")]
    Publish(#[source] PublishError),
}

/// What an envelope says outside of the seal.
struct Head {
    key: EventKey,
    event_type: &'static str,
    resort: Option<ResortId>,
    booking: Option<BookingId>,
    guest: Option<PhoneNumber>,
    names: Vec<GuestName>,
}

impl EventError {
    /// The caller gets no cause; the log does.
    pub(crate) fn into_problem(self, entry: &mut Entry) -> Problem {
        entry.reason = Some(service::chain(&self));
        match self {
            Self::Encode(_) | Self::Id(_) => Problem::Internal,
            Self::Publish(_) => Problem::BrokerUnavailable,
        }
    }
}

impl Events {
    pub(crate) fn new(publisher: Publisher, ring: Arc<KeyRing>, metrics: Arc<IngestMetrics>) -> Self {
        Self {
            publisher,
            ring,
            metrics,
        }
    }

    /// Publishes one event, of this guest, and waits for the confirmation.
    pub(crate) async fn publish_event(
        &self,
        event: &Event,
        guest: Option<PhoneNumber>,
        request_id: Uuid,
    ) -> Result<(), EventError> {
        let head = Head {
            key: event.key.clone(),
            event_type: event.event_type.as_str(),
            resort: Some(event.resort.clone()),
            booking: event.booking.clone(),
            guest,
            names: Vec::new(),
        };
        self.publish(head, event, request_id).await
    }

    /// Publishes the updates of one notification together and waits for all confirmations.
    pub(crate) async fn publish_updates(
        &self,
        updates: &[Update],
        request_id: Uuid,
    ) -> Result<(), EventError> {
        stream::iter(updates)
            .map(|update| self.publish_update(update, request_id))
            .buffer_unordered(UPDATES_IN_FLIGHT)
            .try_collect()
            .await
    }

    async fn publish_update(&self, update: &Update, request_id: Uuid) -> Result<(), EventError> {
        let head = Head {
            key: EventKey {
                source: SourceId::whatsapp(),
                id: self.update_id(update)?,
            },
            event_type: update.kind(),
            resort: None,
            booking: None,
            guest: update.guest().cloned(),
            names: update.names(),
        };
        self.publish(head, update, request_id).await
    }

    /// The same for every delivery of an update. Keyed, because some updates are named by a phone number and a time, which
    /// could be guessed from an unkeyed hash.
    fn update_id(&self, update: &Update) -> Result<EventId, EventError> {
        let tag = self.ring.lookup(&update.dedupe_id());
        let half = tag.iter().take(16).map(|byte| format!("{byte:02x}"));
        EventId::parse(&half.collect::<String>()).map_err(EventError::Id)
    }

    async fn publish(&self, head: Head, body: &impl Serialize, request_id: Uuid) -> Result<(), EventError> {
        // Longer than most events, so that nothing is moved while it grows.
        let mut plaintext = Vec::with_capacity(1_024);
        serde_json::to_writer(&mut plaintext, body).map_err(EventError::Encode)?;
        let identity = sealing_identity(&head.key);
        let message_id = head.key.to_string();
        let hash = |text: &str| self.ring.lookup(text).to_vec();
        let envelope = Envelope {
            version: VERSION,
            sealed: self.ring.seal(&plaintext, &identity),
            source: head.key.source,
            event_id: head.key.id,
            event_type: head.event_type.to_owned(),
            received_at: Utc::now(),
            request_id: request_id.to_string(),
            resort: head.resort,
            booking: head.booking,
            phone_hash: head.guest.map(|number| hash(number.reveal())),
            name_hashes: head.names.iter().map(|name| hash(name.hash_input())).collect(),
        };
        let message = Outgoing {
            queue: Queue::Events,
            message_id,
            kind: head.event_type.to_owned(),
            cause: None,
            body: envelope.encode(),
        };
        self.publisher.publish(message).await.map_err(|error| {
            self.metrics.unconfirmed.inc();
            EventError::Publish(error)
        })
    }
}
