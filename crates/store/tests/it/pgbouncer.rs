//! A real `PgBouncer` between the store and Postgres.

use std::time::Duration;

use store::{DatabaseUrl, Store, StoreError};
use testkit::database::Database;
use testkit::server::{self, Server};

async fn behind(database: &Database, mode: &str) -> (Server, Store) {
    let (server, url) = server::pgbouncer(&database.url(), mode).await.unwrap();
    (server, Store::new(&DatabaseUrl::parse(&url).unwrap(), 3, "test"))
}

#[tokio::test]
async fn session_mode_works_without_settings_of_its_own() {
    let database = Database::create().await;
    let (_server, store) = behind(&database, "session").await;

    let known = tokio::time::timeout(Duration::from_secs(20), store.schema_known()).await;

    assert!(matches!(known, Ok(Ok(()))), "{known:?}");
    assert_eq!(store.check().await, Ok(()));
    let limit = super::connecting::setting(&store, "statement_timeout").await;
    assert_eq!(limit, "10s");
}

#[tokio::test]
async fn transaction_mode_is_refused_by_name() {
    let database = Database::create().await;
    let (_server, store) = behind(&database, "transaction").await;

    let known = tokio::time::timeout(Duration::from_secs(20), store.schema_known()).await;

    assert!(
        matches!(known, Ok(Err(StoreError::TransactionPooling))),
        "{known:?}"
    );
    let told = store.check().await.unwrap_err();
    assert!(
        told.contains("transaction mode") && told.contains("pool_mode = session"),
        "{told}"
    );
}
