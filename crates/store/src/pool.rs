//! The way to Postgres that a program holds.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Text, Timestamptz};
use diesel::{Connection as _, PgConnection, RunQueryDsl};
use domain::error_chain::chain;

use crate::connections::Connections;
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
        let pooler = Arc::new(Pooler::new(url));
        Self {
            working: Connections::new(size, &pooler, &refusals),
            checking: Connections::new(CHECKING, &pooler, &refusals),
            pooler,
            refusals,
        }
    }

    /// How many connections of the pool are in use now, and how many there may be.
    pub fn connections_in_use(&self) -> (u32, u32) {
        self.working.in_use()
    }

    /// Runs queries on a blocking thread.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.working.run(work).await
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
        match tokio::time::timeout(ANSWERS_WITHIN, self.checking.run(migrations::missing)).await {
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
