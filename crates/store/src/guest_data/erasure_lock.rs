//! The locks that order erasures against what arrives.
//!
//! There is one lock for everything, one for each resort and one for each phone number and other name of a guest. A transaction that takes in events or
//! letters shares the lock for everything, those of the resorts that they name or on whose messages they report, and those of
//! the numbers that they name. An erasure at a resort shares the lock for everything and takes those of the resort and of its
//! guest's numbers alone: it holds up that resort and that guest. An erasure of a number everywhere takes the lock for
//! everything alone.
//!
//! Nothing is in the way of each other for ever: these locks are taken before those of rows, and in one order, which is
//! everything, resorts, numbers, the latter two by the locks' keys.

use diesel::sql_types::{Array, BigInt, Bytea, Text, Uuid as SqlUuid};
use diesel::{PgConnection, RunQueryDsl, sql_query};
use domain::ids::{MessageId, ResortId};

use super::DataSubject;
use crate::error::StoreError;

/// The key of the lock for everything; any number that nothing else uses. `share_locks.sql` names it too.
const EVERYTHING: i64 = 0x6572_6173_7572_6573;
const STEP: &str = "wait for an erasure";

/// What tells which locks something that arrives has to share.
pub(crate) struct Named<'a> {
    pub(crate) resort: Option<&'a ResortId>,
    pub(crate) message: Option<MessageId>,
    /// Of the number, and of other names by which WhatsApp knows the guest.
    pub(crate) hashes: Vec<&'a [u8]>,
}

/// Waits for erasures of what these name, and lets none begin until the end of the transaction.
pub(crate) fn share(connection: &mut PgConnection, arrivals: &[Named<'_>]) -> Result<(), StoreError> {
    let resorts = arrivals.iter().filter_map(|one| one.resort.map(ResortId::as_str));
    let messages = arrivals.iter().filter_map(|one| one.message.map(|id| id.0));
    let numbers = arrivals.iter().flat_map(|one| one.hashes.iter().copied());
    sql_query(include_str!("share_locks.sql"))
        .bind::<Array<Text>, _>(resorts.collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(messages.collect::<Vec<_>>())
        .bind::<Array<Bytea>, _>(numbers.collect::<Vec<_>>())
        .execute(connection)
        .map(drop)
        .map_err(StoreError::query(STEP))
}

/// Waits for everything that arrives where a guest is to be erased, and lets nothing begin there until the end of the
/// transaction. The guest's numbers, which can be read from then on, are to be [closed](close_numbers) next.
pub(super) fn close(connection: &mut PgConnection, whom: &DataSubject) -> Result<(), StoreError> {
    let resort = match whom {
        DataSubject::Booking(key) => &key.resort,
        DataSubject::Number {
            resort: Some(resort), ..
        } => resort,
        DataSubject::Number { resort: None, .. } => {
            return sql_query("SELECT pg_advisory_xact_lock($1)")
                .bind::<BigInt, _>(EVERYTHING)
                .execute(connection)
                .map(drop)
                .map_err(StoreError::query(STEP));
        }
    };
    share(connection, &[])?;
    sql_query("SELECT pg_advisory_xact_lock(hashtextextended('erasure at resort ' || $1, 0))")
        .bind::<Text, _>(resort.as_str())
        .execute(connection)
        .map(drop)
        .map_err(StoreError::query(STEP))
}

/// As [`close`], for what names one of these numbers.
pub(super) fn close_numbers<'a>(
    connection: &mut PgConnection,
    hashes: impl Iterator<Item = &'a Vec<u8>>,
) -> Result<(), StoreError> {
    sql_query(
        "SELECT pg_advisory_xact_lock(key) FROM ( \
           SELECT DISTINCT hashtextextended('erasure of number ' || encode(hash, 'hex'), 0) AS key \
           FROM unnest($1) AS n(hash) ORDER BY key) AS keys",
    )
    .bind::<Array<Bytea>, _>(hashes.map(Vec::as_slice).collect::<Vec<_>>())
    .execute(connection)
    .map(drop)
    .map_err(StoreError::query(STEP))
}
