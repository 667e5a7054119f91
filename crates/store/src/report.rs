//! The owner's report: a resort's month from its messages and bookings, and months that are final.
//!
//! Reading takes no lock and needs no index of its own. `processor` freezes each month once ([`freeze`]); from then on nothing
//! changes it, neither a late event nor an erasure nor the end of a retention.

pub mod breaches;
mod frozen;
pub mod present;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use crypto::key_ring::KeyRing;
use diesel::sql_types::{Array, BigInt, Bool, Bytea, Double, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::ids::{BookingKey, ResortId};
use domain::message::{MessageState, Reason};
use domain::report::{BOOKED_WITHIN, Cart, Figures, Month, Reaction, Reminder};
use domain::stay::Money;
use uuid::{NoContext, Timestamp, Uuid};

use crate::bookings;
use crate::error::StoreError;
use crate::prepared::{Prepared, sql};

pub use frozen::{Frozen, freeze, list_frozen, next_to_freeze};

const WHAT: &str = "month of a report";

/// How many carts are read at a time.
const PAGE: i64 = 2_000;

/// How far clocks of programs and of platforms may differ.
const CLOCKS_DIFFER: i64 = 86_400;

/// The month of a resort, whose days are those of its time zone.
#[derive(Debug, Clone)]
pub struct ResortMonth {
    pub resort: ResortId,
    pub zone: Tz,
    pub month: Month,
}

#[derive(QueryableByName)]
struct CartRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Nullable<Bytea>)]
    phone_hash: Option<Vec<u8>>,
    #[diesel(sql_type = Timestamptz)]
    basis_at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Bool)]
    went: bool,
    #[diesel(sql_type = Bool)]
    answered: bool,
    #[diesel(sql_type = Bool)]
    stopped: bool,
    #[diesel(sql_type = Array<Text>)]
    reservations: Vec<String>,
}

/// A month as it is now.
pub fn compute(
    connection: &mut PgConnection,
    ring: &KeyRing,
    of: &ResortMonth,
) -> Result<Figures, StoreError> {
    let mut carts = Vec::new();
    let mut after = id_at(of.month.begins_at(of.zone));
    loop {
        let page = page(connection, of, after)?;
        let totals = totals(connection, ring, &page)?;
        let last = page.last().map(|row| row.id);
        let is_full = i64::try_from(page.len()).is_ok_and(|found| found >= PAGE);
        carts.extend(page.into_iter().map(|row| into_cart(row, &totals)));
        match last.filter(|_| is_full) {
            Some(last) => after = last,
            None => break,
        }
    }
    Ok(Figures::of(
        carts,
        messages(connection, of)?,
        breaches::count(connection, of)?,
    ))
}

fn page(connection: &mut PgConnection, of: &ResortMonth, after: Uuid) -> Result<Vec<CartRow>, StoreError> {
    #[expect(clippy::cast_precision_loss, reason = "some days in seconds")]
    let booked_within = BOOKED_WITHIN.num_seconds() as f64;
    sql(include_str!("report/carts.sql"))
        .bind::<SqlUuid, _>(after)
        .bind::<Text, _>(of.resort.as_str())
        .bind::<Timestamptz, _>(of.month.begins_at(of.zone))
        .bind::<Timestamptz, _>(of.month.ends_at(of.zone))
        .bind::<BigInt, _>(PAGE)
        .bind::<Double, _>(booked_within)
        .load(connection)
        .map_err(StoreError::query("read a month's carts"))
}

/// The totals of the reservations of some carts, by key. One whose facts cannot be opened has none.
fn totals(
    connection: &mut PgConnection,
    ring: &KeyRing,
    rows: &[CartRow],
) -> Result<HashMap<String, Money>, StoreError> {
    let keys: BTreeSet<BookingKey> = rows
        .iter()
        .flat_map(|row| row.reservations.iter().filter_map(|key| key.parse().ok()))
        .collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let known = bookings::read_readable(connection, ring, &keys)?;
    let total = |booking: bookings::Booking| Some((booking.key.to_string(), booking.facts.total?.value));
    Ok(known.into_iter().filter_map(total).collect())
}

fn into_cart(row: CartRow, totals: &HashMap<String, Money>) -> Cart {
    let reservations = row.reservations.iter().map(|key| totals.get(key).cloned());
    Cart {
        reservations: reservations.collect(),
        reminder: reminder(&row),
        abandoned_at: row.basis_at,
        guest: row.phone_hash.unwrap_or_else(|| row.key.into_bytes()),
    }
}

fn reminder(row: &CartRow) -> Reminder {
    let is = |state: MessageState| row.state == state.as_str();
    if row.went {
        return Reminder::Went(Reaction {
            is_delivered: is(MessageState::Delivered) || is(MessageState::Read),
            is_read: is(MessageState::Read),
            is_answered: row.answered,
            is_stopped: row.stopped,
        });
    }
    match row.reason.as_deref() {
        Some(reason) if reason == Reason::HeldOut.as_str() => Reminder::HeldOut,
        // The reason of what waits names its hold, which is of no interest here.
        Some(reason) if !is(MessageState::Held) => Reminder::DidNotGo(reason.to_owned()),
        _ => Reminder::DidNotGo(row.state.clone()),
    }
}

/// How many there are of each name.
#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn counts(rows: Vec<Counted>) -> BTreeMap<String, u64> {
    let rows = rows.into_iter();
    rows.map(|row| (row.name, u64::try_from(row.count).unwrap_or_default()))
        .collect()
}

/// A statement about the calls of a month: $1 is where the ids of messages begin that can have been called in it, $2 the resort, $3 and
/// $4 from when to when.
fn asked(statement: &'static str, of: &ResortMonth) -> Prepared<'static> {
    // What waited for a hold may be older; nothing waits for longer than its expiry and a retry.
    sql(statement)
        .bind::<SqlUuid, _>(id_at(of.month.previous().begins_at(of.zone)))
        .bind::<Text, _>(of.resort.as_str().to_owned())
        .bind::<Timestamptz, _>(of.month.begins_at(of.zone))
        .bind::<Timestamptz, _>(of.month.ends_at(of.zone))
}

/// How many messages of all kinds went in a month, by what WhatsApp charges for them.
fn messages(connection: &mut PgConnection, of: &ResortMonth) -> Result<BTreeMap<String, u64>, StoreError> {
    asked(
        "SELECT coalesce(m.pricing_category, 'unknown') AS name, count(*) AS count \
         FROM messages m JOIN bookings b ON b.key = m.booking_key \
         WHERE m.id > $1 AND b.resort = $2 AND m.sent_at >= $3 AND m.sent_at < $4 GROUP BY 1",
        of,
    )
    .load(connection)
    .map(counts)
    .map_err(StoreError::query("count a month's messages"))
}

/// The least id of a message that was created then, but for clocks that differ.
fn id_at(at: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(at.timestamp() - CLOCKS_DIFFER).unwrap_or_default();
    let made = Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, 0));
    // Its first 48 bits are the time.
    Uuid::from_u128(made.as_u128() >> 80 << 80)
}

/// Figures as a row has them.
fn written(figures: &Figures) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(figures).map_err(|_| StoreError::Unreadable { what: WHAT })
}

/// The resort and the figures of a row.
fn read(resort: &str, figures: serde_json::Value) -> Result<(ResortId, Figures), StoreError> {
    let unreadable = || StoreError::Unreadable { what: WHAT };
    let resort = ResortId::parse(resort).map_err(|_| unreadable())?;
    let figures = serde_json::from_value(figures).map_err(|_| unreadable())?;
    Ok((resort, figures))
}
