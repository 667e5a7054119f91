//! Bookings: their sealed facts, and the columns that look-ups and timers need.

mod due;
mod list;
mod lock;
mod of_guests;
mod readable;
mod save;
mod without_resort;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use diesel::{ExpressionMethods, OptionalExtension, PgConnection, QueryDsl, RunQueryDsl};
use domain::facts::Facts;
use domain::ids::{BookingId, BookingKey, ResortId};
use domain::plan::Status;
use domain::trace::TraceContext;

use crate::error::StoreError;
use crate::schema::bookings;

pub use due::{list_due, lock_due, lock_due_of, next_wake_up, put_off};
pub use list::{Listed, Listing, list_latest};
pub use lock::{lock, lock_or_begin};
pub(crate) use lock::{lock_even_damaged, lock_of_messages};
pub(crate) use of_guests::{Standing, standing_of};
pub use of_guests::{all_of_guests, carts_of_guests, guests_of};
pub(crate) use readable::{lock_readable, page_after, read_readable};
pub(crate) use save::{Saved, save};
pub use without_resort::{count_without_resort, wake_of_resorts};

#[derive(Debug, Clone)]
pub struct Booking {
    pub key: BookingKey,
    pub facts: Facts,
    /// Grows with every change of the facts.
    pub version: i64,
    /// As it was planned last.
    pub status: Status,
    pub wake_at: Option<DateTime<Utc>>,
    /// Keyed hash of the guest's number, as it was planned last.
    pub phone_hash: Option<[u8; 32]>,
    /// The span of the event that changed it last.
    trace: Option<TraceContext>,
    /// The span in which it is planned, if not that one.
    planned_in: Option<TraceContext>,
    /// It was planned last without its resort's file.
    without_resort: bool,
    /// The facts as they are in the row, once they are others here.
    stored: Option<Box<Facts>>,
    /// It has no row yet.
    is_new: bool,
}

impl Booking {
    fn new(key: BookingKey) -> Self {
        Self {
            key,
            facts: Facts::default(),
            version: 0,
            status: Status::Started,
            wake_at: None,
            phone_hash: None,
            trace: None,
            planned_in: None,
            without_resort: false,
            stored: None,
            is_new: true,
        }
    }

    /// Whether no other transaction can know it, so that it has no messages.
    pub(crate) fn is_new(&self) -> bool {
        self.is_new
    }

    pub fn became(&self) -> Option<BookingKey> {
        let became = self.facts.became.as_ref()?;
        Some(BookingKey {
            resort: self.key.resort.clone(),
            booking: became.value.clone(),
        })
    }

    /// Changes the facts; the version grows where that made a difference.
    pub fn learn(&mut self, how: impl FnOnce(Facts) -> Facts) {
        let known = std::mem::take(&mut self.facts);
        self.facts = how(known.clone());
        if self.facts != known {
            self.version += 1;
            self.stored.get_or_insert(Box::new(known));
        }
    }

    /// Notes the span of an event that brings facts.
    pub fn changed_in(&mut self, trace: TraceContext) {
        self.trace = Some(trace);
    }

    /// Notes the first span of a trace in which it is planned without a new event.
    pub fn plan_in(&mut self, trace: TraceContext) {
        self.planned_in = Some(trace);
    }

    /// The span of [`plan_in`](Self::plan_in).
    pub fn planned_in(&self) -> Option<TraceContext> {
        self.planned_in
    }

    /// The span of the event that changed it last.
    pub fn trace(&self) -> Option<TraceContext> {
        self.trace
    }

    /// The span that its messages continue.
    pub(crate) fn planning_trace(&self) -> Option<TraceContext> {
        self.planned_in.or(self.trace)
    }

    /// The facts by which it was planned last.
    pub(crate) fn stored_facts(&self) -> &Facts {
        self.stored.as_deref().unwrap_or(&self.facts)
    }
}

type Row = (
    String,
    String,
    Vec<u8>,
    i64,
    String,
    Option<DateTime<Utc>>,
    Option<Vec<u8>>,
    bool,
    Option<String>,
);

pub fn find(
    connection: &mut PgConnection,
    ring: &KeyRing,
    key: &BookingKey,
) -> Result<Option<Booking>, StoreError> {
    let row: Option<Row> = bookings::table
        .find(key.to_string())
        .select(COLUMNS)
        .first(connection)
        .optional()
        .map_err(StoreError::query("read a booking"))?;
    row.map(|row| into_domain(ring, row)).transpose()
}

type Columns = (
    bookings::resort,
    bookings::id,
    bookings::sealed_facts,
    bookings::version,
    bookings::status,
    bookings::wake_at,
    bookings::phone_hash,
    bookings::without_resort,
    bookings::traceparent,
);

const COLUMNS: Columns = (
    bookings::resort,
    bookings::id,
    bookings::sealed_facts,
    bookings::version,
    bookings::status,
    bookings::wake_at,
    bookings::phone_hash,
    bookings::without_resort,
    bookings::traceparent,
);

fn into_domain(ring: &KeyRing, row: Row) -> Result<Booking, StoreError> {
    let (resort, id, sealed, version, status, wake_at, phone_hash, without_resort, traceparent) = row;
    let key = parse_key(&resort, &id)?;
    let facts = open_facts(ring, &key, &sealed)?;
    let status = status.parse().map_err(|_| StoreError::Unreadable {
        what: "booking status",
    })?;
    Ok(Booking {
        key,
        facts,
        version,
        status,
        wake_at,
        phone_hash: phone_hash.and_then(|hash| hash.try_into().ok()),
        trace: traceparent.and_then(|text| text.parse().ok()),
        planned_in: None,
        without_resort,
        stored: None,
        is_new: false,
    })
}

pub(crate) fn parse_key(resort: &str, id: &str) -> Result<BookingKey, StoreError> {
    let unreadable = |_| StoreError::Unreadable { what: "booking key" };
    Ok(BookingKey {
        resort: ResortId::parse(resort).map_err(unreadable)?,
        booking: BookingId::parse(id).map_err(unreadable)?,
    })
}

/// The reservations that some carts became, without locking anything: they inherit what the carts hear.
pub fn reservations_of_carts(
    connection: &mut PgConnection,
    carts: &BTreeSet<BookingKey>,
) -> Result<BTreeSet<BookingKey>, StoreError> {
    let keys: Vec<String> = carts.iter().map(ToString::to_string).collect();
    let rows: Vec<Option<String>> = bookings::table
        .filter(bookings::key.eq_any(keys))
        .filter(bookings::became_key.is_not_null())
        .select(bookings::became_key)
        .load(connection)
        .map_err(StoreError::query("find the reservations that carts became"))?;
    let unreadable = |_| StoreError::Unreadable { what: "booking key" };
    let keys = rows.iter().flatten();
    keys.map(|key| key.parse().map_err(unreadable)).collect()
}

/// The identity under which a booking's facts are sealed.
fn identity(key: &BookingKey) -> String {
    format!("facts:{key}")
}

/// Opens sealed facts; a row that was only created has none.
pub(crate) fn open_facts(ring: &KeyRing, key: &BookingKey, sealed: &[u8]) -> Result<Facts, StoreError> {
    if sealed.is_empty() {
        return Ok(Facts::default());
    }
    let what = "facts of a booking";
    let opened = ring
        .open(sealed, &identity(key))
        .map_err(|cause| StoreError::Sealed { what, cause })?;
    serde_json::from_slice(&opened).map_err(|_| StoreError::Unreadable { what })
}
