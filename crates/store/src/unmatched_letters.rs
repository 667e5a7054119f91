//! Dead letters of stops whose writer matches no guest: one open letter for each writer, until a guest has one of the names.

use diesel::sql_types::{Array, BigInt, Bytea};
use diesel::{PgConnection, RunQueryDsl};

use crate::error::StoreError;
use crate::prepared;

/// The key of an advisory lock. No other advisory lock has this number.
const WRITERS: i64 = 0x756e_6d61_7463_6865;

/// SQL that settles the open letters that `$condition` selects, as `matched`.
macro_rules! settle {
    ($condition:literal) => {
        concat!(
            "UPDATE letters l SET state = 'settled', settled_as = 'matched', closed_by = 'whatsapp', closed_at = now() \
             WHERE l.id = ANY(ARRAY(SELECT o.id FROM letters o WHERE o.reason = 'unmatched_stop' AND o.state = 'open' AND ",
            $condition,
            " ORDER BY o.id FOR NO KEY UPDATE))"
        )
    };
}

/// Settles the letters of writers who have one of these names, since a guest has it now.
pub(crate) fn settle_matched(connection: &mut PgConnection, names: &[Vec<u8>]) -> Result<(), StoreError> {
    if names.is_empty() {
        return Ok(());
    }
    prepared::sql(settle!("o.name_hashes && $1"))
        .bind::<Array<Bytea>, _>(names)
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("settle letters of writers who are known"))
}

/// Settles every letter whose writer matches a guest now: the letter may have arrived while the guest was being recorded.
pub fn settle_all_matched(connection: &mut PgConnection) -> Result<usize, StoreError> {
    prepared::sql(settle!(
        "(EXISTS (SELECT FROM guest_names n WHERE n.name_hash = ANY(o.name_hashes)) \
          OR EXISTS (SELECT FROM bookings b WHERE b.phone_hash = ANY(o.name_hashes)))"
    ))
    .execute(connection)
    .map_err(StoreError::query("settle letters of writers who are known"))
}

/// Lets one transaction at a time insert letters of unmatched stops, so that a writer has one.
pub(crate) fn lock_inserts(connection: &mut PgConnection) -> Result<(), StoreError> {
    prepared::sql("SELECT pg_advisory_xact_lock($1)")
        .bind::<BigInt, _>(WRITERS)
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("wait for letters of unmatched stops"))
}
