//! Claiming: only the sender that moved a row from `queued` to `sending` may call WhatsApp.
//!
//! A sender first reads messages and renders them ([`read_drafts`]), then claims those that it calls at once ([`claim`]).
//! The claim checks again everything that could have changed in between.

mod uncalled;
mod unprepared;

use chrono::{DateTime, NaiveDate, Utc};
use crypto::key_ring::KeyRing;
use diesel::sql_types::{
    Array, BigInt, Bool, Bytea, Date, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::facts::Facts;
use domain::hold::Route;
use domain::ids::{BookingKey, MessageId};
use domain::message::{Attempt, ContentChoice, MessageKind, Reason};
use uuid::Uuid;

use crate::bookings;
use crate::error::StoreError;
use crate::messages;
use crate::prepared::sql;
use crate::rows::Rows;

pub use uncalled::{NotNow, Uncalled, hand_out_later, release, set_aside};
pub use unprepared::{Lacks, note_unprepared, retry_of_mended_bookings, retry_of_resorts};

/// A message that may be due, with everything that is needed to write it.
#[derive(Debug)]
pub struct Draft {
    pub id: MessageId,
    pub booking: BookingKey,
    pub kind: MessageKind,
    /// Whether the kind's own template or the fallback is next.
    pub content_choice: ContentChoice,
    pub facts: Facts,
    /// The version of those facts: the claim fails when they have changed.
    pub version: i64,
    /// The keyed hash of the guest's number, where it has one.
    pub phone_hash: Option<Vec<u8>>,
    /// Passing refusals so far.
    pub retries: u32,
    /// Whether it has rested a day because the guest had enough marketing.
    pub rested: bool,
    /// The database's clock when it was read.
    pub now: DateTime<Utc>,
    /// Numbers at which the guest's 24-hour window is open; none where WhatsApp has refused free text for this message.
    pub open_numbers: Vec<String>,
}

#[derive(QueryableByName)]
struct DraftRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    booking_key: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    turn: String,
    #[diesel(sql_type = Integer)]
    retries: i32,
    #[diesel(sql_type = Bytea)]
    sealed_facts: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Nullable<Bytea>)]
    phone_hash: Option<Vec<u8>>,
    #[diesel(sql_type = Bool)]
    rested: bool,
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
    #[diesel(sql_type = Array<Text>)]
    open_numbers: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Drafts {
    /// Those that can be written.
    pub readable: Vec<Draft>,
    /// Those whose bookings' facts are damaged, with the bookings' keys: left in the queue.
    pub damaged: Vec<(MessageId, String)>,
}

/// Reads those of some messages that are queued and due. Takes no lock. A damaged booking does not hold up the others.
pub fn read_drafts(
    connection: &mut PgConnection,
    ring: &KeyRing,
    ids: &[MessageId],
) -> Result<Drafts, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows: Vec<DraftRow> = sql(
        "SELECT m.id, m.booking_key, m.kind, m.turn, m.retries, m.rested, b.sealed_facts, b.version, b.phone_hash, \
         clock_timestamp() AS now, \
         ARRAY(SELECT c.number FROM conversations c \
               WHERE c.open_until > clock_timestamp() AND NOT m.text_refused AND c.phone_hash IN ( \
                   SELECT b.phone_hash UNION ALL SELECT k.hash FROM known_as k WHERE k.phone_hash = b.phone_hash) \
         ) AS open_numbers \
         FROM messages m JOIN bookings b ON b.key = m.booking_key \
         WHERE m.id = ANY($1) AND m.state = 'queued' AND m.due_at <= clock_timestamp()",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .load(connection)
    .map_err(StoreError::query("read messages to send"))?;
    let mut drafts = Drafts::default();
    for row in rows {
        let (id, key) = (MessageId(row.id), row.booking_key.clone());
        match into_draft(ring, row) {
            Ok(draft) => drafts.readable.push(draft),
            Err(error) if error.is_damage() => drafts.damaged.push((id, key)),
            Err(error) => return Err(error),
        }
    }
    Ok(drafts)
}

fn into_draft(ring: &KeyRing, row: DraftRow) -> Result<Draft, StoreError> {
    let unreadable = |_| StoreError::Unreadable { what: "booking key" };
    let booking: BookingKey = row.booking_key.parse().map_err(unreadable)?;
    Ok(Draft {
        id: MessageId(row.id),
        kind: row
            .kind
            .parse()
            .map_err(|_| StoreError::Unreadable { what: "message kind" })?,
        content_choice: row
            .turn
            .parse()
            .map_err(|_| StoreError::Unreadable { what: "turn" })?,
        facts: bookings::open_facts(ring, &booking, &row.sealed_facts)?,
        version: row.version,
        phone_hash: row.phone_hash,
        retries: u32::try_from(row.retries).unwrap_or_default(),
        rested: row.rested,
        now: row.now,
        open_numbers: row.open_numbers,
        booking,
    })
}

/// One message that its sender is ready to call for.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub id: MessageId,
    /// The facts that it was written from.
    pub version: i64,
    /// The day on which the guest was last active on the cart, by those facts.
    pub last_seen_on: Option<NaiveDate>,
    /// Quiet hours begin then: no claim is granted after this time.
    pub not_after: Option<DateTime<Utc>>,
    /// The route, by which the holds are found.
    pub route: Route,
    /// Whether it ends if the guest has opted out.
    pub is_marketing: bool,
    /// Whether it asks the guest to finish a booking.
    pub is_reminder: bool,
    /// Whether the claim may be granted. If not, it only ends or holds the message where that is due.
    pub may_call: bool,
}

