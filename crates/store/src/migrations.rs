//! The schema's versions. Only `desk migrate` changes the schema; the others wait for one that they know.

use diesel::sql_types::{Bool, Text};
use diesel::{PgConnection, RunQueryDsl, sql_query};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::error::StoreError;
use crate::rows::Value;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Any number, as long as every version of every program agrees on it.
const LOCK: i64 = 0x0062_656c_6c68_6f70;

/// Brings the schema up to this program's version and names the steps that were taken. Several at once wait for each
/// other: diesel itself takes no lock.
pub fn migrate(connection: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    // Longer than the pool's limits: an index on a big table takes its time.
    run(connection, "SET statement_timeout = 0; SET lock_timeout = 0")?;
    run(connection, &format!("SELECT pg_advisory_lock({LOCK})"))?;
    let taken = connection
        .run_pending_migrations(MIGRATIONS)
        .map(|versions| versions.iter().map(ToString::to_string).collect())
        .map_err(StoreError::Migration);
    // Why migrating failed says more than that the connection went with it.
    let unlocked = run(connection, &format!("SELECT pg_advisory_unlock({LOCK})"));
    let taken = taken?;
    unlocked.map(|()| taken)
}

/// The newest step that this program knows but the database has not taken; `None`: the schema will do. A schema that
/// is newer will do too: changes expand first and contract a version later.
pub fn missing(connection: &mut PgConnection) -> Result<Option<String>, StoreError> {
    use diesel::migration::{Migration, MigrationSource};
    let known: Vec<Box<dyn Migration<diesel::pg::Pg>>> =
        MIGRATIONS.migrations().map_err(StoreError::Migration)?;
    let taken = taken(connection)?;
    Ok(known
        .iter()
        .map(|migration| migration.name().version().to_string())
        .filter(|version| !taken.contains(version))
        .max())
}

/// The steps that the database has taken; none where it keeps no record of steps yet.
fn taken(connection: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    let step = "read the schema's version";
    let record: Value<Bool, bool> =
        sql_query("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS exists")
            .get_result(connection)
            .map_err(StoreError::query(step))?;
    if !record.0 {
        return Ok(Vec::new());
    }
    let versions: Vec<Value<Text, String>> =
        sql_query("SELECT version::text FROM __diesel_schema_migrations")
            .load(connection)
            .map_err(StoreError::query(step))?;
    Ok(versions.into_iter().map(|row| row.0).collect())
}

fn run(connection: &mut PgConnection, statement: &str) -> Result<(), StoreError> {
    use diesel::connection::SimpleConnection;
    connection
        .batch_execute(statement)
        .map_err(StoreError::query("prepare for migrating"))
}
