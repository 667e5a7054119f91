//! Writing the changes that plans make, many at once.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{PgConnection, RunQueryDsl};
use domain::ids::{BookingKey, MessageId};
use domain::message::{MessageKind, MessageState, Reason};
use domain::plan::difference::{Change, InitialState};
use domain::plan::{Existing, Window};
use domain::trace::TraceContext;
use uuid::Uuid;

use crate::bookings::Booking;
use crate::error::StoreError;
use crate::planner::DueIds;
use crate::rows::Rows;

/// What became of a message by a plan, for logs and counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub id: MessageId,
    pub booking: BookingKey,
    pub kind: MessageKind,
    pub state: MessageState,
    pub reason: Option<Reason>,
    /// The span in which that was planned.
    pub trace: Option<TraceContext>,
    /// The span of the event that changed its booking last, where another trace has planned it.
    pub link: Option<TraceContext>,
}

/// The changes of many bookings, as columns of one statement each.
pub(crate) struct Changes {
    due_ids: DueIds,
    now: DateTime<Utc>,
    created: Vec<Created>,
    updated: Vec<Updated>,
    moved: Vec<Moved>,
}

struct Created {
    id: Uuid,
    booking_key: String,
    kind: MessageKind,
    round: i32,
    basis_at: DateTime<Utc>,
    state: MessageState,
    reason: Option<Reason>,
    due_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    trace: Option<TraceContext>,
}

impl Created {
    fn new(
        booking: &Booking,
        kind: MessageKind,
        (round, basis_at): (u32, DateTime<Utc>),
        window: Window,
        initial: InitialState,
    ) -> Self {
        let (state, reason) = match initial {
            InitialState::Queued => (MessageState::Queued, None),
            InitialState::Skipped(reason) => (MessageState::Skipped, Some(reason)),
            InitialState::Expired => (MessageState::Expired, Some(Reason::Expired)),
        };
        Self {
            id: Uuid::now_v7(),
            booking_key: booking.key.to_string(),
            kind,
            round: i32::try_from(round).unwrap_or(i32::MAX),
            basis_at,
            state,
            reason,
            due_at: window.opens_at,
            expires_at: window.closes_at,
            trace: booking.planning_trace(),
        }
    }
}

struct Updated {
    id: Uuid,
    state: MessageState,
    reason: Option<Reason>,
    due_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    mark: Option<Reason>,
}

impl Changes {
    pub(crate) fn new(due_ids: DueIds, now: DateTime<Utc>) -> Self {
        Self {
            due_ids,
            now,
            created: Vec::new(),
            updated: Vec::new(),
            moved: Vec::new(),
        }
    }

    /// Whether the caller publishes the id of a message.
    fn is_for_caller(&self, state: MessageState, due_at: DateTime<Utc>) -> bool {
        self.due_ids == DueIds::Caller && state == MessageState::Queued && due_at <= self.now
    }

    /// Adds one change of a booking whose messages are locked and given.
    pub(crate) fn add(&mut self, booking: &Booking, change: Change, messages: &[Existing]) {
        let moved = match change {
            Change::Create {
                kind,
                round,
                basis_at,
                window,
                initial,
            } => Some(self.create(
                booking,
                Created::new(booking, kind, (round, basis_at), window, initial),
            )),
            Change::Queue(id, window) => find(messages, id).map(|old| {
                let requeued = Existing {
                    due_at: window.opens_at,
                    expires_at: window.closes_at,
                    ..old.clone()
                };
                self.update(booking, &requeued, MessageState::Queued, None, None)
            }),
            Change::Withdraw(id, reason) => find(messages, id).map(|old| {
                // A call that has begun may finish: only the mark is set, every way back to the queue obeys it.
                let in_flight = matches!(old.state, MessageState::Sending | MessageState::Unknown);
                let state = if in_flight {
                    old.state
                } else {
                    MessageState::Withdrawn
                };
                self.update(booking, old, state, Some(reason), Some(reason))
            }),
            Change::Skip(id, reason) => find(messages, id)
                .map(|old| self.update(booking, old, MessageState::Skipped, Some(reason), None)),
            Change::Expire(id) => find(messages, id)
                .map(|old| self.update(booking, old, MessageState::Expired, Some(Reason::Expired), None)),
        };
        self.moved.extend(moved);
    }

    fn create(&mut self, booking: &Booking, created: Created) -> Moved {
        let Created {
            id,
            kind,
            state,
            reason,
            ..
        } = created;
        self.created.push(created);
        moved(booking, MessageId(id), kind, state, reason)
    }

