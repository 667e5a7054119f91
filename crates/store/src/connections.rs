//! A pool of connections, and the one place where blocking queries leave the async threads.
//!
//! A connection is made on the thread that will use it, and the runtime waits for that thread when it ends. A pool with
//! threads of its own may still connect while the process exits, and OpenSSL, which libpq uses, crashes it then
//! (<https://github.com/diesel-rs/diesel/issues/3441>).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{mem, thread};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::{ConnectionError, PgConnection};
use tokio::sync::Semaphore;

use crate::error::{Fault, StoreError};
use crate::pooler::Pooler;
use crate::refusals::Refusals;

/// Limits for statements and locks that hang. They are set after connecting: `PgBouncer` refuses them at the start of a
/// session, and a URL's own `options` would replace them there.
const LIMITS: &str = "SET statement_timeout = 10000; SET lock_timeout = 3000; \
                      SET idle_in_transaction_session_timeout = 15000";
/// Our statements look up a few rows by an index. Their plans are made once per connection and must not depend on statistics,
/// which a young table does not have: without these, Postgres reads whole tables, or sorts all that is due, until it has
/// analysed them. Compiling a plan never pays.
const PLANS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off; \
                     SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off";

/// So long a refused connection is tried again: a server that restarts is back by then.
const TRIES_FOR: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(200);

/// A connection that was used within this time is taken to be alive, without asking.
const SURELY_ALIVE: Duration = Duration::from_secs(1);
/// The pool closes a connection that was idle for this long.
const IDLE_FOR: Duration = Duration::from_secs(600);
/// The pool replaces a connection of this age, so that it finds a restarted pooler or a new address.
const LIVES_FOR: Duration = Duration::from_secs(1_800);

/// A pool, and a permit for each of its connections, for which a caller waits as long as it takes. Clones share it.
#[derive(Clone)]
pub(crate) struct Connections {
    size: u32,
    /// The last was used last.
    idle: Arc<Mutex<Vec<Open>>>,
    permits: Arc<Semaphore>,
    pooler: Arc<Pooler>,
    refusals: Refusals,
}

struct Open {
    connection: PgConnection,
    made: Instant,
    used: Instant,
}

impl Connections {
    pub(crate) fn new(size: u32, pooler: &Arc<Pooler>, refusals: &Refusals) -> Self {
        let permits = usize::try_from(size).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            size,
            idle: Arc::default(),
            permits: Arc::new(Semaphore::new(permits)),
            pooler: Arc::clone(pooler),
            refusals: refusals.clone(),
        }
    }

    /// How many connections are in use now, and how many there may be.
    pub(crate) fn in_use(&self) -> (u32, u32) {
        let free = u32::try_from(self.permits.available_permits()).unwrap_or(self.size);
        (self.size.saturating_sub(free), self.size)
    }

    /// Runs queries on a blocking thread.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| StoreError::Interrupted)?;
        let connections = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            // Held until the connection is back in the pool, also when the caller has gone.
            let _permit = permit;
            let mut open = connections.take()?;
            connections.pooler.check(&mut open.connection)?;
            let done = work(&mut open.connection);
            connections.put_back(open, done.as_ref().err());
            done
        });
        task.await.map_err(|ended| {
            if ended.is_panic() {
                StoreError::Panicked
            } else {
                StoreError::Interrupted
            }
        })?
    }

    fn take(&self) -> Result<Open, StoreError> {
        let idle = self.lock().pop();
        if let Some(mut open) = idle.filter(|open| open.made.elapsed() < LIVES_FOR) {
            if open.used.elapsed() < SURELY_ALIVE || open.connection.batch_execute("SELECT 1").is_ok() {
                return Ok(open);
            }
            self.close_idle();
        }
        self.connect().map_err(|error| self.pooler.unavailable(error))
    }

    /// A connection within [`TRIES_FOR`], or why the last try failed.
    #[expect(
        clippy::disallowed_methods,
        reason = "libpq connects synchronously, on a blocking thread that serves this caller alone"
    )]
    fn connect(&self) -> Result<Open, ConnectionError> {
        let begun = Instant::now();
        loop {
            let error = match self.try_to_connect() {
                Ok(connection) => {
                    self.refusals.forget();
                    let now = Instant::now();
                    return Ok(Open {
                        connection,
                        made: now,
                        used: now,
                    });
                }
                Err(error) => error,
            };
            self.refusals.note(&error);
            if begun.elapsed() + PAUSE > TRIES_FOR {
                return Err(error);
            }
            thread::sleep(PAUSE);
        }
    }

    fn try_to_connect(&self) -> Result<PgConnection, ConnectionError> {
        let mut connection = self.pooler.establish()?;
        connection
            .batch_execute(&format!("{LIMITS}; {PLANS}"))
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(connection)
    }

    fn put_back(&self, mut open: Open, failed: Option<&StoreError>) {
        // Unclear is also what Postgres says as it ends a session.
        if failed.is_some_and(|error| matches!(error.fault(), Fault::Outage | Fault::Unclear)) {
            self.close_idle();
        } else if !AnsiTransactionManager::is_broken_transaction_manager(&mut open.connection) {
            open.used = Instant::now();
            let mut idle = self.lock();
            idle.push(open);
            idle.retain(|open| open.used.elapsed() < IDLE_FOR);
        }
    }

    /// The server that one connection led to is gone, or may not be written to any more: so it is with the others.
    fn close_idle(&self) {
        drop(mem::take(&mut *self.lock()));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Open>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
