//! A message as commands show it.

use chrono::{DateTime, Utc};
use domain::ids::BookingKey;
use domain::message::{MessageKind, Pricing};
use serde::Serialize;
use store::messages::Message;

/// Holds nothing personal.
#[derive(Debug, Serialize)]
pub(crate) struct MessageView {
    pub(crate) id: String,
    pub(crate) resort: String,
    pub(crate) booking: String,
    pub(crate) kind: MessageKind,
    /// Counts the messages of this kind in this booking, from 0.
    pub(crate) round: u32,
    pub(crate) state: &'static str,
    pub(crate) reason: Option<String>,
    /// It is not wanted any more, and is never queued again. Its call may be under way.
    pub(crate) withdrawn: bool,
    pub(crate) due_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) attempts: u32,
    pub(crate) sent_at: Option<DateTime<Utc>>,
    /// The template of the last call, or `text`.
    pub(crate) template: Option<String>,
    /// WhatsApp's code of the last refusal.
    pub(crate) error_code: Option<i64>,
    /// What WhatsApp charges for the last call, as far as it was reported.
    pub(crate) pricing: Option<Pricing>,
    pub(crate) updated_at: DateTime<Utc>,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        let key = message.booking_key.parse::<BookingKey>().ok();
        let (resort, booking) = key
            .map(|key| (key.resort.into(), key.booking.into()))
            .unwrap_or_default();
        let existing = message.existing;
        Self {
            id: existing.id.to_string(),
            resort,
            booking,
            kind: existing.kind,
            round: existing.round,
            state: existing.state.as_str(),
            reason: message.reason,
            withdrawn: existing.withdrawn,
            due_at: existing.due_at,
            expires_at: existing.expires_at,
            attempts: existing.attempts,
            sent_at: existing.sent_at,
            template: message.template,
            error_code: message.error_code,
            pricing: message.pricing,
            updated_at: message.updated_at,
        }
    }
}
