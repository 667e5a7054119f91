//! Open 24-hour windows, and what guests wrote: a guest who writes to a number may be answered with free text for a day (Meta, send messages).
//!
//! A window is stored under every name of its writer and every phone hash that it is matched to, and read through
//! everything by which a guest is known.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{Array, Bool, Bytea, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::event::sealing_identity;
use domain::ids::NumberId;

use crate::error::StoreError;
use crate::guest_names::{self, Hash};
use crate::prepared;
use crate::rows::Value;

/// Opens the window for a day from the guest's message on, unless a later message opened it longer.
pub fn open(
    connection: &mut PgConnection,
    number: &NumberId,
    hashes: &BTreeSet<Hash>,
    written_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let open_until = written_at + TimeDelta::hours(24);
    prepared::sql(
        "INSERT INTO conversations (number, phone_hash, open_until) \
         SELECT $1, hash, $3 FROM unnest($2) AS w(hash) ORDER BY hash \
         ON CONFLICT (phone_hash, number) \
         DO UPDATE SET open_until = greatest(conversations.open_until, excluded.open_until)",
    )
    .bind::<Text, _>(number.as_str())
    .bind::<Array<Bytea>, _>(guest_names::slices(hashes))
    .bind::<Timestamptz, _>(open_until)
    .execute(connection)
    .map(|_| ())
    .map_err(StoreError::query("open a conversation"))
}

/// Whether a guest's window at a number is open now, by any of the hashes under which the guest is known.
pub fn is_open(
    connection: &mut PgConnection,
    number: &NumberId,
    hashes: &BTreeSet<Hash>,
) -> Result<bool, StoreError> {
    prepared::sql(
        "SELECT EXISTS (SELECT FROM conversations \
         WHERE phone_hash = ANY($2) AND number = $1 AND open_until > clock_timestamp()) AS open",
    )
    .bind::<Text, _>(number.as_str())
    .bind::<Array<Bytea>, _>(guest_names::slices(hashes))
    .get_result::<Value<Bool, bool>>(connection)
    .map(|row| row.0)
    .map_err(StoreError::query("look whether a conversation is open"))
}

/// When a guest's window at a number ends, or ended lately, by any of the hashes under which the guest is known; `None`: none
/// is known.
pub fn open_until(
    connection: &mut PgConnection,
    number: &NumberId,
    hashes: &BTreeSet<Hash>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    prepared::sql(
        "SELECT max(open_until) AS until FROM conversations WHERE phone_hash = ANY($2) AND number = $1",
    )
    .bind::<Text, _>(number.as_str())
    .bind::<Array<Bytea>, _>(guest_names::slices(hashes))
    .get_result::<Value<Nullable<Timestamptz>, Option<DateTime<Utc>>>>(connection)
    .map(|row| row.0)
    .map_err(StoreError::query("look how long a conversation is open"))
}

/// One message of a guest, as it came.
#[derive(Debug, QueryableByName)]
pub struct Written {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Timestamptz)]
    pub received_at: DateTime<Utc>,
    #[diesel(sql_type = Bytea)]
    pub sealed_body: Vec<u8>,
}

impl Written {
    /// Under which identity the body is sealed.
    pub fn identity(&self) -> String {
        sealing_identity(&self.key)
    }
}

/// What the guest of a phone hash wrote under any of their names, as far as it is still kept: the raw events of WhatsApp, the
/// oldest first.
pub fn written_by(connection: &mut PgConnection, phone: Hash) -> Result<Vec<Written>, StoreError> {
    let hashes = guest_names::known_as(connection, &BTreeSet::from([phone]))?;
    prepared::sql(
        "SELECT key, received_at, sealed_body FROM events \
         WHERE event_type = 'whatsapp_message' AND sealed_body IS NOT NULL \
         AND (phone_hash = ANY($1) OR name_hashes && $1) ORDER BY received_at, key",
    )
    .bind::<Array<Bytea>, _>(guest_names::slices(&hashes))
    .load(connection)
    .map_err(StoreError::query("read what a guest wrote"))
}
