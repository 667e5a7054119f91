//! Everything that lies in a database, for tests that look for what must not.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};

use super::{Database, connect, of};
use crate::rights::Rights;

const TABLES: &str = "SELECT quote_ident(tablename) AS text FROM pg_tables WHERE schemaname = 'public'";

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

impl Database {
    /// What a statement selects, as `text`.
    ///
    /// # Errors
    /// Where the server refuses.
    pub async fn lines(&self, query: &str) -> anyhow::Result<Vec<String>> {
        let (url, query) = (of(&self.server, &self.name), query.to_owned());
        tokio::task::spawn_blocking(move || lines(&mut connect(&url)?, &query)).await?
    }

    /// Every row of every table, as text: binary columns in hexadecimal.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn contents(&self) -> String {
        let url = of(&self.server, &self.name);
        let read = tokio::task::spawn_blocking(move || -> anyhow::Result<String> {
            let connection = &mut connect(&url)?;
            let mut all = String::new();
            for table in lines(connection, TABLES)? {
                let query = format!("SELECT whole::text AS text FROM {table} AS whole");
                all.push_str(&lines(connection, &query)?.join("\n"));
                all.push('\n');
            }
            Ok(all)
        });
        match read.await {
            Ok(Ok(contents)) => contents,
            Ok(Err(error)) => panic!("the tables cannot be read: {error:#}"),
            Err(error) => panic!("the tables were not read: {error}"),
        }
    }

    /// Where `scripts/services` keeps the files of this server and of its RabbitMQ, everything written out; `None` for
    /// servers that were given to the tests, whose files these do not read.
    ///
    /// # Panics
    /// Where the servers are private and their files are not there: what was not looked at must not count as clean.
    pub async fn private_files(&self) -> Option<PathBuf> {
        if !Rights::may_be_made() {
            return None;
        }
        let url = of(&self.server, &self.name);
        let found = tokio::task::spawn_blocking(move || -> anyhow::Result<PathBuf> {
            let connection = &mut connect(&url)?;
            let query = "SELECT current_setting('data_directory') AS text";
            let data = lines(connection, query)?.into_iter().next().map(PathBuf::from);
            let state = data.as_deref().and_then(Path::parent).and_then(Path::parent);
            let state = state.filter(|state| state.join("identity").is_file());
            let state = state.context("scripts/services keeps no state where Postgres keeps its data")?;
            connection.batch_execute("CHECKPOINT")?;
            Ok(state.to_owned())
        });
        match found.await {
            Ok(Ok(state)) => Some(state),
            Ok(Err(error)) => panic!("the files of private servers cannot be found: {error:#}"),
            Err(error) => panic!("the files of private servers were not looked for: {error}"),
        }
    }
}

pub(super) fn lines(connection: &mut PgConnection, query: &str) -> anyhow::Result<Vec<String>> {
    let rows: Vec<Line> = sql_query(query).load(connection)?;
    Ok(rows.into_iter().map(|row| row.text).collect())
}
