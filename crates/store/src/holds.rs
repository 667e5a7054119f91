//! Holds: laid by a refusal of WhatsApp or by staff, checked by every claim, lifted by an accepted probe or by staff.
//!
//! After `until`, the hold is half open: one held message at a time is queued as a probe; newly due messages may be claimed
//! too. If WhatsApp refuses the probe, the hold lasts twice as long; if it accepts, the hold is deleted. [`release()`] then
//! queues the held messages, a few hundred at a time.
//!
//! A hold that was laid for a status `failed` allows its probe only. An acceptance does not end it, because WhatsApp had
//! accepted the failed messages too: [`probes`] judges by the probe's report.

mod counts;
mod probes;
mod release;

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz};
use diesel::{
    ExpressionMethods, OptionalExtension, PgConnection, QueryDsl, Queryable, QueryableByName, RunQueryDsl,
    Selectable, SelectableHelper,
};
use domain::after_call::{ReportedIn, Scope};
use domain::audit::Action;
use domain::hold::{self, Coverage, NewHold};
use domain::ids::ResortId;
use domain::message::{MessageKind, MessageState};

use crate::audit::{self, Actor, Subject};
use crate::error::StoreError;
use crate::messages::is_in;
use crate::notes::NoteKey;
use crate::prepared::sql;
use crate::rows::Value;
use crate::schema::{holds, messages};

pub use counts::{count_of_resorts, count_without_template};
pub(crate) use probes::{Word, accepted, lift_reported, unmark_failed};
pub use release::{Released, release, retry_with_text, retry_without_template};

/// The longest time between two probes of a hold.
const LONGEST_PAUSE: Duration = Duration::from_secs(30 * 60);

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = holds)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct Hold {
    /// Its name: scope and coverage.
    pub key: String,
    /// `token`, `number`, …, or [`hold::PAUSED`].
    pub scope: String,
    /// The resort that it covers; `None`: any.
    pub resort: Option<String>,
    /// The business number; `None`: any.
    pub number: Option<String>,
    /// The template as `name/language`; `None`: any.
    pub template: Option<String>,
    /// The kind of message; `None`: any.
    pub kind: Option<String>,
    /// WhatsApp's code; empty where a person holds.
    pub reason: String,
    /// The person; `None`: a machine.
    pub by_whom: Option<String>,
    pub since: DateTime<Utc>,
    /// When the hold becomes half open; `None`: staff must lift it.
    pub until: Option<DateTime<Utc>>,
    /// Whether WhatsApp refused by a status after it had accepted the call.
    pub by_status: bool,
    /// When WhatsApp accepted the probe. The hold ends unless the probe is then reported as failed.
    pub probe_taken_at: Option<DateTime<Utc>>,
    note_key: Option<String>,
}

impl Hold {
    /// Why, where the person said it.
    pub fn note(&self) -> Option<NoteKey> {
        self.note_key.clone().map(NoteKey::of_column)
    }
}

/// What laying a hold changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Laid {
    /// The hold did not exist. The caller raises an alert.
    New,
    /// A probe was refused: the hold lasts twice as long.
    Again,
    /// It was in force already.
    Known,
}

/// Lays the hold of a refusal. Lay several in the order of their keys, since each locks its row.
pub(crate) fn lay(connection: &mut PgConnection, new: &NewHold) -> Result<Laid, StoreError> {
    let coverage = &new.coverage;
    let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    // A hold that is half open is laid again; one in force is left as it is, and so is one that is older than the refused
    // call. A row that was inserted has no xmax.
    let row: Option<Value<Bool, bool>> = sql(
        "INSERT INTO holds (key, scope, resort, number, country, template, kind, reason, until, pause_ms, by_status) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp() + $9 * interval '1 millisecond', $9, $11) \
         ON CONFLICT (key) DO UPDATE SET reason = excluded.reason, probed_at = NULL, \
            by_status = holds.by_status OR excluded.by_status, probe_id = NULL, probe_taken_at = NULL, \
            pause_ms = least(holds.pause_ms * 2, $10), \
            until = clock_timestamp() + least(holds.pause_ms * 2, $10) * interval '1 millisecond' \
            WHERE holds.until <= clock_timestamp() AND ($12 IS NULL OR $12 >= holds.since) \
         RETURNING xmax = 0 AS inserted",
    )
    .bind::<Text, _>(new.key())
    .bind::<Text, _>(new.scope.as_str())
    .bind::<Nullable<Text>, _>(coverage.resort.as_ref().map(|id| id.as_str()))
    .bind::<Nullable<Text>, _>(coverage.number.as_ref().map(|id| id.as_str()))
    .bind::<Nullable<Integer>, _>(coverage.country.map(i32::from))
    .bind::<Nullable<Text>, _>(coverage.template.as_deref())
    .bind::<Nullable<Text>, _>(coverage.kind.as_ref().map(MessageKind::as_str))
    .bind::<Text, _>(new.cause.to_string())
    .bind::<BigInt, _>(millis(new.pause))
    .bind::<BigInt, _>(millis(LONGEST_PAUSE.max(new.pause)))
    .bind::<Bool, _>(new.reported_in == ReportedIn::Status)
    .bind::<Nullable<Timestamptz>, _>(new.called_at)
    .get_result(connection)
    .optional()
    .map_err(StoreError::query("lay a hold"))?;
    match row.map(|row| row.0) {
        Some(true) => Ok(Laid::New),
        Some(false) => Ok(Laid::Again),
        None => note_status(connection, new).map(|()| Laid::Known),
    }
}

