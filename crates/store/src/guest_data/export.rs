//! What is held of a guest beside bookings and messages, as it lies there.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bytea, Nullable, Text, Timestamptz};
use diesel::{ExpressionMethods, PgConnection, QueryDsl, QueryableByName, RunQueryDsl};
use domain::event::sealing_identity;
use domain::ids::{LetterId, ResortId};

use super::{DataSubject, SubjectData, subject};
use crate::error::StoreError;
use crate::prepared;
use crate::rows::Value;
use crate::schema::conversations;

#[derive(Debug, Clone, QueryableByName)]
pub struct RawEvent {
    #[diesel(sql_type = Text)]
    pub key: String,
    #[diesel(sql_type = Text)]
    pub event_type: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub booking_key: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    pub received_at: DateTime<Utc>,
    /// `applied` or `ignored`.
    #[diesel(sql_type = Text)]
    pub outcome: String,
    /// Its body, sealed; `None`: it was emptied.
    #[diesel(sql_type = Nullable<Bytea>)]
    pub sealed_body: Option<Vec<u8>>,
}

impl RawEvent {
    /// Under which identity the body is sealed.
    pub fn identity(&self) -> String {
        sealing_identity(&self.key)
    }
}

/// Every raw event of theirs, in the order of arrival.
pub fn raw_events(connection: &mut PgConnection, data: &SubjectData) -> Result<Vec<RawEvent>, StoreError> {
    prepared::sql(
        "SELECT key, event_type, booking_key, received_at, outcome, sealed_body FROM events WHERE booking_key = ANY($1) \
         UNION \
         SELECT e.key, e.event_type, m.booking_key, e.received_at, e.outcome, e.sealed_body \
         FROM messages m JOIN events e ON e.message_id = m.id WHERE m.booking_key = ANY($1) AND e.sealed_body IS NOT NULL \
         UNION \
         SELECT key, event_type, coalesce(booking_key, \
             (SELECT m.booking_key FROM messages m WHERE m.id = message_id)), received_at, outcome, sealed_body \
         FROM events WHERE (phone_hash = ANY($2) OR name_hashes && $2) AND sealed_body IS NOT NULL \
         ORDER BY received_at, key",
    )
    .bind::<Array<Text>, _>(data.keys())
    .bind::<Array<Bytea>, _>(data.hashes())
    .load(connection)
    .map_err(StoreError::query("read a guest's raw events"))
}

/// Every letter of theirs, in the order in which they were found.
pub fn letters(connection: &mut PgConnection, data: &SubjectData) -> Result<Vec<LetterId>, StoreError> {
    let ids: Vec<Value<BigInt, i64>> = prepared::sql(
        "SELECT l.id FROM letters l JOIN unnest($1) AS b(key) ON b.key = l.resort || '/' || l.booking \
         UNION SELECT id FROM letters WHERE phone_hash = ANY($2) OR name_hashes && $2 ORDER BY id",
    )
    .bind::<Array<Text>, _>(data.keys())
    .bind::<Array<Bytea>, _>(data.hashes())
    .load(connection)
    .map_err(StoreError::query("find a guest's letters"))?;
    Ok(ids.into_iter().map(|row| LetterId(row.0)).collect())
}

/// An open, or lately open, window in which a guest may be answered: the business number, and its end.
pub fn windows(
    connection: &mut PgConnection,
    data: &SubjectData,
) -> Result<Vec<(String, DateTime<Utc>)>, StoreError> {
    conversations::table
        .filter(conversations::phone_hash.eq_any(data.hashes()))
        .order(conversations::open_until)
        .select((conversations::number, conversations::open_until))
        .load(connection)
        .map_err(StoreError::query("read a guest's conversations"))
}

/// What a guest wants at one resort.
#[derive(Debug, Clone, QueryableByName)]
pub struct WishRow {
    #[diesel(sql_type = Text)]
    pub resort: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub opted_out_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub opted_in_at: Option<DateTime<Utc>>,
}

/// What they said to a business number, under any of their names.
#[derive(Debug, Clone, QueryableByName)]
pub struct NumberWishRow {
    #[diesel(sql_type = Text)]
    pub number: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub opted_out_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub opted_in_at: Option<DateTime<Utc>>,
}

/// What they said to business numbers: under the names that are theirs alone, and under the numbers of their bookings.
pub fn number_wishes(
    connection: &mut PgConnection,
    data: &SubjectData,
) -> Result<Vec<NumberWishRow>, StoreError> {
    prepared::sql(
        "SELECT number, max(opted_out_at) AS opted_out_at, max(opted_in_at) AS opted_in_at FROM number_wishes \
         WHERE hash = ANY($1) OR hash IN (SELECT phone_hash FROM bookings WHERE key = ANY($2)) \
         GROUP BY number ORDER BY number",
    )
    .bind::<Array<Bytea>, _>(data.hashes())
    .bind::<Array<Text>, _>(data.keys())
    .load(connection)
    .map_err(StoreError::query("read what a guest said to numbers"))
}

/// A name by which WhatsApp knows them; only its keyed hash is held.
#[derive(Debug, Clone, QueryableByName)]
pub struct NameRow {
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Timestamptz)]
    pub learnt_at: DateTime<Utc>,
}

/// The names that were learnt of their numbers.
pub fn names(connection: &mut PgConnection, data: &SubjectData) -> Result<Vec<NameRow>, StoreError> {
    prepared::sql(
        "SELECT kind, learnt_at FROM guest_names \
         WHERE phone_hash = ANY($1) OR phone_hash IN (SELECT phone_hash FROM bookings WHERE key = ANY($2)) \
         ORDER BY learnt_at, kind",
    )
    .bind::<Array<Bytea>, _>(data.numbers())
    .bind::<Array<Text>, _>(data.keys())
    .load(connection)
    .map_err(StoreError::query("read a guest's names"))
}

/// What they said of messages, by the numbers that they have.
pub fn wishes(
    connection: &mut PgConnection,
    guest: &DataSubject,
    data: &SubjectData,
) -> Result<Vec<WishRow>, StoreError> {
    let hashes = subject::numbers_of(connection, guest)?;
    let resort = match guest {
        DataSubject::Booking(_) => None,
        DataSubject::Number { resort, .. } => resort.as_ref(),
    };
    prepared::sql(
        "SELECT DISTINCT g.resort, g.opted_out_at, g.opted_in_at FROM guests g \
         WHERE (g.phone_hash = ANY($1) AND ($2 IS NULL OR g.resort = $2)) OR EXISTS ( \
             SELECT FROM bookings b WHERE b.key = ANY($3) AND b.phone_hash = g.phone_hash AND b.resort = g.resort) \
         ORDER BY g.resort",
    )
    .bind::<Array<Bytea>, _>(hashes)
    .bind::<Nullable<Text>, _>(resort.map(ResortId::as_str))
    .bind::<Array<Text>, _>(data.keys())
    .load(connection)
    .map_err(StoreError::query("read a guest's wishes"))
}
