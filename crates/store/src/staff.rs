//! The support staff. Each is known by a token, of which only the hash is kept, and by the [`sessions`](crate::sessions) of
//! their browsers.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::{
    ExpressionMethods, OptionalExtension, PgConnection, QueryDsl, Queryable, RunQueryDsl, Selectable,
    SelectableHelper,
};
use domain::audit::Action;
use domain::ids::{ResortId, StaffName};
use domain::staff::{Access, Role, Scope};

use crate::audit::{self, Actor, Subject};
use crate::error::StoreError;
use crate::schema::{staff, staff_links, staff_sessions};

/// Names under which dead letters are closed automatically, by WhatsApp's reports and by erasures, and the word for who takes care
/// of an unassigned one. No member of the staff may have them.
pub const RESERVED_NAMES: [&str; 3] = ["whatsapp", "erasure", NOBODY];

/// In filters and commands: a letter is nobody's.
pub const NOBODY: &str = "nobody";

/// A present or former member of the staff.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = staff)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct Member {
    /// As the audit trail names them.
    pub name: String,
    /// A [`Role`], or the word of a newer program.
    pub role: String,
    /// The resorts that they work for; `None`: all.
    pub resorts: Option<Vec<Option<String>>>,
    /// When they got the token that they have, or had last.
    pub added_at: DateTime<Utc>,
    pub removed_at: Option<DateTime<Utc>>,
}

/// A member of the staff who was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub name: StaffName,
    pub access: Access,
}

impl Member {
    /// Whether they work for one of these resorts.
    fn meets(&self, within: &Scope) -> bool {
        match (&self.resorts, within) {
            (None, _) | (_, Scope::All) => true,
            (Some(theirs), Scope::Resorts(resorts)) => theirs
                .iter()
                .flatten()
                .any(|one| resorts.iter().any(|resort| resort.as_str() == one)),
        }
    }

    /// Fails on a role or a name of a newer program.
    pub fn identity(&self) -> Result<Identity, StoreError> {
        let unreadable = |what| StoreError::Unreadable { what };
        let name = StaffName::parse(&self.name);
        let role: Result<Role, _> = self.role.parse();
        let scope = match &self.resorts {
            None => Scope::All,
            Some(resorts) => {
                let resorts = resorts.iter().flatten().map(|id| ResortId::parse(id));
                let resorts = resorts.collect::<Result<_, _>>();
                Scope::Resorts(resorts.map_err(|_| unreadable("resorts of a member of the staff"))?)
            }
        };
        Ok(Identity {
            name: name.map_err(|_| unreadable("name of a member of the staff"))?,
            access: Access {
                role: role.map_err(|_| unreadable("role of a member of the staff"))?,
                scope,
            },
        })
    }
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
    /// Without one, only an unidentified person could add the next member.
    #[error("is the last admin of all resorts; make another one first (desk staff add, desk staff role)")]
    Last,
    /// One of [`RESERVED_NAMES`].
    #[error("is reserved; choose another name")]
    Reserved,
}

pub fn find_by_token(connection: &mut PgConnection, hash: &[u8; 32]) -> Result<Option<Identity>, StoreError> {
    let member: Option<Member> = staff::table
        .filter(staff::token_hash.eq(hash.as_slice()))
        .filter(staff::removed_at.is_null())
        .select(Member::as_select())
        .first(connection)
        .optional()
        .map_err(StoreError::query("look a token up"))?;
    member.as_ref().map(Member::identity).transpose()
}

