//! Erases data after the retention times of the resorts, a page at a time, from the oldest on.
//!
//! Locked rows are left for the next time, so any number of processes may do this. Data of a resort whose file cannot be read
//! are left as they are, since its retention times are unknown.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::ids::{BookingKey, ResortId};

use super::{DataSubject, Erased, erase};
use crate::erasure_lock;
use crate::error::StoreError;
use crate::planning::Planner;
use crate::pool;
use crate::prepared;

/// How long a resort wants its data to be kept.
#[derive(Debug, Clone)]
pub struct RetentionPolicy {
    pub resort: ResortId,
    /// Raw events, from their arrival.
    pub raw_events: TimeDelta,
    /// What guests wrote, from its arrival.
    pub conversations: TimeDelta,
    /// Guests, from the last event of their last booking.
    pub guests: TimeDelta,
}

/// How far a walk through a table has come: everything up to here was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    at: DateTime<Utc>,
    key: String,
}

impl Default for Cursor {
    fn default() -> Self {
        Self {
            at: DateTime::UNIX_EPOCH,
            key: String::new(),
        }
    }
}

/// What a step came to.
#[derive(Debug)]
pub struct Step<T> {
    /// What its time was over for.
    pub over: Vec<T>,
    /// Where the next step begins; `None`: there is nothing more that is old enough.
    pub next: Option<Cursor>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Bool)]
    over: bool,
}

fn step(rows: Vec<Row>, most: i64) -> Step<String> {
    let full = i64::try_from(rows.len()).is_ok_and(|found| found >= most);
    let last = rows.last().map(|row| Cursor {
        at: row.at,
        key: row.key.clone(),
    });
    let over = rows.into_iter().filter(|row| row.over).map(|row| row.key);
    Step {
        over: over.collect(),
        next: last.filter(|_| full),
    }
}

/// The ends of some terms, as columns of one statement.
struct Cutoffs<'a> {
    resorts: Vec<&'a str>,
    raw_events: Vec<DateTime<Utc>>,
    conversations: Vec<DateTime<Utc>>,
    guests: Vec<DateTime<Utc>>,
}

impl<'a> Cutoffs<'a> {
    fn of(policies: &'a [RetentionPolicy], now: DateTime<Utc>) -> Self {
        let end = |term: TimeDelta| now.checked_sub_signed(term).unwrap_or(DateTime::<Utc>::MIN_UTC);
        // Postgres knows no year before 4713 B.C.; nothing here is older than this.
        let end = |term| end(term).max(DateTime::UNIX_EPOCH);
        Self {
            resorts: policies.iter().map(|one| one.resort.as_str()).collect(),
            raw_events: policies.iter().map(|one| end(one.raw_events)).collect(),
            conversations: policies.iter().map(|one| end(one.conversations)).collect(),
            guests: policies.iter().map(|one| end(one.guests)).collect(),
        }
    }
}

/// Empties raw events whose time is over, of at most so many that it looks at. An event that names no booking has the
/// shortest time of all, and so has what a guest wrote.
pub fn empty_raw_events(
    connection: &mut PgConnection,
    policies: &[RetentionPolicy],
    after: &Cursor,
    most: i64,
) -> Result<Step<String>, StoreError> {
    let ends = Cutoffs::of(policies, pool::clock(connection)?);
    let rows: Vec<Row> = prepared::sql(include_str!("old_events.sql"))
        .bind::<Array<Text>, _>(ends.resorts)
        .bind::<Array<Timestamptz>, _>(ends.raw_events)
        .bind::<Array<Timestamptz>, _>(ends.conversations)
        .bind::<Timestamptz, _>(after.at)
        .bind::<Text, _>(&after.key)
        .bind::<BigInt, _>(most)
        .load(connection)
        .map_err(StoreError::query("empty raw events whose time is over"))?;
    Ok(step(rows, most))
}

/// Empties letters of events: an ended one once its event's time is over, one that waits for a person once its guest's
/// is. Returns how many.
pub fn empty_letters(
    connection: &mut PgConnection,
    policies: &[RetentionPolicy],
    most: i64,
) -> Result<usize, StoreError> {
    let ends = Cutoffs::of(policies, pool::clock(connection)?);
    prepared::sql(include_str!("old_letters.sql"))
        .bind::<Array<Text>, _>(ends.resorts)
        .bind::<Array<Timestamptz>, _>(ends.raw_events)
        .bind::<Array<Timestamptz>, _>(ends.guests)
        .bind::<BigInt, _>(most)
        .execute(connection)
        .map_err(StoreError::query("empty letters whose time is over"))
}

