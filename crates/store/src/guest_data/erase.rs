//! Taking a guest out of everything that is held.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Bytea, Nullable, Text, Timestamptz};
use diesel::{PgConnection, RunQueryDsl, sql_query};
use domain::ids::BookingKey;

use super::{Reach, Whom, memory, reach};
use crate::error::StoreError;
use crate::planning::{self, Planned, Policies};
use crate::{bookings, pool};

/// How much of what is held goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Everything,
    /// What was accepted up to then.
    UpTo(DateTime<Utc>),
}

impl Extent {
    fn end(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Everything => None,
            Self::UpTo(at) => Some(at),
        }
    }
}

/// What was taken out.
#[derive(Debug, Default)]
pub struct Erased {
    /// Bookings that told of the guest.
    pub bookings: Vec<BookingKey>,
    /// How many raw events lost their bodies.
    pub events: usize,
    /// How many letters lost their bodies or notes, or were closed.
    pub letters: usize,
    /// What follows: messages that had not gone are withdrawn.
    pub planned: Planned,
}

impl Erased {
    /// Whether anything was there to be taken out.
    pub fn is_nothing(&self) -> bool {
        self.bookings.is_empty() && self.events == 0 && self.letters == 0
    }
}

/// Takes a guest out: of the facts, the raw events and the letters; withdraws what has not gone. Ids, keyed hashes,
/// wishes and what happened stay. Done again, it finds nothing.
pub fn erase(
    connection: &mut PgConnection,
    policies: &Policies<'_>,
    whom: &Whom,
    extent: Extent,
) -> Result<Erased, StoreError> {
    memory::close(connection)?;
    let now = pool::clock(connection)?;
    let reach = reach(connection, whom)?;
    memory::remember(connection, whom, &reach, extent.end().unwrap_or(now))?;
    let mut locked = bookings::lock_even_damaged(connection, policies.ring, &reach.bookings)?;
    let telling = locked.iter().filter(|booking| booking.facts.tells_of_guest());
    let telling: Vec<BookingKey> = telling.map(|booking| booking.key.clone()).collect();
    locked.retain(|booking| !booking.facts.is_without_guest());
    for booking in &mut locked {
        // The clock of whoever took the events may run ahead of ours.
        let until = extent.end().or_else(|| booking.facts.newest_at().max(Some(now)));
        booking.learn(|facts| facts.without_guest(until.unwrap_or(now)));
    }
    let planned = planning::replan(connection, policies, now, &locked)?;
    close_windows(connection, &reach, extent)?;
    Ok(Erased {
        bookings: telling,
        events: empty_events(connection, &reach, extent)?,
        letters: empty_letters(connection, &reach, extent)?,
        planned,
    })
}

/// Completes an erasure for bookings of which something arrived that was accepted before: they are locked, and their
/// facts stripped.
pub fn strip(
    connection: &mut PgConnection,
    late: &BTreeMap<BookingKey, DateTime<Utc>>,
) -> Result<(), StoreError> {
    for (key, at) in late {
        let reach = Reach {
            bookings: BTreeSet::from([key.clone()]),
            ..Reach::default()
        };
        memory::remember_bookings(connection, &reach.bookings, *at)?;
        empty_events(connection, &reach, Extent::UpTo(*at))?;
        empty_letters(connection, &reach, Extent::UpTo(*at))?;
    }
    Ok(())
}

fn empty_events(connection: &mut PgConnection, reach: &Reach, extent: Extent) -> Result<usize, StoreError> {
    sql_query(include_str!("empty_events.sql"))
        .bind::<Array<Text>, _>(reach.keys())
        .bind::<Array<Bytea>, _>(reach.hashes())
        .bind::<Nullable<Timestamptz>, _>(extent.end())
        .execute(connection)
        .map_err(StoreError::query("empty raw events"))
}

fn empty_letters(connection: &mut PgConnection, reach: &Reach, extent: Extent) -> Result<usize, StoreError> {
    let column = |read: fn(&BookingKey) -> &str| reach.bookings.iter().map(read).collect::<Vec<_>>();
    sql_query(include_str!("empty_letters.sql"))
        .bind::<Array<Text>, _>(column(|key| key.resort.as_str()))
        .bind::<Array<Text>, _>(column(|key| key.booking.as_str()))
        .bind::<Array<Bytea>, _>(reach.hashes())
        .bind::<Nullable<Timestamptz>, _>(extent.end())
        .execute(connection)
        .map_err(StoreError::query("empty letters"))
}

/// A guest who is gone has no conversation that could be gone on with.
fn close_windows(connection: &mut PgConnection, reach: &Reach, extent: Extent) -> Result<(), StoreError> {
    sql_query(
        "DELETE FROM conversations WHERE phone_hash = ANY($1) \
         AND ($2 IS NULL OR open_until <= $2 + interval '24 hours')",
    )
    .bind::<Array<Bytea>, _>(reach.hashes())
    .bind::<Nullable<Timestamptz>, _>(extent.end())
    .execute(connection)
    .map(|_| ())
    .map_err(StoreError::query("close a guest's conversations"))
}
