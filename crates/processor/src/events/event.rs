//! An event of the queue, opened, and what became of it.

use std::sync::Arc;

use broker::envelope::Envelope;
use chrono::{DateTime, Utc};
use domain::event::Event;
use domain::ids::{BookingKey, MessageId};
use domain::trace::TraceContext;
use whatsapp::notification::Update;

/// An event whose seal was opened.
#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) envelope: Arc<Envelope>,
    pub(crate) content: Arc<Content>,
    /// Keyed hashes of every name of the guest that the event contains, whichever version made its envelope.
    pub(crate) names: Vec<Vec<u8>>,
    /// The span in which it is applied, caused by that of its envelope.
    pub(crate) trace: TraceContext,
    /// When it was opened.
    pub(crate) opened_at: DateTime<Utc>,
}

/// The sealed part of an envelope.
pub(crate) enum Content {
    Event(Event),
    Update(Update),
    /// A webhook that only names a booking: its platform is to be asked for the rest.
    Fetch,
}

/// What became of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventOutcome {
    Applied,
    /// Its id was stored already.
    Duplicate,
    /// Its id is stored, and nothing follows from it.
    Ignored,
}

impl EventOutcome {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Duplicate => "duplicate",
            Self::Ignored => "ignored",
        }
    }
}

impl Opened {
    pub(crate) fn key(&self) -> String {
        self.envelope.key().to_string()
    }

    pub(crate) fn booking(&self) -> Option<BookingKey> {
        Some(BookingKey {
            resort: self.envelope.resort.clone()?,
            booking: self.envelope.booking.clone()?,
        })
    }

    /// The message of ours that it reports on.
    pub(crate) fn message(&self) -> Option<MessageId> {
        match &*self.content {
            Content::Update(Update::Status(status)) => Some(status.call()?.message),
            _ => None,
        }
    }

    /// The names by which its row is found. A platform's event is found by its booking or the number, a report on a message
    /// of ours by the message.
    pub(crate) fn stored_names(&self) -> Vec<Vec<u8>> {
        match &*self.content {
            Content::Update(_) if self.message().is_none() => self.names.clone(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn is_fetch(&self) -> bool {
        matches!(*self.content, Content::Fetch)
    }

    pub(crate) fn is_report(&self) -> bool {
        matches!(*self.content, Content::Update(Update::Status(_)))
    }
}
