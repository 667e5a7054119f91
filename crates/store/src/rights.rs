//! What each program may do in Postgres: `deploy/grants.sql`, for the roles of `deploy/roles.sql`.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Array, Text};
use diesel::{Connection as _, PgConnection, RunQueryDsl, sql_query};

use crate::error::StoreError;
use crate::rows::Value;

const GRANTS: &str = include_str!("../../../deploy/grants.sql");
/// Any number: two who grant at once would stand in each other's way.
const LOCK: i64 = 0x0067_7261_6e74_7321;
const STEP: &str = "grant each program its rights";

/// The roles that the grants name, one for each program that uses Postgres.
pub const ROLES: [&str; 3] = ["bellhop_processor", "bellhop_sender", "bellhop_desk"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Granted {
    /// Each program has its role, and what it needs.
    EachItsOwn,
    /// There are no roles for programs: they all use that of the database's owner, or whatever they were given.
    NoRoles,
    /// Some roles are there and these are not; nothing was granted.
    Missing(Vec<&'static str>),
}

/// Grants the programs' roles what they need in this version's schema, and nothing else. For the owner of the tables.
///
/// # Errors
/// Where Postgres refuses: the user does not own the tables.
pub fn grant(connection: &mut PgConnection) -> Result<Granted, StoreError> {
    let found: Vec<Value<Text, String>> =
        sql_query("SELECT rolname::text AS name FROM pg_roles WHERE rolname = ANY($1)")
            .bind::<Array<Text>, _>(ROLES.as_slice())
            .load(connection)
            .map_err(StoreError::query("look for the programs' roles"))?;
    let is_there = |role: &str| found.iter().any(|one| one.0 == role);
    let missing: Vec<&str> = ROLES.into_iter().filter(|role| !is_there(role)).collect();
    match missing.len() {
        0 => connection
            .transaction(|connection| {
                connection.batch_execute(&format!("SELECT pg_advisory_xact_lock({LOCK})"))?;
                connection.batch_execute(GRANTS)
            })
            .map(|()| Granted::EachItsOwn)
            .map_err(StoreError::query(STEP)),
        all if all == ROLES.len() => Ok(Granted::NoRoles),
        _ => Ok(Granted::Missing(missing)),
    }
}
