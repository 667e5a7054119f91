//! One booking in memory: its facts, its messages and its timer.

use chrono::{DateTime, Utc};

use super::rows;
use crate::facts::Facts;
use crate::ids::BookingId;
use crate::message::MessageState;
use crate::plan::{Circumstances, Existing, Plan, Status, difference, plan};
use crate::resort::Resort;

/// A booking as the database would have it.
#[derive(Debug, Clone)]
pub struct Booking {
    pub id: BookingId,
    pub facts: Facts,
    pub messages: Vec<Existing>,
    pub status: Status,
    pub wake_at: Option<DateTime<Utc>>,
}

impl Booking {
    /// Nothing is known of it yet.
    pub fn new(id: BookingId) -> Self {
        Self {
            id,
            facts: Facts::default(),
            messages: Vec::new(),
            status: Status::Started,
            wake_at: None,
        }
    }

    /// Explains it, with any `now`. The messages among the circumstances are replaced by the booking's own.
    pub fn plan(&self, around: Circumstances, resort: &Resort, now: DateTime<Utc>) -> Plan {
        let circumstances = Circumstances {
            messages: self.messages.clone(),
            ..around
        };
        plan(&self.id, &self.facts, &circumstances, resort, now)
    }

    /// Plans it and makes its messages what the plan wants.
    pub fn replan(&mut self, around: Circumstances, resort: &Resort, now: DateTime<Utc>) {
        let planned = self.plan(around, resort, now);
        for change in difference::changes(&planned, &self.facts, &self.messages) {
            rows::apply(&mut self.messages, change);
        }
        (self.status, self.wake_at) = (planned.status, planned.wake_at);
    }

    /// When something is to be done about it: its timer, or a message that is due.
    pub(super) fn next_at(&self) -> Option<DateTime<Utc>> {
        let due = self.queued().map(|message| message.due_at);
        due.chain(self.wake_at).min()
    }

    pub(super) fn queued(&self) -> impl Iterator<Item = &Existing> {
        let messages = self.messages.iter();
        messages.filter(|message| message.state == MessageState::Queued)
    }
}
