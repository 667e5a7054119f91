//! The advisory locks that order erasures against arriving events and dead letters.
//!
//! There is one lock for everything, one for each resort, and one for each phone number and other name of a guest:
//!
//! - A transaction that stores events or dead letters shares the lock for everything, the locks of the resorts that they
//!   name or on whose messages they report, and the locks of the numbers and names in them.
//! - An erasure at one resort shares the lock for everything, and takes exclusively the lock of the resort and those of the
//!   guest's numbers and names. It delays arrivals for that resort and that guest only.
//! - An erasure of a number at all resorts takes the lock for everything exclusively.
//!
//! Every transaction takes these locks before it locks rows, in one order: everything, resorts, numbers and names; the last
//! two by the keys of the locks. So no two transactions deadlock on them.

use diesel::sql_types::{Array, BigInt, Bytea, Text, Uuid as SqlUuid};
use diesel::{PgConnection, RunQueryDsl};
use domain::ids::{MessageId, ResortId};

use crate::error::StoreError;
use crate::prepared;

/// The key of the lock for everything. No other advisory lock has this number; `share_locks.sql` repeats it.
const EVERYTHING: i64 = 0x6572_6173_7572_6573;
const STEP: &str = "wait for an erasure";

/// What an arriving event or dead letter names, and so the locks that its transaction shares.
pub(crate) struct Named<'a> {
    pub(crate) resort: Option<&'a ResortId>,
    pub(crate) message: Option<MessageId>,
    /// Of the number, and of other names by which WhatsApp knows the guest.
    pub(crate) hashes: Vec<&'a [u8]>,
}

/// Waits for erasures of the resorts, numbers and names in these arrivals. Until the end of the transaction no such erasure
/// can begin.
pub(crate) fn lock_shared(connection: &mut PgConnection, arrivals: &[Named<'_>]) -> Result<(), StoreError> {
    let resorts = arrivals.iter().filter_map(|one| one.resort.map(ResortId::as_str));
    let messages = arrivals.iter().filter_map(|one| one.message.map(|id| id.0));
    let numbers = arrivals.iter().flat_map(|one| one.hashes.iter().copied());
    prepared::sql(include_str!("share_locks.sql"))
        .bind::<Array<Text>, _>(resorts.collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(messages.collect::<Vec<_>>())
        .bind::<Array<Bytea>, _>(numbers.collect::<Vec<_>>())
        .execute(connection)
        .map(drop)
        .map_err(StoreError::query(STEP))
}

/// Waits for transactions that store arrivals of a resort (`None`: of any), and keeps others from beginning until the end of
/// this one. Then read the guest's numbers, and lock them with [`lock_numbers_exclusive`].
pub(crate) fn lock_exclusive(
    connection: &mut PgConnection,
    resort: Option<&ResortId>,
) -> Result<(), StoreError> {
    let Some(resort) = resort else {
        return prepared::sql("SELECT pg_advisory_xact_lock($1)")
            .bind::<BigInt, _>(EVERYTHING)
            .execute(connection)
            .map(drop)
            .map_err(StoreError::query(STEP));
    };
    lock_shared(connection, &[])?;
    prepared::sql("SELECT pg_advisory_xact_lock(hashtextextended('erasure at resort ' || $1, 0))")
        .bind::<Text, _>(resort.as_str())
        .execute(connection)
        .map(drop)
        .map_err(StoreError::query(STEP))
}

/// As [`lock_exclusive`], for arrivals with one of these numbers or names.
pub(crate) fn lock_numbers_exclusive<'a>(
    connection: &mut PgConnection,
    hashes: impl Iterator<Item = &'a Vec<u8>>,
) -> Result<(), StoreError> {
    prepared::sql(
        "SELECT pg_advisory_xact_lock(key) FROM ( \
           SELECT DISTINCT hashtextextended('erasure of number ' || encode(hash, 'hex'), 0) AS key \
           FROM unnest($1) AS n(hash) ORDER BY key) AS keys",
    )
    .bind::<Array<Bytea>, _>(hashes.map(Vec::as_slice).collect::<Vec<_>>())
    .execute(connection)
    .map(drop)
    .map_err(StoreError::query(STEP))
}
