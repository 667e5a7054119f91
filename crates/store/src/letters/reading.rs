//! Reading letters: one, a booking's, and those of a filter in the order in which they were found.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::sql_types::{Nullable, Text};
use diesel::{
    ExpressionMethods, OptionalExtension, PgConnection, QueryDsl, Queryable, QueryableByName, RunQueryDsl,
    Selectable, SelectableHelper,
};
use domain::dead_letter::LetterState;
use domain::ids::{BookingId, BookingKey, LetterId, MessageId, ResortId};
use domain::staff::Scope;
use uuid::Uuid;

use super::filter::Conditions;
use super::{Assigned, Ending, Filter, Letter, Standing};
use crate::error::StoreError;
use crate::messages::{self, Message};
use crate::notes::NoteKey;
use crate::schema::letters;

/// A letter without its body.
pub(super) const COLUMNS: &str = "l.id, l.kind, l.amqp_id, l.reason, l.error, l.attempts, l.died_at, l.dated, l.subject, l.resort, \
     l.booking, l.message_id, l.state, l.settled_as, l.closed_by, l.closed_at, l.note_key, l.assigned_to, l.assigned_at";

/// Letters in the order in which they were found, those after one of them.
pub fn list(
    connection: &mut PgConnection,
    filter: &Filter,
    after: LetterId,
    most: i64,
) -> Result<Vec<Letter>, StoreError> {
    let mut conditions = Conditions::of(filter);
    conditions.after(after);
    let rows: Vec<Row> = conditions
        .statement(COLUMNS, &format!("ORDER BY l.id LIMIT {most}"))
        .load(connection)
        .map_err(StoreError::query("list letters"))?;
    rows.into_iter().map(Row::into_domain).collect()
}

/// Every letter of a booking, in the order in which they were found.
pub fn list_of_booking(connection: &mut PgConnection, key: &BookingKey) -> Result<Vec<Letter>, StoreError> {
    let rows: Vec<Row> = letters::table
        .filter(letters::booking.eq(key.booking.as_str()))
        .filter(letters::resort.eq(key.resort.as_str()))
        .order(letters::id)
        .select(Row::as_select())
        .load(connection)
        .map_err(StoreError::query("list a booking's letters"))?;
    rows.into_iter().map(Row::into_domain).collect()
}

/// What the open letters of some resorts have, for the menus of a filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices {
    pub reasons: BTreeSet<String>,
    pub resorts: BTreeSet<String>,
    pub sources: BTreeSet<String>,
    pub assignees: BTreeSet<String>,
}

#[derive(QueryableByName)]
struct Choice {
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = Nullable<Text>)]
    resort: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    source: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    assignee: Option<String>,
}

pub fn choices(connection: &mut PgConnection, within: &Scope) -> Result<Choices, StoreError> {
    let filter = Filter {
        standing: Some(Standing::Open),
        within: within.clone(),
        ..Filter::default()
    };
    let rows: Vec<Choice> = Conditions::of(&filter)
        .statement(
            "DISTINCT l.reason, l.resort, l.assigned_to AS assignee, \
             CASE WHEN l.kind = 'events' THEN split_part(l.amqp_id, '/', 1) END AS source",
            "",
        )
        .load(connection)
        .map_err(StoreError::query("list what letters have"))?;
    let mut choices = Choices::default();
    for row in rows {
        choices.reasons.insert(row.reason);
        choices.resorts.extend(row.resort);
        choices
            .sources
            .extend(row.source.filter(|source| !source.is_empty()));
        choices.assignees.extend(row.assignee);
    }
    Ok(choices)
}

/// One letter, locked until the end of the transaction. Lock its message first.
pub(super) fn lock(connection: &mut PgConnection, id: LetterId) -> Result<Option<Letter>, StoreError> {
    let row: Option<Row> = letters::table
        .find(id.0)
        .for_no_key_update()
        .select(Row::as_select())
        .first(connection)
        .optional()
        .map_err(StoreError::query("lock a letter"))?;
    row.map(Row::into_domain).transpose()
}

pub fn find(connection: &mut PgConnection, id: LetterId) -> Result<Option<Letter>, StoreError> {
    let row: Option<Row> = letters::table
        .find(id.0)
        .select(Row::as_select())
        .first(connection)
        .optional()
        .map_err(StoreError::query("read a letter"))?;
    row.map(Row::into_domain).transpose()
}

/// What lay in the queue, byte by byte; `None` also where it was erased.
pub fn find_body(connection: &mut PgConnection, id: LetterId) -> Result<Option<Vec<u8>>, StoreError> {
    letters::table
        .find(id.0)
        .select(letters::body)
        .first::<Option<Vec<u8>>>(connection)
        .optional()
        .map(Option::flatten)
        .map_err(StoreError::query("read a letter's body"))
}

/// The messages that letters are about, as they stand now.
pub fn messages_of(
    connection: &mut PgConnection,
    letters: &[Letter],
) -> Result<HashMap<MessageId, Message>, StoreError> {
    let ids: Vec<Uuid> = letters
        .iter()
        .filter_map(|letter| letter.message)
        .map(|id| id.0)
        .collect();
    let found = messages::list_by_id(connection, &ids)?;
    Ok(found
        .into_iter()
        .map(|message| (message.existing.id, message))
        .collect())
}

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = letters)]
#[diesel(check_for_backend(Pg))]
pub(super) struct Row {
    id: i64,
    kind: String,
    amqp_id: String,
    reason: String,
    error: String,
    attempts: i32,
    died_at: DateTime<Utc>,
    dated: bool,
    subject: String,
    resort: Option<String>,
    booking: Option<String>,
    message_id: Option<Uuid>,
    state: String,
    settled_as: Option<String>,
    closed_by: Option<String>,
    closed_at: Option<DateTime<Utc>>,
    note_key: Option<String>,
    assigned_to: Option<String>,
    assigned_at: Option<DateTime<Utc>>,
}

impl Row {
    pub(super) fn into_domain(self) -> Result<Letter, StoreError> {
        let unreadable = |what| move |_| StoreError::Unreadable { what };
        let state: LetterState = self.state.parse().map_err(unreadable("letter state"))?;
        let settled_as = self.settled_as.map(|text| text.parse()).transpose();
        let settled_as = settled_as.map_err(unreadable("settlement of a letter"))?;
        let ending = (state != LetterState::Open).then(|| Ending {
            state,
            settled_as,
            by: self.closed_by.unwrap_or_default(),
            at: self.closed_at.unwrap_or_default(),
            note: self.note_key.map(NoteKey::of_column),
        });
        Ok(Letter {
            id: LetterId(self.id),
            kind: self.kind.parse().map_err(unreadable("kind of a letter"))?,
            amqp_id: self.amqp_id,
            reason: self.reason,
            error: self.error,
            attempts: u32::try_from(self.attempts).unwrap_or_default(),
            died_at: self.died_at,
            dated: self.dated,
            subject: self.subject,
            resort: self.resort.and_then(|text| ResortId::parse(&text).ok()),
            booking: self.booking.and_then(|text| BookingId::parse(&text).ok()),
            message: self.message_id.map(MessageId),
            assigned: self.assigned_to.map(|to| Assigned {
                to,
                at: self.assigned_at.unwrap_or_default(),
            }),
            ending,
        })
    }
}
