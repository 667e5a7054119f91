//! Everything that lies in a database, for tests that look for what must not.

use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};

use super::{Database, connect, of};

const TABLES: &str = "SELECT quote_ident(tablename) AS text FROM pg_tables WHERE schemaname = 'public'";

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

impl Database {
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
    /// servers that are somebody else's, whose files are nobody's business.
    pub async fn private_files(&self) -> Option<PathBuf> {
        let url = of(&self.server, &self.name);
        let found = tokio::task::spawn_blocking(move || -> anyhow::Result<Option<PathBuf>> {
            let connection = &mut connect(&url)?;
            let query = "SELECT current_setting('data_directory') AS text";
            let data = lines(connection, query)?.into_iter().next().map(PathBuf::from);
            let state = data.as_deref().and_then(Path::parent).and_then(Path::parent);
            let Some(state) = state.filter(|state| state.join("identity").is_file()) else {
                return Ok(None);
            };
            connection.batch_execute("CHECKPOINT")?;
            Ok(Some(state.to_owned()))
        });
        // A user who may not see where the data lie is not on a server of ours.
        found.await.ok()?.ok()?
    }
}

fn lines(connection: &mut PgConnection, query: &str) -> anyhow::Result<Vec<String>> {
    let rows: Vec<Line> = sql_query(query).load(connection)?;
    Ok(rows.into_iter().map(|row| row.text).collect())
}
