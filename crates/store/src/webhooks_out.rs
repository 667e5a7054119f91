//! What resorts' own tools are still to be told: one row for each webhook out, deleted once its receiver knows it.
//!
//! Triggers of the migration write the rows, in the transaction of what happened, where [`subscribe`] says that the resort wants
//! to know. A call begins after a [`claim`], which moves the row's time ahead and is committed first; so a process that dies
//! during the call leaves it to another one.

mod listing;
mod standing;

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use diesel::sql_types::{
    Array, BigInt, Bytea, Double, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel::{ExpressionMethods, PgConnection, QueryDsl, QueryableByName, RunQueryDsl};
use domain::ids::{BookingKey, ResortId};
use domain::webhook_out::WebhookEvent;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::bookings::{self, Booking};
use crate::error::StoreError;
use crate::prepared;
use crate::schema::{bookings as bookings_table, webhooks_out};

pub use listing::{Listed, list};
pub use standing::{Standing, drop_waiting, standing};

/// One thing that a resort's own tools are told. Also the content of its dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// The receiver knows a repetition by it.
    pub id: Uuid,
    pub resort: ResortId,
    pub event: WebhookEvent,
    pub booking: Option<BookingKey>,
    /// Keyed hash of the number of the guest whom it is about, where it names no booking.
    pub phone_hash: Option<Vec<u8>>,
    /// What the body says beside them.
    pub details: Map<String, Json>,
    pub occurred_at: DateTime<Utc>,
}

/// A webhook that this process alone may send until its lease ends.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub webhook: Webhook,
    /// The number of this attempt, from 1. It fences the result.
    pub attempt: i32,
    /// How many earlier attempts failed.
    pub failures: u32,
}

/// A resort with webhooks, and when the next of them may be claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub resort: ResortId,
    /// How long from now; zero if one is due.
    pub after: Duration,
}

/// What the files say of who wants to know what.
#[derive(Debug, Default)]
pub struct Subscriptions {
    /// The resorts whose files this process can read.
    pub readable: BTreeSet<ResortId>,
    /// Those, and the ones whose files are broken.
    pub with_file: BTreeSet<ResortId>,
    pub wanted: BTreeSet<(ResortId, WebhookEvent)>,
}

/// Notes who wants to know what from now on.
pub fn subscribe(connection: &mut PgConnection, files: &Subscriptions) -> Result<(), StoreError> {
    let names = |ids: &BTreeSet<ResortId>| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (resorts, events): (Vec<&str>, Vec<&str>) = files
        .wanted
        .iter()
        .map(|(resort, event)| (resort.as_str(), event.as_str()))
        .unzip();
    prepared::sql(include_str!("webhooks_out/subscribe.sql"))
        .bind::<Array<Text>, _>(names(&files.readable))
        .bind::<Array<Text>, _>(resorts)
        .bind::<Array<Text>, _>(events)
        .bind::<Array<Text>, _>(names(&files.with_file))
        .execute(connection)
        .map(drop)
        .map_err(StoreError::query("note who wants webhooks"))
}

/// Has a webhook sent. One that is still to be sent stays as it is.
pub fn insert(connection: &mut PgConnection, webhook: &Webhook) -> Result<(), StoreError> {
    let details = Json::Object(webhook.details.clone()).to_string();
    prepared::sql(
        "INSERT INTO webhooks_out (id, resort, event, booking_key, phone_hash, details, occurred_at) \
         VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7) ON CONFLICT DO NOTHING",
    )
    .bind::<SqlUuid, _>(webhook.id)
    .bind::<Text, _>(webhook.resort.as_str())
    .bind::<Text, _>(webhook.event.as_str())
    .bind::<Nullable<Text>, _>(webhook.booking.as_ref().map(ToString::to_string))
    .bind::<Nullable<Bytea>, _>(webhook.phone_hash.as_deref())
    .bind::<Text, _>(details)
    .bind::<Timestamptz, _>(webhook.occurred_at)
    .execute(connection)
    .map(drop)
    .map_err(StoreError::query("have a webhook sent"))
}

#[derive(QueryableByName)]
struct WaitingRow {
    #[diesel(sql_type = Text)]
    resort: String,
    #[diesel(sql_type = Double)]
    after: f64,
}

/// The resorts with webhooks, the one that has been due longest first.
pub fn list_waiting(connection: &mut PgConnection) -> Result<Vec<Waiting>, StoreError> {
    let rows: Vec<WaitingRow> = prepared::sql(
        "SELECT resort, greatest(0, extract(epoch FROM min(due_at) - clock_timestamp()))::float8 AS after \
         FROM webhooks_out GROUP BY resort ORDER BY min(due_at), resort",
    )
    .load(connection)
    .map_err(StoreError::query("find webhooks to send"))?;
    rows.into_iter()
        .map(|row| {
            Ok(Waiting {
                resort: ResortId::parse(&row.resort).map_err(|_| unreadable("resort"))?,
                after: Duration::try_from_secs_f64(row.after).unwrap_or_default(),
            })
        })
        .collect()
}

#[derive(QueryableByName)]
struct ClaimedRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    resort: String,
    #[diesel(sql_type = Text)]
    event: String,
    #[diesel(sql_type = Nullable<Text>)]
    booking_key: Option<String>,
    #[diesel(sql_type = Nullable<Bytea>)]
    phone_hash: Option<Vec<u8>>,
    #[diesel(sql_type = Text)]
    details: String,
    #[diesel(sql_type = Timestamptz)]
    occurred_at: DateTime<Utc>,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Integer)]
    failures: i32,
}

