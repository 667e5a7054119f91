//! Actions over everything that a filter matches, which any desk carries out, one letter after the other.
//!
//! A desk claims a running job for a short time, its lease, and renews the lease as it goes. What is decided of a letter and
//! that the job has counted it are one transaction under the lease: a desk that dies, or whose lease another one has
//! taken, leaves no letter decided twice or counted twice.

mod reading;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Uuid as SqlUuid};
use diesel::{OptionalExtension, PgConnection, RunQueryDsl};
use domain::audit::Action;
use domain::ids::{LetterId, StaffName};
use domain::letter_job::{JobAction, JobState};
use domain::staff::Access;
use uuid::Uuid;

use crate::audit::{self, Actor, Subject};
use crate::error::StoreError;
use crate::rows::Value;
use crate::staff::{self, Identity};
use crate::{notes, prepared};
use reading::{COLUMNS, Row};

pub use reading::{find, list};

/// How long a desk may be silent before another one goes on with its job.
pub const LEASE: Duration = Duration::from_secs(15);

/// An action over many letters.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub action: JobAction,
    /// In its text form.
    pub filter: String,
    /// Later letters are not the job's.
    pub last_letter: LetterId,
    /// How many letters matched.
    pub total: i64,
}

#[derive(Debug, Clone)]
pub struct Job {
    pub id: i64,
    /// `None`: a newer program's.
    pub action: Option<JobAction>,
    pub filter: String,
    pub member: String,
    pub last_letter: LetterId,
    pub total: i64,
    pub state: JobState,
    /// Why it failed.
    pub failure: Option<String>,
    /// The last letter that was decided or put off.
    pub position: LetterId,
    /// Letters that are put off to the end.
    pub postponed: Vec<LetterId>,
    /// Letters by outcome.
    pub counts: BTreeMap<String, i64>,
    pub made_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    /// Whether a desk is at it.
    pub is_attended: bool,
    note_key: Option<String>,
}

impl Job {
    /// How many letters were decided so far.
    pub fn decided(&self) -> i64 {
        self.counts.values().sum()
    }
}

/// The right to carry a job out until the lease is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    pub job: i64,
    pub token: Uuid,
}

/// Stores a job, with a row in the audit trail.
pub fn make(connection: &mut PgConnection, by: &Actor, job: &NewJob) -> Result<i64, StoreError> {
    let resorts = staff::resorts(&by.access);
    let assignee = job.action.assignee();
    let id: Value<BigInt, i64> = prepared::sql(
        "INSERT INTO letter_jobs (action, assignee, filter, member, role, resorts, note_key, last_letter, total) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
    )
    .bind::<Text, _>(job.action.as_str())
    .bind::<Nullable<Text>, _>(assignee.map(StaffName::as_str))
    .bind::<Text, _>(job.filter.as_str())
    .bind::<Text, _>(by.name.as_str())
    .bind::<Text, _>(by.access.role.as_str())
    .bind::<Nullable<Array<Nullable<Text>>>, _>(resorts)
    .bind::<Nullable<Text>, _>(by.note_key())
    .bind::<BigInt, _>(job.last_letter.0)
    .bind::<BigInt, _>(job.total)
    .get_result(connection)
    .map_err(StoreError::query("store a job"))?;
    let told = format!("job {}: {}, {} letters", id.0, job.action, job.total);
    audit::append(connection, by, Action::LetterJobMade, &Subject::of(told))?;
    Ok(id.0)
}

/// Claims the oldest running job that no desk is at.
pub fn claim(connection: &mut PgConnection, token: Uuid) -> Result<Option<Job>, StoreError> {
    let row: Option<Row> = prepared::sql(format!(
        "UPDATE letter_jobs SET lease = $1, lease_until = clock_timestamp() + $2 * interval '1 second' WHERE id = ( \
         SELECT id FROM letter_jobs WHERE state = 'running' AND (lease_until IS NULL OR lease_until <= clock_timestamp()) \
         ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED) RETURNING {COLUMNS}"
    ))
    .bind::<SqlUuid, _>(token)
    .bind::<BigInt, _>(seconds())
    .get_result(connection)
    .optional()
    .map_err(StoreError::query("claim a job"))?;
    row.map(Row::into_domain).transpose()
}

/// Who made a job, with their note, if they may still do what it does. `None`: they are no member any more, or may do less than
/// when they made it.
pub fn maker(connection: &mut PgConnection, job: &Job) -> Result<Option<Actor>, StoreError> {
    let Some(Identity { name, access }) = staff::find(connection, &job.member)? else {
        return Ok(None);
    };
    if !has_as_much(connection, job.id, &access)? {
        return Ok(None);
    }
    let reason = match &job.note_key {
        Some(key) => notes::find(connection, key)?,
        None => None,
    };
    Ok(Some(Actor { name, access, reason }))
}

fn has_as_much(connection: &mut PgConnection, job: i64, access: &Access) -> Result<bool, StoreError> {
    let roles: Value<Text, String> = prepared::sql("SELECT role FROM letter_jobs WHERE id = $1")
        .bind::<BigInt, _>(job)
        .get_result(connection)
        .map_err(StoreError::query("read who made a job"))?;
    let had = roles.0.parse().map_err(|_| StoreError::Unreadable {
        what: "role of a job's maker",
    })?;
    // As many resorts: an array that is NULL means all.
    let has_resorts: Value<Bool, bool> = prepared::sql(
        "SELECT CASE WHEN $2::text[] IS NULL THEN true WHEN resorts IS NULL THEN false ELSE resorts <@ $2::text[] END AS has \
         FROM letter_jobs WHERE id = $1",
    )
    .bind::<BigInt, _>(job)
    .bind::<Nullable<Array<Nullable<Text>>>, _>(staff::resorts(access))
    .get_result(connection)
    .map_err(StoreError::query("read where a job's maker worked"))?;
    Ok(access.has(had).is_ok() && has_resorts.0)
}