/// `None`: no present member has the name.
pub fn find(connection: &mut PgConnection, name: &str) -> Result<Option<Identity>, StoreError> {
    let member: Option<Member> = staff::table
        .find(name)
        .filter(staff::removed_at.is_null())
        .select(Member::as_select())
        .first(connection)
        .optional()
        .map_err(StoreError::query("look a member of the staff up"))?;
    member.as_ref().map(Member::identity).transpose()
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

/// The names of the present members who work for at least one of these resorts.
pub fn names_within(connection: &mut PgConnection, within: &Scope) -> Result<Vec<String>, StoreError> {
    let mut present = list(connection)?;
    present.retain(|member| member.removed_at.is_none() && member.meets(within));
    Ok(present.into_iter().map(|member| member.name).collect())
}

/// Adds a member, or a former one again. The first member adds themselves, and is an admin of all resorts.
pub fn add(
    connection: &mut PgConnection,
    by: &Actor,
    new: &Identity,
    token_hash: &[u8; 32],
) -> Result<Result<(), Unchanged>, StoreError> {
    let name = new.name.as_str();
    if RESERVED_NAMES.contains(&name) {
        return Ok(Err(Unchanged::Reserved));
    }
    lock(connection)?;
    let is_first = by.name == new.name && is_empty(connection)?;
    if !is_first && find(connection, by.name.as_str())?.is_none() {
        return Ok(Err(Unchanged::Uninvited));
    }
    if find(connection, name)?.is_some() {
        return Ok(Err(Unchanged::IsMember));
    }
    let access = if is_first { &Access::ADMIN } else { &new.access };
    let row = (
        staff::token_hash.eq(token_hash.as_slice()),
        staff::added_at.eq(diesel::dsl::now),
        staff::removed_at.eq(None::<DateTime<Utc>>),
        staff::role.eq(access.role.as_str()),
        staff::resorts.eq(resorts(access)),
    );
    diesel::insert_into(staff::table)
        .values((staff::name.eq(name), row.clone()))
        .on_conflict(staff::name)
        .do_update()
        .set(row)
        .execute(connection)
        .map_err(StoreError::query("add a member of the staff"))?;
    audit::append(connection, by, Action::StaffAdded, &subject(name, access)).map(Ok)
}

/// Gives a member another role, or other resorts; their sessions have them from the next request on.
pub fn change(
    connection: &mut PgConnection,
    by: &Actor,
    to: &Identity,
) -> Result<Result<(), Unchanged>, StoreError> {
    let name = to.name.as_str();
    lock(connection)?;
    if find(connection, name)?.is_none() {
        return Ok(Err(Unchanged::NoMember));
    }
    if to.access != Access::ADMIN && is_last_admin(connection, name)? {
        return Ok(Err(Unchanged::Last));
    }
    diesel::update(staff::table.find(name))
        .set((
            staff::role.eq(to.access.role.as_str()),
            staff::resorts.eq(resorts(&to.access)),
        ))
        .execute(connection)
        .map_err(StoreError::query("change a member of the staff"))?;
    audit::append(connection, by, Action::StaffChanged, &subject(name, &to.access)).map(Ok)
}

/// Their token, their links and their browsers are no longer recognised.
pub fn remove(
    connection: &mut PgConnection,
    by: &Actor,
    name: &StaffName,
) -> Result<Result<(), Unchanged>, StoreError> {
    lock(connection)?;
    if find(connection, name.as_str())?.is_none() {
        return Ok(Err(Unchanged::NoMember));
    }
    if is_last_admin(connection, name.as_str())? {
        return Ok(Err(Unchanged::Last));
    }
    diesel::update(staff::table.find(name.as_str()))
        .set(staff::removed_at.eq(diesel::dsl::now))
        .execute(connection)
        .map_err(StoreError::query("remove a member of the staff"))?;
    diesel::delete(staff_links::table.filter(staff_links::member.eq(name.as_str())))
        .execute(connection)
        .map_err(StoreError::query("delete the links of a member of the staff"))?;
    diesel::delete(staff_sessions::table.filter(staff_sessions::member.eq(name.as_str())))
        .execute(connection)
        .map_err(StoreError::query("end the sessions of a member of the staff"))?;
    audit::append(connection, by, Action::StaffRemoved, &Subject::of(name.as_str())).map(Ok)
}

pub(crate) fn resorts(access: &Access) -> Option<Vec<Option<String>>> {
    match &access.scope {
        Scope::All => None,
        Scope::Resorts(resorts) => Some(resorts.iter().map(|id| Some(id.to_string())).collect()),
    }
}

/// The member, and what they were granted.
fn subject(name: &str, access: &Access) -> Subject {
    let resorts: Vec<String> = resorts(access).into_iter().flatten().flatten().collect();
    let at = if access.scope == Scope::All {
        "all resorts".to_owned()
    } else {
        resorts.join(", ")
    };
    Subject::of(format!("{name}: {} at {at}", access.role))
}

/// Whether nobody but this member could change the staff.
fn is_last_admin(connection: &mut PgConnection, name: &str) -> Result<bool, StoreError> {
    let others: i64 = staff::table
        .filter(staff::removed_at.is_null())
        .filter(staff::role.eq(Role::Admin.as_str()))
        .filter(staff::resorts.is_null())
        .filter(staff::name.ne(name))
        .count()
        .get_result(connection)
        .map_err(StoreError::query("count the admins"))?;
    Ok(others == 0)
}

/// Changes of the staff wait for each other, so that there is one first and always one left.
fn lock(connection: &mut PgConnection) -> Result<(), StoreError> {
    connection
        .batch_execute("LOCK TABLE staff IN SHARE ROW EXCLUSIVE MODE")
        .map_err(StoreError::query("lock the staff"))
}
