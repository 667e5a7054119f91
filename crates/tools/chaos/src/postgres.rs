//! Postgres from inside, past the proxy: made to refuse, to lock and to hang up, and asked for the results.

use std::path::Path;

use anyhow::Context as _;
use diesel::connection::SimpleConnection as _;
use diesel::deserialize::QueryableByName;
use diesel::sql_types::BigInt;
use diesel::{Connection as _, PgConnection, RunQueryDsl as _, sql_query};
use url::Url;

/// The programs' connections: everybody's but the one that asks.
const STRANGERS: &str =
    "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// A row of one count.
#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Where Postgres is.
#[derive(Debug, Clone)]
pub(crate) struct Postgres(Url);

impl Postgres {
    pub(crate) fn new(mut url: Url) -> Self {
        let given = url.query().map(|query| format!("{query}&")).unwrap_or_default();
        // The session that makes it read-only must be able to take that back. libpq reads `+` as itself.
        url.set_query(Some(&format!(
            "{given}application_name=chaos&options=-c%20default_transaction_read_only%3Doff"
        )));
        Self(url)
    }

    /// One server of several, which is the only one that is asked, whatever it is.
    pub(crate) fn alone(&self, port: u16) -> Self {
        let mut url = self.0.clone();
        url.set_query(None);
        let _ = url.set_port(Some(port));
        Self::new(url)
    }

    /// Does something with a connection, on a thread of its own.
    pub(crate) async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let url = self.0.to_string();
        let done = tokio::task::spawn_blocking(move || work(&mut connect(&url)?));
        done.await?
    }

    /// Says something to Postgres; several statements are one transaction.
    pub(crate) async fn execute(&self, statements: &str) -> anyhow::Result<()> {
        let statements = statements.to_owned();
        self.with(move |connection| Ok(connection.batch_execute(&statements)?))
            .await
    }

    /// What a statement counts, as `count`.
    pub(crate) async fn count(&self, statement: &str) -> anyhow::Result<i64> {
        let statement = statement.to_owned();
        let counting = self.with(move |connection| {
            let row: Count = sql_query(statement).get_result(connection)?;
            Ok(row.count)
        });
        counting.await
    }

    /// The rows that a statement finds.
    pub(crate) async fn list<R: QueryableByName<diesel::pg::Pg> + Send + 'static>(
        &self,
        statement: &str,
    ) -> anyhow::Result<Vec<R>> {
        let statement = statement.to_owned();
        self.with(move |connection| Ok(sql_query(statement).load(connection)?))
            .await
    }

    /// Keeps the time of each commit from now on, through a restart that this asks for.
    pub(crate) async fn keep_commit_times(&self) -> anyhow::Result<()> {
        self.execute("ALTER SYSTEM SET track_commit_timestamp = on").await
    }

    /// Moves a database to a disk of its own. No session may be connected to it.
    pub(crate) async fn move_to(&self, database: &str, disk: &Path) -> anyhow::Result<()> {
        let place = format!("CREATE TABLESPACE small LOCATION '{}'", disk.display());
        self.execute_each(&[&place, &format!("ALTER DATABASE {database} SET TABLESPACE small")])
            .await
    }

    pub(crate) async fn cut_connections(&self) -> anyhow::Result<()> {
        self.execute(&format!("SELECT pg_terminate_backend(pid) {STRANGERS}"))
            .await
    }

    pub(crate) async fn read_only(&self, on: bool) -> anyhow::Result<()> {
        let value = if on { "on" } else { "off" };
        self.execute_each(&[
            &format!("ALTER SYSTEM SET default_transaction_read_only = {value}"),
            "SELECT pg_reload_conf()",
        ])
        .await
    }

    /// Ends the programs' connections and takes no new ones, or takes them again.
    pub(crate) async fn take_no_more(&self, none: bool) -> anyhow::Result<()> {
        let limit = if none { 0 } else { -1 };
        self.execute(&format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT {limit}', current_database()); END $$"
        ))
        .await?;
        if none {
            self.cut_connections().await
        } else {
            Ok(())
        }
    }

    /// Keeps everybody from writing to a table for so many milliseconds.
    pub(crate) async fn lock_table(&self, table: &str, for_ms: u128) -> anyhow::Result<()> {
        self.execute(&format!(
            "BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE; SELECT pg_sleep({for_ms} / 1000.0); COMMIT"
        ))
        .await
    }

    /// Locks the bookings that were touched last, in the order that is the wrong one. One of those who then wait for
    /// each other is broken off by Postgres: this, or a program.
    pub(crate) async fn lock_backwards(&self) -> anyhow::Result<()> {
        let backwards = "DO $$ DECLARE one record; BEGIN \
             FOR one IN SELECT key FROM (SELECT key FROM bookings ORDER BY updated_at DESC LIMIT 100) latest \
                        ORDER BY key DESC LOOP \
                 PERFORM 1 FROM bookings WHERE key = one.key FOR UPDATE; PERFORM pg_sleep(0.01); \
             END LOOP; END $$";
        match self.execute(backwards).await {
            Err(error) if !format!("{error:#}").contains("deadlock") => Err(error),
            _ => Ok(()),
        }
    }

    async fn execute_each(&self, statements: &[&str]) -> anyhow::Result<()> {
        for statement in statements {
            self.execute(statement).await?;
        }
        Ok(())
    }
}

fn connect(url: &str) -> anyhow::Result<PgConnection> {
    PgConnection::establish(url).context("cannot connect to Postgres")
}