/// Counts what became of a letter, and renews the lease. Call it in the transaction that decides of the letter.
///
/// # Errors
/// [`StoreError::LeaseLost`]: the transaction must be rolled back.
pub fn count(
    connection: &mut PgConnection,
    lease: Lease,
    letter: LetterId,
    outcome: &str,
) -> Result<(), StoreError> {
    let counted = prepared::sql(
        "UPDATE letter_jobs SET position = greatest(position, $3), postponed = array_remove(postponed, $3), \
         counts = jsonb_set(counts, ARRAY[$4], to_jsonb(coalesce((counts ->> $4)::bigint, 0) + 1)), \
         lease_until = clock_timestamp() + $5 * interval '1 second' \
         WHERE id = $1 AND lease = $2 AND state = 'running'",
    )
    .bind::<BigInt, _>(lease.job)
    .bind::<SqlUuid, _>(lease.token)
    .bind::<BigInt, _>(letter.0)
    .bind::<Text, _>(outcome)
    .bind::<BigInt, _>(seconds())
    .execute(connection)
    .map_err(StoreError::query("count a job's letter"))?;
    is_held(counted)
}

/// Puts a letter off to the end, and renews the lease.
pub fn postpone(connection: &mut PgConnection, lease: Lease, letter: LetterId) -> Result<(), StoreError> {
    let postponed = prepared::sql(
        "UPDATE letter_jobs SET position = greatest(position, $3), postponed = array_append(postponed, $3), \
         lease_until = clock_timestamp() + $4 * interval '1 second' \
         WHERE id = $1 AND lease = $2 AND state = 'running'",
    )
    .bind::<BigInt, _>(lease.job)
    .bind::<SqlUuid, _>(lease.token)
    .bind::<BigInt, _>(letter.0)
    .bind::<BigInt, _>(seconds())
    .execute(connection)
    .map_err(StoreError::query("put a job's letter off"))?;
    is_held(postponed)
}

/// Holds the lease for as long again.
pub fn renew(connection: &mut PgConnection, lease: Lease) -> Result<(), StoreError> {
    let renewed = prepared::sql(
        "UPDATE letter_jobs SET lease_until = clock_timestamp() + $3 * interval '1 second' \
         WHERE id = $1 AND lease = $2 AND state = 'running'",
    )
    .bind::<BigInt, _>(lease.job)
    .bind::<SqlUuid, _>(lease.token)
    .bind::<BigInt, _>(seconds())
    .execute(connection)
    .map_err(StoreError::query("renew the lease of a job"))?;
    is_held(renewed)
}

/// Ends a job: it is done, or failed for a reason.
pub fn finish(connection: &mut PgConnection, lease: Lease, failure: Option<&str>) -> Result<(), StoreError> {
    let state = if failure.is_some() {
        JobState::Failed
    } else {
        JobState::Done
    };
    let finished = prepared::sql(
        "UPDATE letter_jobs SET state = $3, failure = $4, finished_at = clock_timestamp(), lease_until = NULL \
         WHERE id = $1 AND lease = $2 AND state = 'running'",
    )
    .bind::<BigInt, _>(lease.job)
    .bind::<SqlUuid, _>(lease.token)
    .bind::<Text, _>(state.as_str())
    .bind::<Nullable<Text>, _>(failure)
    .execute(connection)
    .map_err(StoreError::query("end a job"))?;
    is_held(finished)
}

/// Lets another desk go on at once.
pub fn give_back(connection: &mut PgConnection, lease: Lease) -> Result<(), StoreError> {
    prepared::sql("UPDATE letter_jobs SET lease_until = NULL WHERE id = $1 AND lease = $2")
        .bind::<BigInt, _>(lease.job)
        .bind::<SqlUuid, _>(lease.token)
        .execute(connection)
        .map(drop)
        .map_err(StoreError::query("give a job back"))
}

/// Stops a running job between two letters. `false`: it is not running. Members who are bounded to resorts stop their own jobs only.
pub fn cancel(connection: &mut PgConnection, by: &Actor, id: i64) -> Result<bool, StoreError> {
    let stopped: Option<Value<Text, String>> = prepared::sql(
        "UPDATE letter_jobs SET state = 'cancelled', finished_at = clock_timestamp() \
         WHERE id = $1 AND state = 'running' RETURNING member",
    )
    .bind::<BigInt, _>(id)
    .get_result(connection)
    .optional()
    .map_err(StoreError::query("cancel a job"))?;
    let Some(member) = stopped else {
        return Ok(false);
    };
    if member.0 != by.name.as_str() {
        by.access.reaches(None)?;
    }
    let subject = Subject::of(format!("job {id}"));
    audit::append(connection, by, Action::LetterJobCancelled, &subject)?;
    Ok(true)
}

fn is_held(rows: usize) -> Result<(), StoreError> {
    if rows == 0 {
        Err(StoreError::LeaseLost)
    } else {
        Ok(())
    }
}

fn seconds() -> i64 {
    i64::try_from(LEASE.as_secs()).unwrap_or(i64::MAX)
}
