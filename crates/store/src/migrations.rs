//! The schema's versions. Only `desk migrate` changes the schema; the others wait for one that they know.
//!
//! Programs work meanwhile, and wait behind every lock that a migration waits for. So a migration that changes tables waits a
//! few milliseconds for its locks, and is tried again until it finds the tables free. A migration that builds an index is a
//! single `CREATE INDEX CONCURRENTLY` outside a transaction (`metadata.toml`), in a folder with the index's name.

use std::thread;
use std::time::{Duration, Instant};

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel::{Connection as _, PgConnection, RunQueryDsl, sql_query};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::error::{Fault, StoreError};
use crate::rows::Value;

const PREPARE: &str = "prepare for migrating";

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Any number, as long as every version of every program agrees on it.
const LOCK: i64 = 0x0062_656c_6c68_6f70;
const LOOK_FOR_LOCK_EVERY: Duration = Duration::from_millis(100);

/// How long a migration waits for each of its locks. Programs wait as long, and as long as the migration then takes.
const LOCK_WAIT: &str = "25ms";
/// How long a migration waits for autovacuum, which Postgres cancels once another session has waited for a second. Programs do
/// not queue behind this lock.
const VACUUM_WAIT: &str = "5s";
const PAUSE: Duration = Duration::from_millis(200);
/// A transaction that keeps the tables for longer is a person's to end.
const TRIES_FOR: Duration = Duration::from_secs(600);

/// Brings the schema up to this program's version and names the steps that were taken. Several at once wait for each
/// other: diesel itself takes no lock.
pub fn migrate(connection: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    // Longer than the pool's limits: an index on a big table takes its time.
    run(connection, "SET statement_timeout = 0; SET lock_timeout = 0")?;
    take_turn(connection)?;
    let taken = take_steps(connection);
    // Why migrating failed says more than that the connection went with it.
    let unlocked = run(connection, &format!("SELECT pg_advisory_unlock({LOCK})"));
    let taken = taken?;
    unlocked.map(|()| taken)
}

/// Asks again and again: a statement that waited would be a transaction for whose end `CREATE INDEX CONCURRENTLY` of the
/// other waits.
#[expect(
    clippy::disallowed_methods,
    reason = "migrations run synchronously, on a blocking thread that does nothing else"
)]
fn take_turn(connection: &mut PgConnection) -> Result<(), StoreError> {
    loop {
        let taken: Value<Bool, bool> = sql_query("SELECT pg_try_advisory_lock($1)")
            .bind::<BigInt, _>(LOCK)
            .get_result(connection)
            .map_err(StoreError::query(PREPARE))?;
        if taken.0 {
            return Ok(());
        }
        thread::sleep(LOOK_FOR_LOCK_EVERY);
    }
}

fn take_steps(connection: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    let pending = connection
        .pending_migrations(MIGRATIONS)
        .map_err(StoreError::Migration)?;
    let mut taken = Vec::new();
    for step in &pending {
        let step = step.as_ref();
        if step.metadata().run_in_transaction() {
            change_tables(connection, step)?;
        } else {
            drop_unfinished_index(connection, step)?;
            take(connection, step)?;
        }
        taken.push(step.name().version().to_string());
    }
    Ok(taken)
}

fn take(connection: &mut PgConnection, step: &dyn Migration<Pg>) -> Result<(), StoreError> {
    let taken = connection.run_migration(step);
    taken.map(|_| ()).map_err(StoreError::Migration)
}

#[expect(
    clippy::disallowed_methods,
    reason = "migrations run synchronously, on a blocking thread that does nothing else"
)]
fn change_tables(connection: &mut PgConnection, step: &dyn Migration<Pg>) -> Result<(), StoreError> {
    let begun = Instant::now();
    loop {
        let tried = connection.transaction(|connection| {
            end_vacuum(connection)?;
            run(connection, &format!("SET LOCAL lock_timeout = '{LOCK_WAIT}'"))?;
            take(connection, step)
        });
        match tried {
            Err(error) if error.fault() == Fault::Locked && begun.elapsed() < TRIES_FOR => {
                thread::sleep(PAUSE)
            }
            tried => return tried,
        }
    }
}

/// Autovacuum holds a lock for minutes that a change of the table waits for. This lock waits for it, and for nothing that
/// programs do.
fn end_vacuum(connection: &mut PgConnection) -> Result<(), StoreError> {
    let tables: Value<Text, String> = sql_query(
        "SELECT coalesce(string_agg(oid::regclass::text, ', '), '') FROM pg_class \
         WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace",
    )
    .get_result(connection)
    .map_err(StoreError::query(PREPARE))?;
    if tables.0.is_empty() {
        return Ok(());
    }
    run(
        connection,
        &format!(
            "SET LOCAL lock_timeout = '{VACUUM_WAIT}'; LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE",
            tables.0
        ),
    )
}

/// Where an earlier run was interrupted, an invalid index is left: writes keep it up, and no query uses it.
fn drop_unfinished_index(connection: &mut PgConnection, step: &dyn Migration<Pg>) -> Result<(), StoreError> {
    let folder = step.name().to_string();
    let index = folder.split_once('_').map_or("", |(_, index)| index);
    let unfinished: Value<Bool, bool> = sql_query(
        "SELECT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
         WHERE c.relname = $1 AND c.relnamespace = current_schema()::regnamespace AND NOT i.indisvalid)",
    )
    .bind::<Text, _>(index)
    .get_result(connection)
    .map_err(StoreError::query(PREPARE))?;
    if unfinished.0 {
        run(connection, &format!("DROP INDEX CONCURRENTLY \"{index}\""))?;
    }
    Ok(())
}

/// The newest step that this program knows but the database has not taken; `None`: the schema will do. A schema that
/// is newer will do too: changes expand first and contract a version later.
pub fn missing(connection: &mut PgConnection) -> Result<Option<String>, StoreError> {
    let known: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(StoreError::Migration)?;
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
        .map_err(StoreError::query(PREPARE))
}