/// A status confirms a hold that an answer had laid: from now on an accepted probe does not end it.
fn note_status(connection: &mut PgConnection, new: &NewHold) -> Result<(), StoreError> {
    if new.reported_in == ReportedIn::Answer {
        return Ok(());
    }
    sql("UPDATE holds SET by_status = true WHERE key = $1 AND NOT by_status")
        .bind::<Text, _>(new.key())
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("note how a hold was laid"))
}

/// Every hold, oldest first, with how many messages wait for it.
pub fn list(connection: &mut PgConnection) -> Result<Vec<(Hold, i64)>, StoreError> {
    let found: Vec<Hold> = holds::table
        .order((holds::since, holds::key))
        .select(Hold::as_select())
        .load(connection)
        .map_err(StoreError::query("list holds"))?;
    let waiting: Vec<(Option<String>, i64)> = messages::table
        .filter(is_in(MessageState::Held))
        .group_by(messages::held_by)
        .select((messages::held_by, diesel::dsl::count_star()))
        .load(connection)
        .map_err(StoreError::query("count held messages"))?;
    let count = |hold: &Hold| {
        let mut of_hold = waiting.iter().filter(|(key, _)| key.as_ref() == Some(&hold.key));
        of_hold.next().map_or(0, |(_, count)| *count)
    };
    Ok(found
        .into_iter()
        .map(|hold| {
            let count = count(&hold);
            (hold, count)
        })
        .collect())
}

/// A person holds what they name. `false`: it was paused already, and stays the first one's pause.
pub fn pause(connection: &mut PgConnection, coverage: &Coverage, by: &Actor) -> Result<bool, StoreError> {
    let key = hold::key(hold::PAUSED, coverage);
    let resort = coverage.resort.as_ref().map(ResortId::as_str);
    let inserted = diesel::insert_into(holds::table)
        .values((
            holds::key.eq(&key),
            holds::scope.eq(hold::PAUSED),
            holds::resort.eq(resort),
            holds::number.eq(coverage.number.as_ref().map(|id| id.as_str())),
            holds::kind.eq(coverage.kind.as_ref().map(MessageKind::as_str)),
            holds::reason.eq(""),
            holds::by_whom.eq(by.name.as_str()),
            holds::note_key.eq(by.note_key()),
        ))
        .on_conflict_do_nothing()
        .execute(connection)
        .map_err(StoreError::query("pause"))?;
    if inserted == 0 {
        return Ok(false);
    }
    audit::append(connection, by, Action::Paused, &about(resort, key)).map(|()| true)
}

#[derive(QueryableByName)]
struct Ended {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Nullable<Text>)]
    resort: Option<String>,
}

/// Ends every hold that names all that is given, a person's or a machine's; returns their keys.
pub fn resume(
    connection: &mut PgConnection,
    named: &Coverage,
    by: &Actor,
) -> Result<Vec<String>, StoreError> {
    let rows: Vec<Ended> = sql(
        "DELETE FROM holds WHERE ($1 IS NULL OR resort = $1) AND ($2 IS NULL OR number = $2) \
         AND ($3 IS NULL OR kind = $3) RETURNING key, resort",
    )
    .bind::<Nullable<Text>, _>(named.resort.as_ref().map(|id| id.as_str()))
    .bind::<Nullable<Text>, _>(named.number.as_ref().map(|id| id.as_str()))
    .bind::<Nullable<Text>, _>(named.kind.as_ref().map(MessageKind::as_str))
    .load(connection)
    .map_err(StoreError::query("resume"))?;
    for Ended { key, resort } in &rows {
        let subject = about(resort.as_deref(), key.clone());
        audit::append(connection, by, Action::Resumed, &subject)?;
    }
    Ok(rows.into_iter().map(|row| row.key).collect())
}

/// Ends one hold; `false`: it has ended already.
pub fn end(connection: &mut PgConnection, key: &str, by: &Actor) -> Result<bool, StoreError> {
    let row: Option<Ended> = sql("DELETE FROM holds WHERE key = $1 RETURNING key, resort")
        .bind::<Text, _>(key)
        .get_result(connection)
        .optional()
        .map_err(StoreError::query("end a hold"))?;
    let Some(Ended { key, resort }) = row else {
        return Ok(false);
    };
    audit::append(connection, by, Action::Resumed, &about(resort.as_deref(), key)).map(|()| true)
}

/// A hold as the audit trail names it.
fn about(resort: Option<&str>, key: String) -> Subject {
    Subject {
        resort: resort.and_then(|id| ResortId::parse(id).ok()),
        details: key,
        ..Subject::default()
    }
}

/// WhatsApp has good news of a scope: its holds may be tried at once. Only those of one template, `name/language`, where
/// it is given.
pub fn try_now(
    connection: &mut PgConnection,
    scope: Scope,
    template: Option<&str>,
) -> Result<usize, StoreError> {
    sql("UPDATE holds SET until = clock_timestamp() \
         WHERE scope = $1 AND until > clock_timestamp() AND ($2 IS NULL OR template = $2)")
    .bind::<Text, _>(scope.as_str())
    .bind::<Nullable<Text>, _>(template)
    .execute(connection)
    .map_err(StoreError::query("try holds"))
}
