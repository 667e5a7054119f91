//! The support staff. Each is known by a token, of which only the hash is kept.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::dsl::exists;
use diesel::{
    ExpressionMethods, OptionalExtension, PgConnection, QueryDsl, Queryable, RunQueryDsl, Selectable,
    SelectableHelper, select,
};
use domain::audit::Action;
use domain::ids::StaffName;

use crate::audit::{self, Actor, Subject};
use crate::error::StoreError;
use crate::schema::staff;

/// Names under which dead letters are closed automatically: by WhatsApp's reports, and by erasures. No member of
/// the staff may have them.
pub const RESERVED_NAMES: [&str; 2] = ["whatsapp", "erasure"];

/// A present or former member of the staff.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = staff)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct Member {
    /// As the audit trail names them.
    pub name: String,
    /// When they got the token that they have, or had last.
    pub added_at: DateTime<Utc>,
    pub removed_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unchanged {
    /// Only members change the staff, once it has any.
    #[error("only a member of the staff adds and removes others")]
    Uninvited,
    #[error("is a member of the staff already; who lost a token is removed and added again")]
    IsMember,
    #[error("is no member of the staff")]
    NoMember,
    /// Without a member, only an unidentified person could add the next one.
    #[error("is the last member of the staff; add another first")]
    Last,
    /// One of [`RESERVED_NAMES`].
    #[error("is reserved; choose another name")]
    Reserved,
}

pub fn find_by_token(
    connection: &mut PgConnection,
    hash: &[u8; 32],
) -> Result<Option<StaffName>, StoreError> {
    let name: Option<String> = staff::table
        .filter(staff::token_hash.eq(hash.as_slice()))
        .filter(staff::removed_at.is_null())
        .select(staff::name)
        .first(connection)
        .optional()
        .map_err(StoreError::query("look a token up"))?;
    let unreadable = |_| StoreError::Unreadable {
        what: "name of a member of the staff",
    };
    name.map(|name| StaffName::parse(&name).map_err(unreadable))
        .transpose()
}

pub fn is_empty(connection: &mut PgConnection) -> Result<bool, StoreError> {
    count(connection).map(|members| members == 0)
}

fn count(connection: &mut PgConnection) -> Result<i64, StoreError> {
    staff::table
        .filter(staff::removed_at.is_null())
        .count()
        .get_result(connection)
        .map_err(StoreError::query("count the staff"))
}

pub fn list(connection: &mut PgConnection) -> Result<Vec<Member>, StoreError> {
    staff::table
        .order(staff::name)
        .select(Member::as_select())
        .load(connection)
        .map_err(StoreError::query("list the staff"))
}

/// Adds a member, or a former one again. The first member adds themselves.
pub fn add(
    connection: &mut PgConnection,
    by: &Actor,
    name: &StaffName,
    token_hash: &[u8; 32],
) -> Result<Result<(), Unchanged>, StoreError> {
    if RESERVED_NAMES.contains(&name.as_str()) {
        return Ok(Err(Unchanged::Reserved));
    }
    lock(connection)?;
    let is_first = by.name == *name && is_empty(connection)?;
    if !is_first && !is_member(connection, &by.name)? {
        return Ok(Err(Unchanged::Uninvited));
    }
    if is_member(connection, name)? {
        return Ok(Err(Unchanged::IsMember));
    }
    let new = (
        staff::token_hash.eq(token_hash.as_slice()),
        staff::added_at.eq(diesel::dsl::now),
        staff::removed_at.eq(None::<DateTime<Utc>>),
    );
    diesel::insert_into(staff::table)
        .values((staff::name.eq(name.as_str()), new))
        .on_conflict(staff::name)
        .do_update()
        .set(new)
        .execute(connection)
        .map_err(StoreError::query("add a member of the staff"))?;
    audit::append(connection, by, Action::StaffAdded, &Subject::of(name.as_str())).map(Ok)
}

pub fn remove(
    connection: &mut PgConnection,
    by: &Actor,
    name: &StaffName,
) -> Result<Result<(), Unchanged>, StoreError> {
    lock(connection)?;
    if !is_member(connection, &by.name)? {
        return Ok(Err(Unchanged::Uninvited));
    }
    if !is_member(connection, name)? {
        return Ok(Err(Unchanged::NoMember));
    }
    if count(connection)? == 1 {
        return Ok(Err(Unchanged::Last));
    }
    diesel::update(staff::table.find(name.as_str()))
        .set(staff::removed_at.eq(diesel::dsl::now))
        .execute(connection)
        .map_err(StoreError::query("remove a member of the staff"))?;
    audit::append(connection, by, Action::StaffRemoved, &Subject::of(name.as_str())).map(Ok)
}

/// Changes of the staff wait for each other, so that there is one first and always one left.
fn lock(connection: &mut PgConnection) -> Result<(), StoreError> {
    connection
        .batch_execute("LOCK TABLE staff IN SHARE ROW EXCLUSIVE MODE")
        .map_err(StoreError::query("lock the staff"))
}

fn is_member(connection: &mut PgConnection, name: &StaffName) -> Result<bool, StoreError> {
    let found = staff::table
        .find(name.as_str())
        .filter(staff::removed_at.is_null());
    select(exists(found))
        .get_result(connection)
        .map_err(StoreError::query("look for a member of the staff"))
}
