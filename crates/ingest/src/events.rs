//! Seals what was accepted and hands it to RabbitMQ.
//!
//! Nothing personal leaves the process unsealed, and nothing is accepted before RabbitMQ has confirmed it.

use std::sync::Arc;

use broker::envelope::{ALERT, FETCH, SOURCE_REPORT, UNMAPPABLE};
use broker::publisher::{PublishError, Publisher};
use broker::sealing::{self, Head};
use chrono::Utc;
use crypto::key_ring::KeyRing;
use domain::event::{Event, EventKey};
use domain::ids::{BookingId, EventId, InvalidId, ResortId, SourceId};
use domain::phone_number::PhoneNumber;
use domain::raised_alert::RaisedAlert;
use domain::source_report::SourceReport;
use futures_util::{StreamExt, TryStreamExt, stream};
use mapping::{Kept, Request, Tools};
use serde::Serialize;
use uuid::Uuid;
use whatsapp::notification::Update;

use crate::metrics::IngestMetrics;
use crate::problem::Problem;
use crate::request_log::{Entry, Origin};
use crate::source_reports::SourceReports;

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

/// A request that is no event yet: `processor` asks a person, or the platform, about it.
pub(crate) struct Incomplete<'k> {
    source: &'k SourceId,
    kept: Arc<Kept>,
    resort: Option<ResortId>,
    booking: Option<BookingId>,
    pub(crate) guest: Option<PhoneNumber>,
    /// Which fields are wrong, and how.
    pub(crate) faults: Vec<String>,
}

impl<'k> Incomplete<'k> {
    pub(crate) fn unmappable(source: &'k SourceId, kept: &Arc<Kept>, faults: Vec<String>) -> Self {
        Self {
            source,
            kept: Arc::clone(kept),
            resort: None,
            booking: None,
            guest: None,
            faults,
        }
    }

    /// One element of a request, of which the platform tells more when it is asked.
    pub(crate) fn fetch(
        source: &'k SourceId,
        kept: &Kept,
        element: usize,
        resort: ResortId,
        booking: BookingId,
    ) -> Self {
        Self {
            source,
            kept: Arc::new(Kept {
                element: Some(element),
                ..kept.clone()
            }),
            resort: Some(resort),
            booking: Some(booking),
            guest: None,
            faults: Vec::new(),
        }
    }
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
        origin: Origin,
    ) -> Result<(), EventError> {
        let head =
            Head::of_event(event, guest, Utc::now(), origin.request_id.to_string()).traced(origin.trace);
        self.publish(head, event).await?;
        self.metrics.note_event(event.key.source.as_str(), Utc::now());
        Ok(())
    }

    /// Publishes a request that is no event yet, and waits for the confirmation. Returns its id.
    pub(crate) async fn publish_incomplete(
        &self,
        incomplete: Incomplete<'_>,
        origin: Origin,
    ) -> Result<String, EventError> {
        let Incomplete {
            source,
            kept,
            resort,
            booking,
            guest,
            faults,
        } = incomplete;
        let tools = Tools {
            keyed_hash: &|text| self.ring.lookup(text),
            is_late: &|| false,
        };
        let request = Request::new(source, &kept, None, tools);
        let (kind, id) = match kept.element {
            None => (UNMAPPABLE, request.unmappable_id()),
            Some(element) => (FETCH, request.fetch_id(element)),
        };
        let key = EventKey {
            source: source.clone(),
            id: EventId::parse(&id).map_err(EventError::Id)?,
        };
        let head = Head {
            resort,
            booking,
            guest,
            faults,
            trace: Some(origin.trace),
            ..Head::new(key, kind, kept.received_at, origin.request_id.to_string())
        };
        self.publish(head, &*kept).await?;
        self.metrics.note_event(source.as_str(), kept.received_at);
        Ok(id)
    }

    /// Publishes what each source was answered lately, one after the other; what RabbitMQ does not confirm waits.
    pub(crate) async fn publish_reports(&self, reports: &SourceReports) {
        let mut taken = reports.take();
        while let Some((source, report)) = taken.pop_first() {
            if let Err(error) = self.publish_report(&source, &report.report()).await {
                log::debug!(source = source.as_str(), error = service::chain(&error);
                    "the report on a source could not be published; it waits");
                taken.insert(source, report);
                break;
            }
        }
        reports.give_back(taken);
    }

    async fn publish_report(&self, source: &SourceId, report: &SourceReport) -> Result<(), EventError> {
        let id = Uuid::now_v7().to_string();
        let key = EventKey {
            source: source.clone(),
            id: EventId::parse(&id).map_err(EventError::Id)?,
        };
        self.publish(Head::new(key, SOURCE_REPORT, Utc::now(), id), report)
            .await
    }

    /// Publishes alerts of this process, which `processor` records.
    pub(crate) async fn publish_alerts(&self, raised: &[RaisedAlert]) -> Result<(), EventError> {
        for alert in raised {
            let id = Uuid::now_v7();
            let key = EventKey {
                source: SourceId::bellhop(),
                id: EventId::of_uuid(id),
            };
            self.publish(Head::new(key, ALERT, alert.raised_at, id.to_string()), alert)
                .await?;
        }
        Ok(())
    }

    pub(crate) fn ring(&self) -> &Arc<KeyRing> {
        &self.ring
    }

    /// Publishes the updates of one notification together and waits for all confirmations.
    pub(crate) async fn publish_updates(&self, updates: &[Update], origin: Origin) -> Result<(), EventError> {
        stream::iter(updates)
            .map(|update| self.publish_update(update, origin))
            .buffer_unordered(UPDATES_IN_FLIGHT)
            .try_collect()
            .await
    }

    async fn publish_update(&self, update: &Update, origin: Origin) -> Result<(), EventError> {
        let key = EventKey {
            source: SourceId::whatsapp(),
            id: self.update_id(update)?,
        };
        let head = Head {
            guest: update.guest().cloned(),
            names: update.names(),
            trace: Some(origin.trace),
            ..Head::new(key, update.kind(), Utc::now(), origin.request_id.to_string())
        };
        self.publish(head, update).await
    }

    /// The same for every delivery of an update. Keyed, because some updates are named by a phone number and a time, which
    /// could be guessed from an unkeyed hash.
    fn update_id(&self, update: &Update) -> Result<EventId, EventError> {
        let tag = self.ring.lookup(update.dedupe_id());
        let half = tag.iter().take(16).map(|byte| format!("{byte:02x}"));
        EventId::parse(&half.collect::<String>()).map_err(EventError::Id)
    }

    async fn publish(&self, head: Head, body: &impl Serialize) -> Result<(), EventError> {
        let message = sealing::seal(&self.ring, head, body).map_err(EventError::Encode)?;
        self.publisher.publish(message).await.map_err(|error| {
            self.metrics.unconfirmed.inc();
            EventError::Publish(error)
        })
    }
}