    fn update(
        &mut self,
        booking: &Booking,
        row: &Existing,
        state: MessageState,
        reason: Option<Reason>,
        mark: Option<Reason>,
    ) -> Moved {
        let (due_at, expires_at) = (row.due_at, row.expires_at);
        self.updated.push(Updated {
            id: row.id.0,
            state,
            reason,
            due_at,
            expires_at,
            mark,
        });
        moved(booking, row.id, row.kind, state, reason)
    }

    /// Writes them, and returns what moved, and whose ids the caller publishes.
    pub(crate) fn write(
        self,
        connection: &mut PgConnection,
    ) -> Result<(Vec<Moved>, Vec<MessageId>), StoreError> {
        let for_caller = |state, due_at| self.is_for_caller(state, due_at);
        let created = self
            .created
            .iter()
            .filter(|row| for_caller(row.state, row.due_at));
        let updated = self
            .updated
            .iter()
            .filter(|row| for_caller(row.state, row.due_at));
        let ids = created.map(|row| row.id).chain(updated.map(|row| row.id));
        let due: Vec<MessageId> = ids.map(MessageId).collect();
        if !self.created.is_empty() {
            insert(connection, &self.created, for_caller)?;
        }
        if !self.updated.is_empty() {
            update(connection, &self.updated, for_caller)?;
        }
        Ok((self.moved, due))
    }
}

fn moved(
    booking: &Booking,
    id: MessageId,
    kind: MessageKind,
    state: MessageState,
    reason: Option<Reason>,
) -> Moved {
    let trace = booking.planning_trace();
    Moved {
        id,
        booking: booking.key.clone(),
        kind,
        state,
        reason,
        trace,
        link: booking.trace().filter(|_| trace != booking.trace()),
    }
}

fn find(messages: &[Existing], id: MessageId) -> Option<&Existing> {
    messages.iter().find(|message| message.id == id)
}

fn insert(
    connection: &mut PgConnection,
    created: &[Created],
    for_caller: impl Fn(MessageState, DateTime<Utc>) -> bool,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO messages (id, booking_key, kind, round, basis_at, state, reason, due_at, expires_at, \
            publish_at, publishes, traceparent) \
         SELECT id, booking_key, kind, round, basis_at, state, reason, due_at, expires_at, \
            CASE WHEN put_off THEN clock_timestamp() + interval '30 seconds' WHEN state = 'queued' THEN due_at END, \
            put_off::integer, traceparent FROM {rows}";
    Rows::new(sql, created)
        .column::<SqlUuid, _>("id", |row| row.id)
        .column::<Text, _>("booking_key", |row| row.booking_key.as_str())
        .column::<Text, _>("kind", |row| row.kind.as_str())
        .column::<Integer, _>("round", |row| row.round)
        .column::<Timestamptz, _>("basis_at", |row| row.basis_at)
        .column::<Text, _>("state", |row| row.state.as_str())
        .column::<Nullable<Text>, _>("reason", |row| row.reason.map(Reason::as_str))
        .column::<Timestamptz, _>("due_at", |row| row.due_at)
        .column::<Timestamptz, _>("expires_at", |row| row.expires_at)
        .column::<Bool, _>("put_off", |row| for_caller(row.state, row.due_at))
        .column::<Nullable<Text>, _>("traceparent", |row| row.trace.map(|trace| trace.to_string()))
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("create messages"))
}

fn update(
    connection: &mut PgConnection,
    updated: &[Updated],
    for_caller: impl Fn(MessageState, DateTime<Utc>) -> bool,
) -> Result<(), StoreError> {
    let sql = "UPDATE messages m SET state = n.state, reason = n.reason, due_at = n.due_at, expires_at = n.expires_at, \
         withdrawn_reason = n.mark, held_by = NULL, publish_at = CASE WHEN n.put_off \
         THEN clock_timestamp() + interval '30 seconds' WHEN n.state = 'queued' THEN n.due_at END, \
         publishes = n.put_off::integer, updated_at = now() FROM {rows} WHERE m.id = n.id";
    Rows::new(sql, updated)
        .column::<SqlUuid, _>("id", |row| row.id)
        .column::<Text, _>("state", |row| row.state.as_str())
        .column::<Nullable<Text>, _>("reason", |row| row.reason.map(Reason::as_str))
        .column::<Timestamptz, _>("due_at", |row| row.due_at)
        .column::<Timestamptz, _>("expires_at", |row| row.expires_at)
        .column::<Nullable<Text>, _>("mark", |row| row.mark.map(Reason::as_str))
        .column::<Bool, _>("put_off", |row| for_caller(row.state, row.due_at))
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("update messages"))
}
