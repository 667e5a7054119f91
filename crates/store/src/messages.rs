//! Messages: reading them, and ([`changes`]) bringing them to where a plan wants them.

pub(crate) mod changes;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::expression::SqlLiteral;
use diesel::sql_types::Bool;
use diesel::{
    ExpressionMethods, PgConnection, QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper,
};
use domain::ids::{BookingKey, MessageId};
use domain::message::{MessageState, Pricing};
use domain::plan::Existing;
use uuid::Uuid;

use crate::error::StoreError;
use crate::schema::messages;

pub use changes::Moved;

/// A message's row, as far as rules and people need it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    booking_key: String,
    kind: String,
    round: i32,
    basis_at: DateTime<Utc>,
    state: String,
    reason: Option<String>,
    due_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    attempts: i32,
    sent_at: Option<DateTime<Utc>>,
    withdrawn_reason: Option<String>,
    template: Option<String>,
    error_code: Option<i64>,
    updated_at: DateTime<Utc>,
    pricing_category: Option<String>,
    pricing_type: Option<String>,
    billable: Option<bool>,
}

/// The pricing in a row's columns.
pub(crate) fn pricing(
    category: Option<String>,
    type_: Option<String>,
    billable: Option<bool>,
) -> Option<Pricing> {
    let is_known = category.is_some() || type_.is_some() || billable.is_some();
    is_known.then_some(Pricing {
        category,
        type_,
        billable,
    })
}

/// A message with what people want to know of it.
#[derive(Debug, Clone)]
pub struct Message {
    pub booking_key: String,
    pub existing: Existing,
    /// The state's reason, also where it is a letter's.
    pub reason: Option<String>,
    /// What was sent last: a template's name, or `text`.
    pub template: Option<String>,
    /// The code of the last refusal.
    pub error_code: Option<i64>,
    /// What WhatsApp charges for it, as far as it was reported.
    pub pricing: Option<Pricing>,
    pub updated_at: DateTime<Utc>,
}

/// Locks every message of some bookings, in the order of their ids. Lock the bookings first.
pub(crate) fn lock_of_bookings(
    connection: &mut PgConnection,
    keys: &[String],
) -> Result<Vec<Message>, StoreError> {
    let rows: Vec<Row> = messages::table
        .filter(messages::booking_key.eq_any(keys))
        .order(messages::id)
        .for_no_key_update()
        .select(Row::as_select())
        .load(connection)
        .map_err(StoreError::query("lock messages"))?;
    rows.into_iter().map(into_domain).collect()
}

/// Waits for the locks of some messages, in the one order. Later statements of the transaction see what is committed by then.
pub(crate) fn lock(
    connection: &mut PgConnection,
    ids: impl Iterator<Item = MessageId>,
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = ids.map(|id| id.0).collect();
    messages::table
        .filter(messages::id.eq_any(ids))
        .order(messages::id)
        .for_no_key_update()
        .select(messages::id)
        .execute(connection)
        .map(drop)
        .map_err(StoreError::query("lock messages"))
}

/// Locks those of some messages that no other transaction has locked, and returns them.
pub(crate) fn lock_free(
    connection: &mut PgConnection,
    ids: impl Iterator<Item = MessageId>,
) -> Result<HashSet<MessageId>, StoreError> {
    let ids: Vec<Uuid> = ids.map(|id| id.0).collect();
    let locked: Vec<Uuid> = messages::table
        .filter(messages::id.eq_any(ids))
        .order(messages::id)
        .for_no_key_update()
        .skip_locked()
        .select(messages::id)
        .load(connection)
        .map_err(StoreError::query("lock messages"))?;
    Ok(locked.into_iter().map(MessageId).collect())
}

pub fn list_of_booking(connection: &mut PgConnection, key: &BookingKey) -> Result<Vec<Message>, StoreError> {
    let rows: Vec<Row> = messages::table
        .filter(messages::booking_key.eq(key.to_string()))
        .order((messages::created_at, messages::id))
        .select(Row::as_select())
        .load(connection)
        .map_err(StoreError::query("list a booking's messages"))?;
    rows.into_iter().map(into_domain).collect()
}

/// The messages of some bookings, each booking's in their order.
pub(crate) fn list_of_bookings(
    connection: &mut PgConnection,
    keys: &[String],
) -> Result<Vec<Message>, StoreError> {
    let rows: Vec<Row> = messages::table
        .filter(messages::booking_key.eq_any(keys))
        .order((messages::created_at, messages::id))
        .select(Row::as_select())
        .load(connection)
        .map_err(StoreError::query("list messages of bookings"))?;
    rows.into_iter().map(into_domain).collect()
}

/// Some messages, those that exist.
pub(crate) fn list_by_id(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Message>, StoreError> {
    let rows: Vec<Row> = messages::table
        .filter(messages::id.eq_any(ids))
        .select(Row::as_select())
        .load(connection)
        .map_err(StoreError::query("read messages"))?;
    rows.into_iter().map(into_domain).collect()
}

/// Messages of all bookings, those that changed last first; only those in one state where it is given.
pub fn list_latest(
    connection: &mut PgConnection,
    state: Option<MessageState>,
    most: i64,
) -> Result<Vec<Message>, StoreError> {
    let mut query = messages::table
        .order((messages::updated_at.desc(), messages::id))
        .limit(most)
        .select(Row::as_select())
        .into_boxed();
    if let Some(state) = state {
        query = query.filter(is_in(state));
    }
    let rows: Vec<Row> = query
        .load(connection)
        .map_err(StoreError::query("list messages"))?;
    rows.into_iter().map(into_domain).collect()
}

fn into_domain(row: Row) -> Result<Message, StoreError> {
    let unreadable = |what| move |_| StoreError::Unreadable { what };
    let existing = Existing {
        id: MessageId(row.id),
        kind: row
            .kind
            .parse()
            .map_err(|_| StoreError::Unreadable { what: "message kind" })?,
        round: u32::try_from(row.round).unwrap_or_default(),
        basis_at: row.basis_at,
        state: row.state.parse().map_err(unreadable("message state"))?,
        reason: row.reason.as_deref().and_then(|reason| reason.parse().ok()),
        attempts: u32::try_from(row.attempts).unwrap_or_default(),
        due_at: row.due_at,
        expires_at: row.expires_at,
        sent_at: row.sent_at,
        withdrawn: row.withdrawn_reason.is_some(),
    };
    Ok(Message {
        booking_key: row.booking_key,
        existing,
        reason: row.reason.or(row.withdrawn_reason),
        template: row.template,
        error_code: row.error_code,
        updated_at: row.updated_at,
        pricing: pricing(row.pricing_category, row.pricing_type, row.billable),
    })
}

/// The state as a literal: with a parameter a generic plan uses none of the indexes that hold the rows of one state.
pub(crate) fn is_in(state: MessageState) -> SqlLiteral<Bool> {
    diesel::dsl::sql::<Bool>(&format!("messages.state = '{}'", state.as_str()))
}
