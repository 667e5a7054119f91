//! Faults of a database: it is away, refuses to write, or another session holds a lock.

use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use url::Url;

use super::{Database, OBSERVER, of};

impl Database {
    /// Ends every connection but [observers'](Self::observer), and takes no new one, as a server that went away.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn shut(&self) {
        let name = &self.name;
        self.on_server(format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false"))
            .await;
        self.end_connections().await;
    }

    /// To be asked for once what the others shall find is committed: else one that connects in between would not find it.
    async fn end_connections(&self) {
        let name = &self.name;
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND application_name <> '{OBSERVER}'"
        );
        self.on_server(end).await;
    }

    /// Takes connections again.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn open(&self) {
        self.on_server(format!(
            "ALTER DATABASE {} WITH ALLOW_CONNECTIONS true",
            self.name
        ))
        .await;
    }

    /// Sets a parameter for all sessions and ends them, so that they connect again with it.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn set(&self, parameter: &str, value: &str) {
        let name = &self.name;
        self.on_server(format!("ALTER DATABASE {name} SET {parameter} TO {value}"))
            .await;
        self.end_connections().await;
    }

    /// Another transaction, which begins with this statement.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn hold(&self, statement: &str) -> Held {
        Held::begin(of(&self.server, &self.name), statement).await
    }
}

/// Another transaction, which stays open with its locks until this value is dropped.
pub struct Held(PgConnection);

impl Held {
    async fn begin(url: Url, statement: &str) -> Self {
        let statement = format!("BEGIN; {statement}");
        on_a_thread(move || {
            let mut connection = super::connect(&url)?;
            connection.batch_execute(&statement)?;
            Ok(Self(connection))
        })
        .await
    }

    /// Takes one more step, and waits as long as it has to.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn go_on(mut self, statement: &str) -> Self {
        let statement = statement.to_owned();
        on_a_thread(move || {
            self.0.batch_execute(&statement)?;
            Ok(self)
        })
        .await
    }
}

async fn on_a_thread(work: impl FnOnce() -> anyhow::Result<Held> + Send + 'static) -> Held {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(held)) => held,
        Ok(Err(error)) => panic!("the server refused: {error:#}"),
        Err(error) => panic!("the server was not asked: {error}"),
    }
}
