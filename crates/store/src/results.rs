//! What came of calls: by their own answers, and by what WhatsApp reports later.
//!
//! Both lock the booking, then the message. Results are fenced by the attempt's number; an acceptance is recorded from
//! any attempt.

mod silence;
mod transitions;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel::{
    ExpressionMethods, PgConnection, QueryDsl, QueryableByName, RunQueryDsl, SelectableHelper, sql_query,
};
use domain::after_call::NextStep;
use domain::ids::{BookingId, BookingKey, MessageId, ResortId, WhatsAppMessageId};
use domain::message::{Attempt, CallbackData, DeliveryStatus, MessageKind, MessageState};
use uuid::Uuid;

use crate::bookings;
use crate::error::StoreError;
use crate::letters;
use crate::planning::{self, Planned, Policies};
use crate::schema::messages;

pub use silence::settle_silence;
use transitions::Row;

/// What is recorded of one call.
#[derive(Debug, Clone)]
pub struct CallResult {
    /// The message.
    pub id: MessageId,
    /// Which of its calls.
    pub attempt: Attempt,
    /// What happens to it now.
    pub next: NextStep,
    /// WhatsApp's error code, where there was one.
    pub error_code: Option<i64>,
}

/// What WhatsApp reports of a message.
#[derive(Debug, Clone)]
pub struct Report {
    /// The call, where the report names one of ours.
    pub callback: Option<CallbackData>,
    /// WhatsApp's name of the message.
    pub whatsapp_id: WhatsAppMessageId,
    /// How far it came.
    pub status: DeliveryStatus,
    /// When, by WhatsApp's clock.
    pub at: DateTime<Utc>,
    /// The code of a failure.
    pub error_code: Option<i64>,
}

/// A message that moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Which.
    pub id: MessageId,
    /// Whose.
    pub booking_key: String,
    /// What it is about.
    pub kind: MessageKind,
    /// Where it stands now.
    pub state: MessageState,
    /// Why.
    pub reason: Option<String>,
}

/// What recording came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Messages that moved.
    pub recorded: Vec<Recorded>,
    /// What follows for their bookings.
    pub planned: Planned,
    /// Reports that name no message of ours.
    pub unmatched: usize,
}

/// Records what came of calls.
pub fn record_calls(
    connection: &mut PgConnection,
    policies: &Policies<'_>,
    results: &[CallResult],
) -> Result<Outcome, StoreError> {
    let ids: Vec<Uuid> = results.iter().map(|result| result.id.0).collect();
    let mut locked = Locked::take(connection, policies, &ids)?;
    for result in results {
        if let Some(row) = locked.rows.get(&result.id.0) {
            let after = transitions::after_call(row, result, &hash_under(policies), locked.now);
            locked.write(connection, result.id, after)?;
        }
    }
    locked.finish(connection, policies)
}

/// Records what WhatsApp reports. A report that comes before the answer of its call counts as that answer.
pub fn record_reports(
    connection: &mut PgConnection,
    policies: &Policies<'_>,
    reports: &[Report],
) -> Result<Outcome, StoreError> {
    let known = resolve(connection, policies, reports)?;
    let ids: Vec<Uuid> = known.iter().flatten().copied().collect();
    let mut locked = Locked::take(connection, policies, &ids)?;
    for (report, id) in reports.iter().zip(&known) {
        let row = id.and_then(|id| locked.rows.get(&id));
        match row {
            Some(row) => {
                let after = transitions::after_report(row, report, &hash_under(policies), locked.now);
                locked.write(connection, MessageId(row.id), after)?;
            }
            None => locked.outcome.unmatched += 1,
        }
    }
    locked.finish(connection, policies)
}

/// The message that each report is about: by our own callback data, else by WhatsApp's id.
fn resolve(
    connection: &mut PgConnection,
    policies: &Policies<'_>,
    reports: &[Report],
) -> Result<Vec<Option<Uuid>>, StoreError> {
    let hash_of = hash_under(policies);
    let hash = |report: &Report| Some(hash_of(&report.whatsapp_id));
    let hashes: Vec<_> = reports
        .iter()
        .filter(|report| report.callback.is_none())
        .map(hash)
        .collect();
    let by_hash: HashMap<Option<Vec<u8>>, Uuid> = if hashes.is_empty() {
        HashMap::new()
    } else {
        let rows: Vec<(Option<Vec<u8>>, Uuid)> = messages::table
            .filter(messages::whatsapp_hash.eq_any(hashes))
            .select((messages::whatsapp_hash, messages::id))
            .load(connection)
            .map_err(StoreError::query("find reported messages"))?;
        rows.into_iter().collect()
    };
    let id = |report: &Report| {
        let named = report.callback.map(|callback| callback.message.0);
        named.or_else(|| by_hash.get(&hash(report)).copied())
    };
    Ok(reports.iter().map(id).collect())
}

