//! Guests who wrote something that staff should answer, and how far staff have come with it.
//!
//! Who waits is said by the view `waiting_guests`.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Bytea, Double, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, PgConnection, QueryableByName, RunQueryDsl};
use domain::ids::{MessageId, ResortId, StaffName};
use domain::staff::Scope;

use crate::error::StoreError;
use crate::guest_key::GuestKey;
use crate::prepared;
use crate::rows::Value;

/// Records that a guest wrote something that staff should answer; says whether nothing of theirs waited for that until now.
pub fn record_reply(
    connection: &mut PgConnection,
    guest: &GuestKey,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let was_waiting: Option<Value<Bool, bool>> = prepared::sql(
        "WITH before AS ( \
             SELECT since, snoozed_until IS NULL AS waits FROM waiting_guests WHERE resort = $1 AND phone_hash = $2), \
         written AS ( \
             INSERT INTO guests (resort, phone_hash, replied_at, waits_since) VALUES ($1, $2, $3, $3) \
             ON CONFLICT (phone_hash, resort) DO UPDATE SET \
             replied_at = greatest(guests.replied_at, excluded.replied_at), \
             waits_since = least(excluded.waits_since, (SELECT since FROM before))) \
         SELECT waits FROM before",
    )
    .bind::<Text, _>(guest.resort.as_str())
    .bind::<Bytea, _>(guest.phone_hash.as_slice())
    .bind::<Timestamptz, _>(at)
    .get_result(connection)
    .optional()
    .map_err(StoreError::query("record a guest's reply"))?;
    Ok(!was_waiting.is_some_and(|row| row.0))
}

/// Records that staff answered what a guest wrote to the number of these resorts.
pub(crate) fn record_answer(
    connection: &mut PgConnection,
    phone_hash: &[u8; 32],
    resorts: &[ResortId],
    answer: MessageId,
) -> Result<(), StoreError> {
    prepared::sql(
        "UPDATE guests SET answered_up_to = replied_at, answer_id = $3 WHERE (phone_hash, resort) IN ( \
         SELECT phone_hash, resort FROM guests WHERE phone_hash = $1 AND resort = ANY($2) AND replied_at IS NOT NULL \
         ORDER BY phone_hash, resort FOR NO KEY UPDATE)",
    )
    .bind::<Bytea, _>(phone_hash.as_slice())
    .bind::<Array<Text>, _>(resorts.iter().map(ResortId::as_str).collect::<Vec<_>>())
    .bind::<SqlUuid, _>(answer.0)
    .execute(connection)
    .map(drop)
    .map_err(StoreError::query("record that a guest was answered"))
}

/// What staff do about a conversation beside answering it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// It is this member's, or nobody's.
    Assign(Option<StaffName>),
    /// It does not wait before this time, unless the guest writes again.
    Snooze(DateTime<Utc>),
    /// What the guest wrote needs no answer, or no further one.
    Close,
}

/// Does it to a guest's conversation with a resort; `false`: the guest wrote nothing that staff should answer.
pub fn act(connection: &mut PgConnection, guest: &GuestKey, act: &Act) -> Result<bool, StoreError> {
    let (what, assignee, until) = match act {
        Act::Assign(assignee) => ("assign", assignee.as_ref().map(StaffName::as_str), None),
        Act::Snooze(until) => ("snooze", None, Some(*until)),
        Act::Close => ("close", None, None),
    };
    prepared::sql(
        "UPDATE guests SET assignee = CASE $3 WHEN 'assign' THEN $4 ELSE assignee END, \
         snoozed_up_to = CASE $3 WHEN 'snooze' THEN replied_at ELSE snoozed_up_to END, \
         snoozed_until = CASE $3 WHEN 'snooze' THEN $5 ELSE snoozed_until END, \
         closed_up_to = CASE $3 WHEN 'close' THEN replied_at ELSE closed_up_to END \
         WHERE resort = $1 AND phone_hash = $2 AND replied_at IS NOT NULL",
    )
    .bind::<Text, _>(guest.resort.as_str())
    .bind::<Bytea, _>(guest.phone_hash.as_slice())
    .bind::<Text, _>(what)
    .bind::<Nullable<Text>, _>(assignee)
    .bind::<Nullable<Timestamptz>, _>(until)
    .execute(connection)
    .map(|rows| rows > 0)
    .map_err(StoreError::query("change a conversation's state"))
}

