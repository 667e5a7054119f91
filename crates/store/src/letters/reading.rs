//! Reading letters, one by one, in pages, and counted.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, max, min};
use diesel::pg::Pg;
use diesel::sql_types::{Bool, Integer, Text};
use diesel::{
    BoolExpressionMethods, BoxableExpression, ExpressionMethods, OptionalExtension, PgConnection,
    PgExpressionMethods, QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper,
};
use domain::dead_letter::{LetterKind, LetterState};
use domain::ids::{BookingId, BookingKey, LetterId, MessageId, ResortId};
use uuid::Uuid;

use super::{Ending, Filter, Letter, Standing};
use crate::error::StoreError;
use crate::messages::{self, Message};
use crate::notes::NoteKey;
use crate::schema::letters;

type Condition = Box<dyn BoxableExpression<letters::table, Pg, SqlType = Bool>>;

diesel::define_sql_function! {
    fn split_part(text: Text, delimiter: Text, place: Integer) -> Text;
}

impl Filter {
    fn condition(&self, after: LetterId) -> Condition {
        let mut all: Condition = Box::new(letters::id.gt(after.0));
        let open = LetterState::Open.as_str();
        match self.standing {
            Some(Standing::Open) => all = Box::new(all.and(letters::state.eq(open))),
            Some(Standing::Ended) => all = Box::new(all.and(letters::state.ne(open))),
            None => {}
        }
        if let Some(kind) = self.kind {
            all = Box::new(all.and(letters::kind.eq(kind.as_str())));
        }
        if let Some(reason) = self.reason {
            all = Box::new(all.and(letters::reason.eq(reason.as_str())));
        }
        if let Some(resort) = &self.resort {
            let is_of_resort = letters::resort.is_not_distinct_from(resort.as_str().to_owned());
            all = Box::new(all.and(is_of_resort));
        }
        if let Some(source) = &self.source {
            let of_events = letters::kind.eq(LetterKind::Events.as_str());
            let is_of_source = split_part(letters::amqp_id, "/", 1).eq(source.as_str().to_owned());
            all = Box::new(all.and(of_events).and(is_of_source));
        }
        all
    }
}

/// Letters in the order in which they were found, those after one of them.
pub fn list(
    connection: &mut PgConnection,
    filter: &Filter,
    after: LetterId,
    most: i64,
) -> Result<Vec<Letter>, StoreError> {
    let rows: Vec<Row> = letters::table
        .filter(filter.condition(after))
        .order(letters::id)
        .limit(most)
        .select(Row::as_select())
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

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasonCount {
    pub reason: String,
    pub count: i64,
    pub oldest_died_at: DateTime<Utc>,
}

/// Counts letters by reason, the most frequent first.
pub fn count_by_reason(
    connection: &mut PgConnection,
    filter: &Filter,
) -> Result<Vec<ReasonCount>, StoreError> {
    let rows: Vec<(String, i64, Option<DateTime<Utc>>)> = letters::table
        .filter(filter.condition(LetterId(0)))
        .group_by(letters::reason)
        .order((count_star().desc(), letters::reason))
        .select((letters::reason, count_star(), min(letters::died_at)))
        .load(connection)
        .map_err(StoreError::query("count letters by reason"))?;
    let counted = |(reason, count, oldest): (String, i64, Option<DateTime<Utc>>)| ReasonCount {
        reason,
        count,
        oldest_died_at: oldest.unwrap_or_default(),
    };
    Ok(rows.into_iter().map(counted).collect())
}

/// How many letters there are, and the last of them.
pub fn extent(connection: &mut PgConnection, filter: &Filter) -> Result<(i64, LetterId), StoreError> {
    let (count, last): (i64, Option<i64>) = letters::table
        .filter(filter.condition(LetterId(0)))
        .select((count_star(), max(letters::id)))
        .first(connection)
        .map_err(StoreError::query("count letters"))?;
    Ok((count, LetterId(last.unwrap_or_default())))
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

#[derive(Queryable, Selectable)]
#[diesel(table_name = letters)]
#[diesel(check_for_backend(Pg))]
struct Row {
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
}

impl Row {
    fn into_domain(self) -> Result<Letter, StoreError> {
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
            ending,
        })
    }
}
