//! Reading messages that are due, with everything that is needed to write them.

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use diesel::sql_types::{Array, BigInt, Bool, Bytea, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::facts::Facts;
use domain::ids::{BookingKey, MessageId};
use domain::message::{ContentChoice, MessageKind};
use domain::staff_answer::StaffAnswer;
use domain::trace::TraceContext;
use uuid::Uuid;

use crate::answers;
use crate::bookings;
use crate::error::StoreError;
use crate::prepared::sql;

/// A message that may be due, with everything that is needed to write it.
#[derive(Debug)]
pub struct Draft {
    pub id: MessageId,
    pub booking: BookingKey,
    pub kind: MessageKind,
    /// What staff answer with it; `None` for every other kind, and where it is not kept any more.
    pub answer: Option<StaffAnswer>,
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
    /// The span in which it was planned.
    pub trace: Option<TraceContext>,
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
    #[diesel(sql_type = Nullable<Bytea>)]
    sealed_answer: Option<Vec<u8>>,
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
    #[diesel(sql_type = Nullable<Text>)]
    traceparent: Option<String>,
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
        "SELECT m.id, m.booking_key, m.kind, m.turn, m.retries, m.rested, m.traceparent, b.sealed_facts, b.version, b.phone_hash, \
         a.sealed_answer, clock_timestamp() AS now, \
         ARRAY(SELECT c.number FROM conversations c \
               WHERE c.open_until > clock_timestamp() AND NOT m.text_refused AND c.phone_hash IN ( \
                   SELECT b.phone_hash UNION ALL SELECT k.hash FROM known_as k WHERE k.phone_hash = b.phone_hash) \
         ) AS open_numbers \
         FROM messages m JOIN bookings b ON b.key = m.booking_key LEFT JOIN answers a ON a.message_id = m.id \
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
    let id = MessageId(row.id);
    let sealed_answer = row.sealed_answer.as_deref();
    Ok(Draft {
        id,
        answer: sealed_answer
            .map(|sealed| answers::unseal(ring, id, sealed))
            .transpose()?,
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
        trace: row.traceparent.and_then(|text| text.parse().ok()),
        now: row.now,
        open_numbers: row.open_numbers,
        booking,
    })
}
