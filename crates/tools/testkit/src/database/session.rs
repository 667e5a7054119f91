//! A connection that stays open, for what is asked again and again.

use diesel::PgConnection;
use diesel::connection::SimpleConnection;

use super::{Database, connect, contents, of};

/// A session of the server's own user. Its calls block.
pub struct Session(PgConnection);

impl Database {
    /// A session of its own in this database.
    ///
    /// # Errors
    /// Where the server refuses.
    pub fn session(&self) -> anyhow::Result<Session> {
        Ok(Session(connect(&of(&self.server, &self.name))?))
    }
}

impl Session {
    /// Runs statements.
    ///
    /// # Errors
    /// Where the server refuses.
    pub fn execute(&mut self, statements: &str) -> anyhow::Result<()> {
        Ok(self.0.batch_execute(statements)?)
    }

    /// What a statement selects, as `text`.
    ///
    /// # Errors
    /// Where the server refuses.
    pub fn lines(&mut self, query: &str) -> anyhow::Result<Vec<String>> {
        contents::lines(&mut self.0, query)
    }
}