/// How a guest's conversation with a resort stands.
#[derive(Debug, Clone, QueryableByName)]
pub struct Standing {
    /// Since when the guest waits for an answer; `None`: not at all.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub waits_since: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    pub assignee: Option<String>,
    /// Until then the guest does not count as waiting, unless they write again.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub snoozed_until: Option<DateTime<Utc>>,
}

/// `None`: the guest wrote nothing that staff should answer.
pub fn standing(connection: &mut PgConnection, guest: &GuestKey) -> Result<Option<Standing>, StoreError> {
    prepared::sql(
        "SELECT w.since AS waits_since, g.assignee, w.snoozed_until FROM guests g \
         LEFT JOIN waiting_guests w ON w.phone_hash = g.phone_hash AND w.resort = g.resort \
         WHERE g.resort = $1 AND g.phone_hash = $2 AND g.replied_at IS NOT NULL LIMIT 1",
    )
    .bind::<Text, _>(guest.resort.as_str())
    .bind::<Bytea, _>(guest.phone_hash.as_slice())
    .get_result(connection)
    .optional()
    .map_err(StoreError::query("read how a conversation stands"))
}

/// A guest who waits for an answer.
#[derive(Debug, Clone, QueryableByName)]
pub struct Waiting {
    #[diesel(sql_type = Text)]
    pub resort: String,
    /// The guest's newest booking at the resort, where it has one.
    #[diesel(sql_type = Nullable<Text>)]
    pub booking: Option<String>,
    /// When the guest wrote last.
    #[diesel(sql_type = Timestamptz)]
    pub replied_at: DateTime<Utc>,
    /// When they wrote the first message that nobody has answered.
    #[diesel(sql_type = Timestamptz)]
    pub since: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Text>)]
    pub assignee: Option<String>,
    /// Until then they do not count as waiting, unless they write again.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub snoozed_until: Option<DateTime<Utc>>,
}

/// The guests whose messages wait for staff, those who have waited longest first, and then those whose conversation is snoozed.
///
/// One who is known at several resorts of one number waits at those that have a booking of theirs.
pub fn list_waiting(connection: &mut PgConnection, at_most: i64) -> Result<Vec<Waiting>, StoreError> {
    list_waiting_within(connection, &Scope::All, at_most)
}

/// As [`list_waiting`], at these resorts.
pub fn list_waiting_within(
    connection: &mut PgConnection,
    within: &Scope,
    at_most: i64,
) -> Result<Vec<Waiting>, StoreError> {
    let resorts: Option<Vec<&str>> = match within {
        Scope::All => None,
        Scope::Resorts(resorts) => Some(resorts.iter().map(ResortId::as_str).collect()),
    };
    prepared::sql(include_str!("waiting.sql"))
        .bind::<BigInt, _>(at_most)
        .bind::<Nullable<Array<Text>>, _>(resorts)
        .load(connection)
        .map_err(StoreError::query("list guests who wait"))
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    guests: i64,
    #[diesel(sql_type = Double)]
    oldest: f64,
}

/// How many guests wait for staff, and for how many seconds the first of them has.
pub fn count_waiting(connection: &mut PgConnection) -> Result<(i64, f64), StoreError> {
    prepared::sql(
        "SELECT count(DISTINCT phone_hash) AS guests, \
         coalesce(greatest(extract(epoch FROM clock_timestamp() - min(since)), 0), 0)::double precision AS oldest \
         FROM waiting_guests WHERE snoozed_until IS NULL",
    )
    .get_result::<Count>(connection)
    .map(|row| (row.guests, row.oldest))
    .map_err(StoreError::query("count guests who wait"))
}
