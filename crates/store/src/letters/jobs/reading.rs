//! Jobs as their rows tell of them.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension, PgConnection, QueryableByName, RunQueryDsl};
use domain::ids::{LetterId, StaffName};
use domain::letter_job::JobAction;

use super::Job;
use crate::error::StoreError;
use crate::prepared;

pub(super) const COLUMNS: &str = "id, action, assignee, filter, member, last_letter, total, state, failure, position, postponed, counts, \
     made_at, finished_at, note_key, (state = 'running' AND lease_until > clock_timestamp()) IS TRUE AS is_attended";

/// The latest jobs, the newest first.
pub fn list(connection: &mut PgConnection, most: i64) -> Result<Vec<Job>, StoreError> {
    let rows: Vec<Row> = prepared::sql(format!(
        "SELECT {COLUMNS} FROM letter_jobs ORDER BY id DESC LIMIT {most}"
    ))
    .load(connection)
    .map_err(StoreError::query("list jobs"))?;
    rows.into_iter().map(Row::into_domain).collect()
}

pub fn find(connection: &mut PgConnection, id: i64) -> Result<Option<Job>, StoreError> {
    let row: Option<Row> = prepared::sql(format!("SELECT {COLUMNS} FROM letter_jobs WHERE id = $1"))
        .bind::<BigInt, _>(id)
        .get_result(connection)
        .optional()
        .map_err(StoreError::query("read a job"))?;
    row.map(Row::into_domain).transpose()
}

#[derive(QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Nullable<Text>)]
    assignee: Option<String>,
    #[diesel(sql_type = Text)]
    filter: String,
    #[diesel(sql_type = Text)]
    member: String,
    #[diesel(sql_type = BigInt)]
    last_letter: i64,
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Nullable<Text>)]
    failure: Option<String>,
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Array<BigInt>)]
    postponed: Vec<i64>,
    #[diesel(sql_type = Jsonb)]
    counts: serde_json::Value,
    #[diesel(sql_type = Timestamptz)]
    made_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    finished_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    note_key: Option<String>,
    #[diesel(sql_type = Bool)]
    is_attended: bool,
}

impl Row {
    pub(super) fn into_domain(self) -> Result<Job, StoreError> {
        let unreadable = |what| StoreError::Unreadable { what };
        let assignee = self.assignee.map(|name| StaffName::parse(&name)).transpose();
        let assignee = assignee.map_err(|_| unreadable("assignee of a job"))?;
        Ok(Job {
            id: self.id,
            action: JobAction::parse(&self.action, assignee),
            filter: self.filter,
            member: self.member,
            last_letter: LetterId(self.last_letter),
            total: self.total,
            state: self.state.parse().map_err(|_| unreadable("state of a job"))?,
            failure: self.failure,
            position: LetterId(self.position),
            postponed: self.postponed.into_iter().map(LetterId).collect(),
            counts: serde_json::from_value(self.counts).map_err(|_| unreadable("counts of a job"))?,
            made_at: self.made_at,
            finished_at: self.finished_at,
            is_attended: self.is_attended,
            note_key: self.note_key,
        })
    }
}
