//! Whether a connection pooler such as `PgBouncer` lends each transaction another process of Postgres.
//!
//! Then advisory locks, settings and prepared statements end up with the next session, so nothing may run there.

use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Integer, Timestamptz};
use diesel::{Connection as _, ConnectionError, PgConnection, QueryableByName, RunQueryDsl, sql_query};

use crate::error::StoreError;

/// Others who use the pooler meanwhile may take the process that was just given back.
const ROUNDS: usize = 3;

/// What is known of the way to Postgres.
pub(crate) struct Pooler {
    url: String,
    serves_sessions: AtomicBool,
    lends_transactions: AtomicBool,
}

/// A process of Postgres. Two servers may use one number.
#[derive(PartialEq, QueryableByName)]
struct Backend {
    #[diesel(sql_type = Integer)]
    pid: i32,
    #[diesel(sql_type = Timestamptz)]
    started_at: DateTime<Utc>,
}

impl Pooler {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            serves_sessions: AtomicBool::new(false),
            lends_transactions: AtomicBool::new(false),
        }
    }

    pub(crate) fn establish(&self) -> Result<PgConnection, ConnectionError> {
        PgConnection::establish(&self.url).map_err(said_once)
    }

    pub(crate) fn connect(&self) -> Result<PgConnection, StoreError> {
        self.establish().map_err(|error| self.unavailable(error))
    }

    /// Compares this connection with one more, until that has succeeded once.
    pub(crate) fn check(&self, connection: &mut PgConnection) -> Result<(), StoreError> {
        if self.serves_sessions.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut other = self.connect()?;
        let first = backend(connection)?;
        for _ in 0..ROUNDS {
            if backend(&mut other)? == first || backend(connection)? != first {
                return Err(self.pooling());
            }
        }
        self.serves_sessions.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Why there is no connection.
    ///
    /// A new session has no prepared statements. Where one is in its way, a pooler lent it a process that another session
    /// has used, so that not even the first statement of a connection succeeds.
    pub(crate) fn unavailable(&self, error: ConnectionError) -> StoreError {
        if tells_of_transactions(&error.to_string()) {
            self.pooling()
        } else {
            StoreError::Unavailable(error)
        }
    }

    /// Whether any connection has shown it: another one may only show that it gets no answer.
    pub(crate) fn lends_transactions(&self) -> bool {
        self.lends_transactions.load(Ordering::Relaxed)
    }

    fn pooling(&self) -> StoreError {
        self.lends_transactions.store(true, Ordering::Relaxed);
        StoreError::TransactionPooling
    }
}

/// Whether what Postgres said of a new session is about a prepared statement of another one.
pub(crate) fn tells_of_transactions(said: &str) -> bool {
    said.contains("prepared statement")
}

fn backend(connection: &mut PgConnection) -> Result<Backend, StoreError> {
    let step = "ask which process of Postgres serves a connection";
    // In a transaction: outside of one, a pooler may part the query from its preparation.
    let asked = connection.transaction(|connection| {
        sql_query("SELECT pg_backend_pid() AS pid, pg_postmaster_start_time() AS started_at")
            .get_result(connection)
    });
    asked.map_err(StoreError::query(step))
}

/// libpq tries with TLS first and then without, and what is wrong with both is often the same.
fn said_once(error: ConnectionError) -> ConnectionError {
    let ConnectionError::BadConnection(text) = error else {
        return error;
    };
    let mut lines: Vec<&str> = text.lines().collect();
    lines.dedup();
    ConnectionError::BadConnection(lines.join("\n"))
}
