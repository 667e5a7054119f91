//! What Postgres, or the way to it, said last when it refused a connection.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ::r2d2::HandleError;
use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use diesel::r2d2::{self, CustomizeConnection};

/// Limits for statements and locks that hang. They are set after connecting: `PgBouncer` refuses them at the start of a
/// session, and a URL's own `options` would replace them there.
const LIMITS: &str = "SET statement_timeout = 10000; SET lock_timeout = 3000; \
                      SET idle_in_transaction_session_timeout = 15000";
/// Our statements look up a few rows by an index. Their plans are made once per connection and must not depend on statistics,
/// which a young table does not have: without these, Postgres reads whole tables, or sorts all that is due, until it has
/// analysed them. Compiling a plan never pays.
const PLANS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off; \
                     SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off";
/// The pool tries at least each second, but a host that does not answer takes 5 s.
const FRESH_FOR: Duration = Duration::from_secs(15);
/// What libpq says of an option that it does not know repeats its name, which may be the rest of a password that was not
/// quoted.
const UNKNOWN_OPTION: [&str; 2] = ["invalid connection option", "invalid URI query parameter"];

/// Watches the pool's connections come and fail; clones share what they saw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusals(Arc<Mutex<Option<(Instant, String)>>>);

impl Refusals {
    /// Why the last connection failed; `None` where none failed lately, or one succeeded since.
    pub(crate) fn latest(&self) -> Option<String> {
        let latest = self.lock();
        let (at, said) = latest.as_ref()?;
        (at.elapsed() < FRESH_FOR).then(|| said.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Instant, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HandleError<r2d2::Error> for Refusals {
    fn handle_error(&self, error: r2d2::Error) {
        let said = match error {
            r2d2::Error::ConnectionError(cause) => cause.to_string(),
            r2d2::Error::QueryError(cause) => cause.to_string(),
        };
        *self.lock() = Some((Instant::now(), in_one_line(&said)));
    }
}

impl CustomizeConnection<PgConnection, r2d2::Error> for Refusals {
    fn on_acquire(&self, connection: &mut PgConnection) -> Result<(), r2d2::Error> {
        connection
            .batch_execute(&format!("{LIMITS}; {PLANS}"))
            .map_err(r2d2::Error::QueryError)?;
        *self.lock() = None;
        Ok(())
    }
}

pub(crate) fn in_one_line(said: &str) -> String {
    if UNKNOWN_OPTION.iter().any(|unknown| said.starts_with(unknown)) {
        return "DATABASE_URL names an option that libpq does not know".to_owned();
    }
    let lines = said
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}