/// What a claim came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// This sender may make the call, as this attempt.
    Granted(MessageId, Attempt),
    /// The message ended instead: it is no longer wanted, or too late.
    Ended(MessageId, Reason),
    /// Its booking or its possible content changed since it was read. Read it again.
    Outdated(MessageId),
    /// A hold of this scope stops it.
    Held(MessageId, String),
    /// Another transaction has locked it, and its lock was not waited for.
    Locked(MessageId),
}

impl Claim {
    pub fn id(&self) -> MessageId {
        match self {
            Self::Granted(id, _)
            | Self::Ended(id, _)
            | Self::Outdated(id)
            | Self::Held(id, _)
            | Self::Locked(id) => *id,
        }
    }
}

#[derive(QueryableByName)]
struct ClaimRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    verdict: String,
    #[diesel(sql_type = Nullable<Text>)]
    scope: Option<String>,
    #[diesel(sql_type = Integer)]
    attempts: i32,
}

/// Claims messages under a token, by which a commit without an answer can be read back ([`claimed_by`]), leaving out those
/// that another transaction has locked.
///
/// Run it in a transaction of its own: it first takes the rows' locks and then judges by what is committed by then. Messages
/// that another sender took, or whose time has not come, are missing from the answer.
pub fn claim(
    connection: &mut PgConnection,
    token: Uuid,
    wanted: &[Wanted],
) -> Result<Vec<Claim>, StoreError> {
    let free = messages::lock_free(connection, wanted.iter().map(|one| one.id))?;
    let (free, locked): (Vec<&Wanted>, Vec<&Wanted>) = wanted.iter().partition(|one| free.contains(&one.id));
    let mut claims = judge(connection, token, &free)?;
    claims.extend(locked.into_iter().map(|one| Claim::Locked(one.id)));
    Ok(claims)
}

/// Claims one message as [`claim`] does, after waiting for its lock.
pub fn claim_waiting(
    connection: &mut PgConnection,
    token: Uuid,
    wanted: &Wanted,
) -> Result<Option<Claim>, StoreError> {
    messages::lock(connection, std::iter::once(wanted.id))?;
    Ok(judge(connection, token, &[wanted])?.pop())
}

/// Judges messages whose rows are locked, and moves each.
fn judge(connection: &mut PgConnection, token: Uuid, wanted: &[&Wanted]) -> Result<Vec<Claim>, StoreError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<ClaimRow> = Rows::new(include_str!("claims/claim.sql"), wanted.iter().copied())
        .column::<SqlUuid, _>("id", |one| one.id.0)
        .column::<SqlUuid, _>("token", |_| token)
        .column::<BigInt, _>("version", |one| one.version)
        .column::<Nullable<Timestamptz>, _>("not_after", |one| one.not_after)
        .column::<Bool, _>("is_marketing", |one| one.is_marketing)
        .column::<Bool, _>("is_reminder", |one| one.is_reminder)
        .column::<Text, _>("template_name", |one| one.route.template_name())
        .column::<Text, _>("number", |one| one.route.number.as_str())
        .column::<Integer, _>("country", |one| i32::from(one.route.country))
        .column::<Nullable<Text>, _>("template", |one| one.route.template.as_deref())
        .column::<Bool, _>("may_call", |one| one.may_call)
        .column::<Nullable<Date>, _>("last_seen_on", |one| one.last_seen_on)
        .load(connection)
        .map_err(StoreError::query("claim messages"))?;
    rows.into_iter().map(into_claim).collect()
}

fn into_claim(row: ClaimRow) -> Result<Claim, StoreError> {
    let id = MessageId(row.id);
    Ok(match row.verdict.as_str() {
        "claimed" => Claim::Granted(id, Attempt(u32::try_from(row.attempts).unwrap_or_default())),
        "outdated" => Claim::Outdated(id),
        "held" => Claim::Held(id, row.scope.unwrap_or_default()),
        reason => {
            let unreadable = |_| StoreError::Unreadable {
                what: "verdict of a claim",
            };
            Claim::Ended(id, reason.parse().map_err(unreadable)?)
        }
    })
}

#[derive(QueryableByName)]
struct HeldRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Integer)]
    attempts: i32,
}

/// The messages that were claimed under a token. It tells whether a claim was committed whose answer was lost.
pub fn claimed_by(
    connection: &mut PgConnection,
    token: Uuid,
) -> Result<Vec<(MessageId, Attempt)>, StoreError> {
    let rows: Vec<HeldRow> =
        sql("SELECT id, attempts FROM messages WHERE claim_token = $1 AND state = 'sending'")
            .bind::<SqlUuid, _>(token)
            .load(connection)
            .map_err(StoreError::query("read a claim back"))?;
    let held = |row: HeldRow| {
        (
            MessageId(row.id),
            Attempt(u32::try_from(row.attempts).unwrap_or_default()),
        )
    };
    Ok(rows.into_iter().map(held).collect())
}
