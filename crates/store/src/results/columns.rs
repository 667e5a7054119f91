//! A [`MessageRecord`] as the columns of its row.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Bool, Bytea, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{PgConnection, Queryable, RunQueryDsl, Selectable};
use domain::ids::MessageId;
use domain::message::Attempt;
use domain::message_record::MessageRecord;

use crate::error::StoreError;
use crate::messages::pricing;
use crate::rows::Rows;
use crate::schema::messages;

const UPDATE: &str = "UPDATE messages m SET updated_at = n.updated_at, state = n.state, reason = n.reason, due_at = n.due_at, \
     publish_at = n.publish_at, publishes = n.publishes, attempts = n.attempts, retries = n.retries, turn = n.turn, \
     withdrawn_reason = n.withdrawn_reason, claimed_at = n.claimed_at, whatsapp_hash = n.whatsapp_hash, \
     sent_at = n.sent_at, delivery = n.delivery, delivery_at = n.delivery_at, error_code = n.error_code, \
     letter_due = n.letter_due, died_at = n.died_at, held_by = n.held_by, paced = n.paced, \
     silent_attempt = n.silent_attempt, failed_attempt = n.failed_attempt, rested = n.rested, \
     text_refused = n.text_refused, pricing_category = n.pricing_category, pricing_type = n.pricing_type, \
     billable = n.billable FROM {rows} WHERE m.id = n.id";

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = messages)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub(super) struct Columns {
    state: String,
    reason: Option<String>,
    due_at: DateTime<Utc>,
    publish_at: Option<DateTime<Utc>>,
    publishes: i32,
    attempts: i32,
    retries: i32,
    turn: String,
    withdrawn_reason: Option<String>,
    claimed_at: Option<DateTime<Utc>>,
    whatsapp_hash: Option<Vec<u8>>,
    sent_at: Option<DateTime<Utc>>,
    delivery: Option<String>,
    delivery_at: Option<DateTime<Utc>>,
    error_code: Option<i64>,
    letter_due: bool,
    died_at: Option<DateTime<Utc>>,
    held_by: Option<String>,
    paced: bool,
    silent_attempt: Option<i32>,
    failed_attempt: Option<i32>,
    rested: bool,
    text_refused: bool,
    pricing_category: Option<String>,
    pricing_type: Option<String>,
    billable: Option<bool>,
}

fn count(column: i32) -> u32 {
    u32::try_from(column).unwrap_or_default()
}

fn column(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

impl Columns {
    pub(super) fn into_record(self) -> Result<MessageRecord, StoreError> {
        let unreadable = |what| move |_| StoreError::Unreadable { what };
        let delivery = self.delivery.map(|text| text.parse()).transpose();
        Ok(MessageRecord {
            state: self.state.parse().map_err(unreadable("message state"))?,
            reason: self.reason,
            due_at: self.due_at,
            publish_at: self.publish_at,
            publishes: self.publishes,
            attempt: Attempt(count(self.attempts)),
            retries: count(self.retries),
            turn: self.turn.parse().map_err(unreadable("turn"))?,
            withdrawn: self.withdrawn_reason,
            claimed_at: self.claimed_at,
            whatsapp_hash: self.whatsapp_hash,
            sent_at: self.sent_at,
            delivery: delivery.map_err(unreadable("delivery status"))?,
            delivery_at: self.delivery_at,
            error_code: self.error_code,
            dead_letter_due: self.letter_due,
            dead_lettered_at: self.died_at,
            held_by: self.held_by,
            paced: self.paced,
            silent_attempt: self.silent_attempt.map(|attempt| Attempt(count(attempt))),
            failed_attempt: self.failed_attempt.map(|attempt| Attempt(count(attempt))),
            rested: self.rested,
            text_refused: self.text_refused,
            pricing: pricing(self.pricing_category, self.pricing_type, self.billable),
        })
    }
}

/// Writes some messages in one statement.
pub(super) fn write<'a>(
    connection: &mut PgConnection,
    records: impl Iterator<Item = (MessageId, &'a MessageRecord)>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let records: Vec<(MessageId, &MessageRecord)> = records.collect();
    if records.is_empty() {
        return Ok(());
    }
    let attempt = |attempt: Attempt| column(attempt.0);
    Rows::new(UPDATE, records)
        .column::<SqlUuid, _>("id", |(id, _)| id.0)
        .column::<Timestamptz, _>("updated_at", |_| now)
        .column::<Text, _>("state", |(_, record)| record.state.as_str())
        .column::<Nullable<Text>, _>("reason", |(_, record)| record.reason.as_deref())
        .column::<Timestamptz, _>("due_at", |(_, record)| record.due_at)
        .column::<Nullable<Timestamptz>, _>("publish_at", |(_, record)| record.publish_at)
        .column::<Integer, _>("publishes", |(_, record)| record.publishes)
        .column::<Integer, _>("attempts", |(_, record)| attempt(record.attempt))
        .column::<Integer, _>("retries", |(_, record)| column(record.retries))
        .column::<Text, _>("turn", |(_, record)| record.turn.as_str())
        .column::<Nullable<Text>, _>("withdrawn_reason", |(_, record)| record.withdrawn.as_deref())
        .column::<Nullable<Timestamptz>, _>("claimed_at", |(_, record)| record.claimed_at)
        .column::<Nullable<Bytea>, _>("whatsapp_hash", |(_, record)| record.whatsapp_hash.as_deref())
        .column::<Nullable<Timestamptz>, _>("sent_at", |(_, record)| record.sent_at)
        .column::<Nullable<Text>, _>("delivery", |(_, record)| {
            record.delivery.map(|status| status.as_str())
        })
        .column::<Nullable<Timestamptz>, _>("delivery_at", |(_, record)| record.delivery_at)
        .column::<Nullable<BigInt>, _>("error_code", |(_, record)| record.error_code)
        .column::<Bool, _>("letter_due", |(_, record)| record.dead_letter_due)
        .column::<Nullable<Timestamptz>, _>("died_at", |(_, record)| record.dead_lettered_at)
        .column::<Nullable<Text>, _>("held_by", |(_, record)| record.held_by.as_deref())
        .column::<Bool, _>("paced", |(_, record)| record.paced)
        .column::<Nullable<Integer>, _>("silent_attempt", |(_, record)| record.silent_attempt.map(attempt))
        .column::<Nullable<Integer>, _>("failed_attempt", |(_, record)| record.failed_attempt.map(attempt))
        .column::<Bool, _>("rested", |(_, record)| record.rested)
        .column::<Bool, _>("text_refused", |(_, record)| record.text_refused)
        .column::<Nullable<Text>, _>("pricing_category", |(_, record)| {
            record.pricing.as_ref()?.category.as_deref()
        })
        .column::<Nullable<Text>, _>("pricing_type", |(_, record)| {
            record.pricing.as_ref()?.type_.as_deref()
        })
        .column::<Nullable<Bool>, _>("billable", |(_, record)| record.pricing.as_ref()?.billable)
        .execute(connection)
        .map(drop)
        .map_err(StoreError::query("record what came of messages"))
}