/// Deletes what staff answered guests once the resort's time for conversations is over, so many answers at most. Returns how
/// many.
pub fn forget_answers(
    connection: &mut PgConnection,
    policies: &[RetentionPolicy],
    most: i64,
) -> Result<usize, StoreError> {
    let ends = Cutoffs::of(policies, pool::clock(connection)?);
    prepared::sql(
        "DELETE FROM answers WHERE message_id IN (SELECT a.message_id FROM answers a \
         JOIN unnest($1, $2) AS t(resort, kept_from) ON starts_with(a.booking_key, t.resort || '/') \
         WHERE a.written_at < t.kept_from LIMIT $3)",
    )
    .bind::<Array<Text>, _>(ends.resorts)
    .bind::<Array<Timestamptz>, _>(ends.conversations)
    .bind::<BigInt, _>(most)
    .execute(connection)
    .map_err(StoreError::query("forget answers whose time is over"))
}

/// Forgets names whose numbers no booking has any more, so many at most: those of numbers that staff replaced. They have the
/// shortest time of all, from when they were learnt. Returns how many.
pub fn forget_orphaned_names(
    connection: &mut PgConnection,
    policies: &[RetentionPolicy],
    most: i64,
) -> Result<usize, StoreError> {
    let ends = Cutoffs::of(policies, pool::clock(connection)?);
    let Some(end) = ends.raw_events.into_iter().max() else {
        return Ok(0);
    };
    prepared::sql(
        "DELETE FROM guest_names WHERE (name_hash, phone_hash) IN ( \
         SELECT n.name_hash, n.phone_hash FROM guest_names n WHERE n.learnt_at < $1 \
         AND NOT EXISTS (SELECT FROM bookings b WHERE b.phone_hash = n.phone_hash) LIMIT $2)",
    )
    .bind::<Timestamptz, _>(end)
    .bind::<BigInt, _>(most)
    .execute(connection)
    .map_err(StoreError::query("forget names whose time is over"))
}

/// Bookings that still tell of a guest whose time is over, among at most so many that it looks at. Locks nothing.
pub fn list_old_guests(
    connection: &mut PgConnection,
    policies: &[RetentionPolicy],
    after: &Cursor,
    most: i64,
) -> Result<Step<BookingKey>, StoreError> {
    let Step { over, next } = old_guests(connection, policies, None, (after, most))?;
    let unreadable = |_| StoreError::Unreadable { what: "booking key" };
    let keys = over.iter().map(|key| key.parse().map_err(unreadable));
    Ok(Step {
        over: keys.collect::<Result<_, _>>()?,
        next,
    })
}

/// Takes out the guest of a booking, if their time is over still: they may have come back meanwhile. What was accepted
/// since their time was over is a new beginning, wherever it is now.
pub fn erase_old_guest(
    connection: &mut PgConnection,
    planner: &Planner,
    policies: &[RetentionPolicy],
    key: &BookingKey,
) -> Result<Option<Erased>, StoreError> {
    let Some(term) = policies.iter().find(|term| term.resort == key.resort) else {
        return Ok(None);
    };
    let guest = DataSubject::Booking(key.clone());
    erasure_lock::lock_exclusive(connection, guest.resort())?;
    let from_the_oldest = Cursor::default();
    let found = old_guests(connection, policies, Some(key), (&from_the_oldest, 1))?;
    if found.over.is_empty() {
        return Ok(None);
    }
    let end = pool::clock(connection)? - term.guests;
    erase(connection, planner, &guest, Some(end)).map(Some)
}

fn old_guests(
    connection: &mut PgConnection,
    policies: &[RetentionPolicy],
    only: Option<&BookingKey>,
    (after, most): (&Cursor, i64),
) -> Result<Step<String>, StoreError> {
    let ends = Cutoffs::of(policies, pool::clock(connection)?);
    let rows: Vec<Row> = prepared::sql(include_str!("old_guests.sql"))
        .bind::<Array<Text>, _>(ends.resorts)
        .bind::<Array<Timestamptz>, _>(ends.guests)
        .bind::<Timestamptz, _>(after.at)
        .bind::<Text, _>(&after.key)
        .bind::<BigInt, _>(most)
        .bind::<Nullable<Text>, _>(only.map(ToString::to_string))
        .load(connection)
        .map_err(StoreError::query("find guests whose time is over"))?;
    Ok(step(rows, most))
}
