//! Connections to Postgres, and the one place where blocking queries leave the async threads.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::r2d2::{ConnectionManager, Pool};
use diesel::sql_types::{Text, Timestamptz};
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl};

use crate::error::StoreError;
use crate::migrations;

/// Postgres, behind a pool. Cheap to clone. Connects when it is first needed, so a server that is away at start does
/// not end the process.
#[derive(Clone)]
pub struct Store {
    pool: Pool<ConnectionManager<PgConnection>>,
}

/// Limits for a server that hangs: without them a query could wait for ever on a half-open connection.
const LIMITS: &[(&str, &str)] = &[
    ("connect_timeout", "5"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "15000"),
    (
        "options",
        "-c%20statement_timeout%3D10000%20-c%20lock_timeout%3D3000%20-c%20idle_in_transaction_session_timeout%3D15000",
    ),
];

/// Who looks each second whether Postgres is there has noticed within 2 s that it is not: not even a connection to be had
/// is waited for longer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

const LOOK_FOR_SCHEMA_EVERY: Duration = Duration::from_millis(500);

impl Store {
    /// A pool of at most `size` connections that name themselves `program` to the server.
    pub fn new(url: &str, size: u32, program: &str) -> Result<Self, StoreError> {
        let manager = ConnectionManager::new(with_limits(url, program));
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .connection_timeout(Duration::from_secs(2))
            .error_handler(Box::new(r2d2::NopErrorHandler))
            .build_unchecked(manager);
        Ok(Self { pool })
    }

    /// Runs queries on a blocking thread.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let pool = self.pool.clone();
        let task = tokio::task::spawn_blocking(move || {
            let mut connection = pool.get().map_err(StoreError::Unavailable)?;
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

    /// Runs queries in one transaction on a blocking thread.
    pub async fn transaction<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(move |connection| connection.transaction(work)).await
    }

    /// Runs queries in one transaction on a blocking thread, and takes everything back whatever they say.
    pub async fn rehearse<T: Send + 'static>(
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

    /// Waits until Postgres is there and has a schema that this program knows. Nothing changes a schema by itself: `desk
    /// migrate` does.
    pub async fn schema_known(&self) {
        while !matches!(self.run(migrations::missing).await, Ok(None)) {
            tokio::time::sleep(LOOK_FOR_SCHEMA_EVERY).await;
        }
    }

    /// Whether Postgres answers within a second and has the schema that this program needs; else what is missing, for
    /// people.
    pub async fn holds(&self) -> Result<(), String> {
        match tokio::time::timeout(ANSWERS_WITHIN, self.run(migrations::missing)).await {
            Ok(Ok(None)) => Ok(()),
            Ok(Ok(Some(version))) => Err(format!("the schema lacks the step {version}; run `desk migrate`")),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("Postgres does not answer".to_owned()),
        }
    }
}

fn with_limits(url: &str, program: &str) -> String {
    if !url.contains("://") {
        return url.to_owned(); // libpq's keyword form: whoever writes it sets the limits there.
    }
    let mut full = url.to_owned();
    let named = ("application_name", program);
    for (key, value) in LIMITS.iter().copied().chain([named]) {
        if !url.contains(&format!("{key}=")) {
            full.push(if full.contains('?') { '&' } else { '?' });
            full.push_str(&format!("{key}={value}"));
        }
    }
    full
}

/// Waits at most so long for each lock, until the end of the transaction.
pub fn wait_for_locks(connection: &mut PgConnection, at_most: Duration) -> Result<(), StoreError> {
    diesel::sql_query("SELECT set_config('lock_timeout', $1, true)")
        .bind::<Text, _>(format!("{}ms", at_most.as_millis()))
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("set how long locks are waited for"))
}

#[derive(QueryableByName)]
struct Clock {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

/// The database's clock, which rules due times.
pub fn clock(connection: &mut PgConnection) -> Result<DateTime<Utc>, StoreError> {
    diesel::sql_query("SELECT clock_timestamp() AS now")
        .get_result::<Clock>(connection)
        .map(|clock| clock.now)
        .map_err(StoreError::query("read the database's clock"))
}