/// Claims the webhook of a resort that has been due longest. `None`: none is due. Commit before the call.
pub fn claim(
    connection: &mut PgConnection,
    resort: &ResortId,
    lease: Duration,
) -> Result<Option<Claimed>, StoreError> {
    let rows: Vec<ClaimedRow> = prepared::sql(include_str!("webhooks_out/claim.sql"))
        .bind::<Text, _>(resort.as_str())
        .bind::<Double, _>(lease.as_secs_f64())
        .load(connection)
        .map_err(StoreError::query("claim a webhook"))?;
    rows.into_iter().next().map(ClaimedRow::into_domain).transpose()
}

impl ClaimedRow {
    fn into_domain(self) -> Result<Claimed, StoreError> {
        let booking = self.booking_key.map(|key| key.parse());
        Ok(Claimed {
            webhook: Webhook {
                id: self.id,
                resort: ResortId::parse(&self.resort).map_err(|_| unreadable("resort"))?,
                event: self.event.parse().map_err(|_| unreadable("event of a webhook"))?,
                booking: booking.transpose().map_err(|_| unreadable("booking key"))?,
                phone_hash: self.phone_hash,
                details: serde_json::from_str(&self.details)
                    .map_err(|_| unreadable("details of a webhook"))?,
                occurred_at: self.occurred_at,
            },
            attempt: self.attempts,
            failures: u32::try_from(self.failures).unwrap_or_default(),
        })
    }
}

/// The bookings that a webhook is about, newest first, as they are now. Those whose facts are damaged are left out.
pub fn bookings_of(
    connection: &mut PgConnection,
    ring: &KeyRing,
    webhook: &Webhook,
) -> Result<Vec<Booking>, StoreError> {
    let keys: Vec<String> = match (&webhook.booking, &webhook.phone_hash) {
        (Some(booking), _) => vec![booking.to_string()],
        (None, None) => return Ok(Vec::new()),
        (None, Some(hash)) => bookings_table::table
            .filter(bookings_table::phone_hash.eq(hash.as_slice()))
            .filter(bookings_table::resort.eq(webhook.resort.as_str()))
            .order((bookings_table::created_at.desc(), bookings_table::key.desc()))
            .limit(MOST_BOOKINGS)
            .select(bookings_table::key)
            .load(connection)
            .map_err(StoreError::query("find the bookings of a guest"))?,
    };
    let mut found = Vec::new();
    for key in keys {
        let key = key.parse().map_err(|_| unreadable("booking key"))?;
        match bookings::find(connection, ring, &key) {
            Err(error) if error.is_damage() => {}
            booking => found.extend(booking?),
        }
    }
    Ok(found)
}

/// Of one guest. A number of a travel agency has many.
const MOST_BOOKINGS: i64 = 20;

/// Deletes a webhook that is done, unless another process has claimed it since.
pub fn remove(connection: &mut PgConnection, claimed: &Claimed) -> Result<(), StoreError> {
    diesel::delete(webhooks_out::table)
        .filter(webhooks_out::id.eq(claimed.webhook.id))
        .filter(webhooks_out::attempts.eq(claimed.attempt))
        .execute(connection)
        .map(drop)
        .map_err(StoreError::query("remove a webhook that is done"))
}

/// Puts a webhook off, unless another process has claimed it since. `failure` says why its receiver did not take it.
pub fn put_off(
    connection: &mut PgConnection,
    claimed: &Claimed,
    by: Duration,
    failure: Option<&str>,
) -> Result<(), StoreError> {
    prepared::sql(
        "UPDATE webhooks_out SET due_at = clock_timestamp() + make_interval(secs => $3), failures = failures + $4, \
         last_error = coalesce($5, last_error) \
         WHERE id = $1 AND attempts = $2",
    )
    .bind::<SqlUuid, _>(claimed.webhook.id)
    .bind::<Integer, _>(claimed.attempt)
    .bind::<Double, _>(by.as_secs_f64())
    .bind::<Integer, _>(i32::from(failure.is_some()))
    .bind::<Nullable<Text>, _>(failure)
    .execute(connection)
    .map(drop)
    .map_err(StoreError::query("put a webhook off"))
}

/// Deletes what was still to be told of a guest.
pub(crate) fn forget(connection: &mut PgConnection, hashes: &[&[u8]]) -> Result<(), StoreError> {
    // Whoever else locks such rows locks one and waits for nothing.
    prepared::sql("DELETE FROM webhooks_out WHERE phone_hash = ANY($1)")
        .bind::<Array<Bytea>, _>(hashes)
        .execute(connection)
        .map(drop)
        .map_err(StoreError::query("forget webhooks about a guest"))
}

/// What is still to be sent.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub struct Figures {
    #[diesel(sql_type = BigInt)]
    pub waiting: i64,
    /// Since the oldest of them was made; 0 where none waits.
    #[diesel(sql_type = Double)]
    pub oldest_seconds: f64,
}

/// How many webhooks are still to be sent, and for how long.
pub fn figures(connection: &mut PgConnection) -> Result<Figures, StoreError> {
    prepared::sql(
        "SELECT count(*) AS waiting, coalesce(extract(epoch FROM clock_timestamp() - min(made_at)), 0)::float8 \
         AS oldest_seconds FROM webhooks_out",
    )
    .get_result(connection)
    .map_err(StoreError::query("count webhooks to send"))
}

fn unreadable(what: &'static str) -> StoreError {
    StoreError::Unreadable { what }
}
