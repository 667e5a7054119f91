//! Locked bookings and messages, into which results are written.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl, SelectableHelper};
use domain::consent::ConsentChange;
use domain::guest::GuestName;
use domain::ids::{MessageId, NumberId};
use domain::message::{MessageKind, MessageState};
use domain::message_record::MessageRecord;
use domain::trace::TraceContext;
use uuid::Uuid;

use super::columns::{self, Columns};
use super::{Outcome, Recorded};
use crate::bookings;
use crate::error::StoreError;
use crate::guest_names::{self, Learnt};
use crate::guests;
use crate::guests::consents::{self, NumberConsents};
use crate::letters;
use crate::planning::{self, Planner};
use crate::schema::messages;

struct Message {
    booking_key: String,
    kind: MessageKind,
    record: MessageRecord,
    trace: Option<TraceContext>,
    /// The number that sent it, and the keyed hash of the one that was called.
    called: (Option<String>, Option<Vec<u8>>),
}

/// Locked bookings and messages, and what was done to them.
pub(super) struct Locked {
    bookings: Vec<bookings::Booking>,
    messages: BTreeMap<MessageId, Message>,
    pub(super) now: DateTime<Utc>,
    changed: BTreeSet<MessageId>,
    followed: BTreeSet<String>,
    /// Messages that were dead when a result arrived: the result may settle their dead letters.
    were_dead: Vec<Uuid>,
    /// How WhatsApp names the guests who were called.
    learnt: BTreeSet<Learnt>,
    pub(super) outcome: Outcome,
}

impl Locked {
    pub(super) fn take(
        connection: &mut PgConnection,
        planner: &Planner,
        ids: &[Uuid],
    ) -> Result<Self, StoreError> {
        let bookings = bookings::lock_of_messages(connection, &planner.ring, ids)?;
        // All messages of these bookings, in one order: planning takes the others too.
        let keys: Vec<String> = bookings.iter().map(|booking| booking.key.to_string()).collect();
        let messages = lock_messages(connection, &keys, ids)?;
        let now = crate::pool::clock(connection)?;
        Ok(Self {
            bookings,
            messages,
            now,
            changed: BTreeSet::new(),
            followed: BTreeSet::new(),
            were_dead: Vec::new(),
            learnt: BTreeSet::new(),
            outcome: Outcome::default(),
        })
    }

    pub(super) fn record(&self, id: MessageId) -> Option<&MessageRecord> {
        self.messages.get(&id).map(|message| &message.record)
    }

    /// Changes a message, also for the next result of the same message; [`finish`](Self::finish) writes it. `None` changes
    /// nothing.
    pub(super) fn change(&mut self, id: MessageId, after: Option<MessageRecord>) {
        let (Some(record), Some(message)) = (after, self.messages.get_mut(&id)) else {
            return;
        };
        self.changed.insert(id);
        // A message that seemed to be sent may no longer be wanted.
        let came_back = message.record.state.went() && !record.state.went();
        if message.kind.others_follow() || came_back {
            self.followed.insert(message.booking_key.clone());
        }
        self.outcome.recorded.push(Recorded {
            id,
            booking_key: message.booking_key.clone(),
            kind: message.kind,
            state: record.state,
            reason: record.reason.clone(),
            trace: message.trace,
        });
        let before = std::mem::replace(&mut message.record, record);
        if before.state == MessageState::Dead {
            self.were_dead.push(id.0);
        }
    }

    /// Records WhatsApp's names of the guest whom a message called. No name of an erased guest is recorded.
    pub(super) fn learn(&mut self, planner: &Planner, id: MessageId, names: &[GuestName]) {
        if names.is_empty() {
            return;
        }
        let called = self
            .messages
            .get(&id)
            .and_then(|message| message.called.1.clone());
        let called: Option<[u8; 32]> = called.and_then(|hash| hash.try_into().ok());
        // A message of an older version does not store the called number: the booking's number is used.
        let phone = called.or_else(|| Some(planner.guest_of_booking(self.booking_of(id)?)?.phone_hash));
        let learnt = phone.map(|phone| Learnt::of_guest(planner, names, phone));
        self.learnt.extend(learnt.into_iter().flatten());
    }

    fn booking_of(&self, id: MessageId) -> Option<&bookings::Booking> {
        let key = &self.messages.get(&id)?.booking_key;
        self.bookings
            .iter()
            .find(|booking| booking.key.to_string() == *key)
    }

    /// Records that the guest refuses marketing from this number. Each claim checks it.
    pub(super) fn opt_out(
        &self,
        connection: &mut PgConnection,
        planner: &Planner,
        id: MessageId,
    ) -> Result<(), StoreError> {
        let guest = self
            .booking_of(id)
            .and_then(|booking| planner.guest_of_booking(booking));
        let Some(guest) = guest else {
            return Ok(());
        };
        let mut changes = NumberConsents::new();
        let called_from = self
            .messages
            .get(&id)
            .and_then(|message| message.called.0.as_deref());
        if let Some(number) = called_from.and_then(|number| NumberId::parse(number).ok()) {
            consents::add(
                &mut changes,
                guest.phone_hash,
                &number,
                (ConsentChange::Stop, self.now),
            );
        }
        guests::record_consent(connection, &guest, ConsentChange::Stop, self.now)?;
        consents::record(connection, &changes)
    }

    pub(super) fn finish(
        mut self,
        connection: &mut PgConnection,
        planner: &Planner,
    ) -> Result<Outcome, StoreError> {
        let changed = self.messages.iter().filter(|(id, _)| self.changed.contains(id));
        columns::write(
            connection,
            changed.map(|(id, message)| (*id, &message.record)),
            self.now,
        )?;
        guest_names::learn(connection, &self.learnt)?;
        letters::settle_by_whatsapp(connection, &self.were_dead, self.now)?;
        // Only where other messages depend on this one's end, or a message may not be wanted any more.
        self.bookings
            .retain(|booking| self.followed.contains(&booking.key.to_string()));
        if !self.bookings.is_empty() {
            self.outcome.planned = planning::replan(connection, planner, self.now, &self.bookings)?;
        }
        Ok(self.outcome)
    }
}

type Row = (
    Uuid,
    String,
    String,
    Columns,
    (Option<String>, Option<Vec<u8>>, Option<String>),
);

/// Locks every message of these bookings; reads those that are asked for.
fn lock_messages(
    connection: &mut PgConnection,
    booking_keys: &[String],
    ids: &[Uuid],
) -> Result<BTreeMap<MessageId, Message>, StoreError> {
    let rows: Vec<Row> = messages::table
        .filter(messages::booking_key.eq_any(booking_keys))
        .order(messages::id)
        .for_no_key_update()
        .select((
            messages::id,
            messages::booking_key,
            messages::kind,
            Columns::as_select(),
            (messages::called_from, messages::called_to, messages::traceparent),
        ))
        .load(connection)
        .map_err(StoreError::query("lock messages"))?;
    let into_message = |(id, booking_key, kind, columns, (called_from, called_to, trace)): Row| {
        let kind = kind
            .parse()
            .map_err(|_| StoreError::Unreadable { what: "message kind" })?;
        let record = columns.into_record()?;
        let message = Message {
            booking_key,
            kind,
            record,
            trace: trace.and_then(|trace| trace.parse().ok()),
            called: (called_from, called_to),
        };
        Ok((MessageId(id), message))
    };
    let asked_for = rows.into_iter().filter(|(id, ..)| ids.contains(id));
    asked_for.map(into_message).collect()
}
