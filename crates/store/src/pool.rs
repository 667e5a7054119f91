//! Connections to Postgres, and the one place where blocking queries leave the async threads.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::r2d2::{ConnectionManager, Pool};
use diesel::sql_types::{Text, Timestamptz};
use diesel::{Connection as _, PgConnection, RunQueryDsl};
use domain::error_chain::chain;
use tokio::sync::Semaphore;

use crate::database_url::DatabaseUrl;
use crate::error::StoreError;
use crate::migrations;
use crate::pooler::{self, Pooler};
use crate::prepared;
use crate::refusals::{self, Refusals};
use crate::rows::Value;

/// Postgres, behind a pool. Cheap to clone. Connects when it is first needed, so a server that is away at start does
/// not end the process.
#[derive(Clone)]
pub struct Store {
    working: Connections,
    /// For [`check`](Store::check) alone, so that readiness says nothing of how busy the process is.
    checking: Connections,
    pooler: Arc<Pooler>,
    refusals: Refusals,
}

/// A pool, and a permit for each of its connections. A caller waits for a permit first, as long as it takes, so
/// that the pool's time-out means that Postgres is away, never that the pool is busy.
#[derive(Clone)]
struct Connections {
    pool: Pool<ConnectionManager<PgConnection>>,
    permits: Arc<Semaphore>,
}

/// One for the readiness check, and one for the next check should the first hang in a half-open connection.
const CHECKING: u32 = 2;

/// The readiness check gives up after this, so that an outage shows in `/readyz` within 2 s.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

const LOOK_FOR_SCHEMA_EVERY: Duration = Duration::from_millis(500);

impl Store {
    /// A pool of at most `size` connections that name themselves `program` to the server.
    pub fn new(url: &DatabaseUrl, size: u32, program: &str) -> Self {
        let url = url.limited(program);
        let refusals = Refusals::default();
        Self {
            working: Connections::new(&url, size, &refusals),
            checking: Connections::new(&url, CHECKING, &refusals),
            pooler: Arc::new(Pooler::new(url)),
            refusals,
        }
    }

    /// How many connections of the pool are in use now, and how many there may be.
    pub fn connections_in_use(&self) -> (u32, u32) {
        let most = self.working.pool.max_size();
        let free = u32::try_from(self.working.permits.available_permits()).unwrap_or(most);
        (most.saturating_sub(free), most)
    }

    /// Runs queries on a blocking thread.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.working.run(&self.pooler, work).await
    }

    /// Runs queries in one transaction on a blocking thread.
    pub async fn transaction<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(move |connection| connection.transaction(work)).await
    }

    /// Runs queries in one transaction on a blocking thread, and takes everything back whatever they say.
    pub async fn canary<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(move |connection| {
            let mut said = None;
            let ended = connection.transaction(|connection| {
                said = Some(work(connection));
                Err::<(), _>(StoreError::from(diesel::result::Error::RollbackTransaction))
            });
            match (said, ended) {
                (Some(said), _) => said,
                (None, Err(error)) => Err(error),
                (None, Ok(())) => Err(StoreError::Interrupted),
            }
        })
        .await
    }

    /// A connection beside the pool, for what must stay in one session.
    pub(crate) fn connect(&self) -> Result<PgConnection, StoreError> {
        self.pooler.connect()
    }

    /// Waits until Postgres is there and has a schema that this program knows. Nothing changes a schema by itself: `desk
    /// migrate` does.
    ///
    /// # Errors
    /// [`StoreError::TransactionPooling`], which no waiting mends.
    pub async fn schema_known(&self) -> Result<(), StoreError> {
        loop {
            match self.run(migrations::missing).await {
                Ok(None) => return Ok(()),
                Err(error @ StoreError::TransactionPooling) => return Err(error),
                Ok(Some(_)) | Err(_) => tokio::time::sleep(LOOK_FOR_SCHEMA_EVERY).await,
            }
        }
    }

    /// Whether Postgres answers within a second and has the schema that this program needs; else what is missing, for
    /// people, in Postgres' own words where it has said any.
    pub async fn check(&self) -> Result<(), String> {
        if self.pooler.lends_transactions() {
            return Err(StoreError::TransactionPooling.to_string());
        }
        match tokio::time::timeout(
            ANSWERS_WITHIN,
            self.checking.run(&self.pooler, migrations::missing),
        )
        .await
        {
            Ok(Ok(None)) => Ok(()),
            Ok(Ok(Some(version))) => Err(format!("the schema lacks the step {version}; run `desk migrate`")),
            Ok(Err(StoreError::Unavailable(_))) | Err(_) => Err(match self.refusals.latest() {
                Some(said) if pooler::tells_of_transactions(&said) => {
                    StoreError::TransactionPooling.to_string()
                }
                Some(said) => format!("cannot connect to Postgres: {said}"),
                None => "Postgres does not answer".to_owned(),
            }),
            Ok(Err(error)) => Err(refusals::in_one_line(&chain(&error))),
        }
    }
}

impl Connections {
    fn new(url: &str, size: u32, refusals: &Refusals) -> Self {
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .connection_timeout(Duration::from_secs(2))
            .error_handler(Box::new(refusals.clone()))
            .connection_customizer(Box::new(refusals.clone()))
            .build_unchecked(ConnectionManager::new(url));
        let permits = usize::try_from(size).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            pool,
            permits: Arc::new(Semaphore::new(permits)),
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        pooler: &Arc<Pooler>,
        work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| StoreError::Interrupted)?;
        let (pool, pooler) = (self.pool.clone(), Arc::clone(pooler));
        let task = tokio::task::spawn_blocking(move || {
            // Held until the connection is back in the pool, also when the caller has gone.
            let _permit = permit;
            let mut connection = pool.get().map_err(|error| pooler.unavailable(error))?;
            pooler.check(&mut connection)?;
            work(&mut connection)
        });
        task.await.map_err(|ended| {
            if ended.is_panic() {
                StoreError::Panicked
            } else {
                StoreError::Interrupted
            }
        })?
    }
}

/// Waits at most so long for each lock, until the end of the transaction.
pub fn wait_for_locks(connection: &mut PgConnection, at_most: Duration) -> Result<(), StoreError> {
    prepared::sql("SELECT set_config('lock_timeout', $1, true)")
        .bind::<Text, _>(format!("{}ms", at_most.as_millis()))
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("set how long locks are waited for"))
}

/// The database's clock, which rules due times.
pub fn clock(connection: &mut PgConnection) -> Result<DateTime<Utc>, StoreError> {
    prepared::sql("SELECT clock_timestamp()")
        .get_result::<Value<Timestamptz, DateTime<Utc>>>(connection)
        .map(|clock| clock.0)
        .map_err(StoreError::query("read the database's clock"))
}