/// WhatsApp's ids hold the guest's number: only their keyed hash is kept.
fn hash_under(policies: &Policies<'_>) -> impl Fn(&WhatsAppMessageId) -> Vec<u8> {
    let ring = policies.ring;
    move |id| ring.lookup(id.reveal()).to_vec()
}

#[derive(QueryableByName)]
struct Owner {
    #[diesel(sql_type = Text)]
    resort: String,
    #[diesel(sql_type = Text)]
    id: String,
}

/// Locked bookings and messages, and what was done to them.
struct Locked {
    bookings: Vec<bookings::Booking>,
    rows: BTreeMap<Uuid, Row>,
    now: DateTime<Utc>,
    followed: BTreeSet<String>,
    /// Messages that were dead: whatever was heard of them settles their letters.
    were_dead: Vec<Uuid>,
    outcome: Outcome,
}

impl Locked {
    fn take(
        connection: &mut PgConnection,
        policies: &Policies<'_>,
        ids: &[Uuid],
    ) -> Result<Self, StoreError> {
        let owners: Vec<Owner> = sql_query(
            "SELECT DISTINCT b.resort, b.id FROM messages m JOIN bookings b ON b.key = m.booking_key WHERE m.id = ANY($1)",
        )
        .bind::<Array<SqlUuid>, _>(ids)
        .load(connection)
        .map_err(StoreError::query("find messages' bookings"))?;
        let key = |owner: &Owner| {
            let resort = ResortId::parse(&owner.resort).ok()?;
            Some(BookingKey {
                resort,
                booking: BookingId::parse(&owner.id).ok()?,
            })
        };
        let bookings = bookings::lock(
            connection,
            policies.ring,
            &owners.iter().filter_map(key).collect(),
        )?;
        // All messages of these bookings, in one order: planning takes the others too.
        let keys: Vec<String> = bookings.iter().map(|booking| booking.key.to_string()).collect();
        let rows: Vec<Row> = messages::table
            .filter(messages::booking_key.eq_any(keys))
            .order(messages::id)
            .for_no_key_update()
            .select(Row::as_select())
            .load(connection)
            .map_err(StoreError::query("lock messages"))?;
        let now = crate::pool::clock(connection)?;
        let rows = rows.into_iter().map(|row| (row.id, row)).collect();
        Ok(Self {
            bookings,
            rows,
            now,
            followed: BTreeSet::new(),
            were_dead: Vec::new(),
            outcome: Outcome::default(),
        })
    }

    /// Writes one message as it is now, and keeps it for the next result of the same message. `None` changes nothing.
    fn write(
        &mut self,
        connection: &mut PgConnection,
        id: MessageId,
        after: Option<Row>,
    ) -> Result<(), StoreError> {
        let Some(row) = after else {
            return Ok(());
        };
        diesel::update(messages::table.find(id.0))
            .set((&row, messages::updated_at.eq(self.now)))
            .execute(connection)
            .map_err(StoreError::query("record what came of a message"))?;
        let unreadable = |what| move |_| StoreError::Unreadable { what };
        let kind: MessageKind = row.kind.parse().map_err(unreadable("message kind"))?;
        if kind.others_follow() {
            self.followed.insert(row.booking_key.clone());
        }
        self.outcome.recorded.push(Recorded {
            id,
            booking_key: row.booking_key.clone(),
            kind,
            state: row.state.parse().map_err(unreadable("message state"))?,
            reason: row.reason.clone(),
        });
        let before = self.rows.insert(id.0, row);
        if before.is_some_and(|before| before.is(MessageState::Dead)) {
            self.were_dead.push(id.0);
        }
        Ok(())
    }

    fn finish(
        mut self,
        connection: &mut PgConnection,
        policies: &Policies<'_>,
    ) -> Result<Outcome, StoreError> {
        letters::settle_by_whatsapp(connection, &self.were_dead, self.now)?;
        self.bookings
            .retain(|booking| self.followed.contains(&booking.key.to_string()));
        if !self.bookings.is_empty() {
            self.outcome.planned = planning::replan(connection, policies, self.now, &self.bookings)?;
        }
        Ok(self.outcome)
    }
}
