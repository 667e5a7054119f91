//! A [`MessageRecord`] as the columns of its row.

use chrono::{DateTime, Utc};
use diesel::{AsChangeset, Queryable, Selectable};
use domain::message::Attempt;
use domain::message_record::MessageRecord;

use crate::error::StoreError;
use crate::schema::messages;

#[derive(Debug, Clone, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = messages)]
#[diesel(check_for_backend(diesel::pg::Pg))]
#[diesel(treat_none_as_null = true)]
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
        })
    }

    pub(super) fn of(record: &MessageRecord) -> Self {
        let record = record.clone();
        Self {
            state: record.state.as_str().to_owned(),
            reason: record.reason,
            due_at: record.due_at,
            publish_at: record.publish_at,
            publishes: record.publishes,
            attempts: column(record.attempt.0),
            retries: column(record.retries),
            turn: record.turn.as_str().to_owned(),
            withdrawn_reason: record.withdrawn,
            claimed_at: record.claimed_at,
            whatsapp_hash: record.whatsapp_hash,
            sent_at: record.sent_at,
            delivery: record.delivery.map(|status| status.as_str().to_owned()),
            delivery_at: record.delivery_at,
            error_code: record.error_code,
            letter_due: record.dead_letter_due,
            died_at: record.dead_lettered_at,
            held_by: record.held_by,
            paced: record.paced,
            silent_attempt: record.silent_attempt.map(|attempt| column(attempt.0)),
            failed_attempt: record.failed_attempt.map(|attempt| column(attempt.0)),
            rested: record.rested,
            text_refused: record.text_refused,
        }
    }
}
