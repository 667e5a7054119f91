//! The schema's versions, on databases of every age.

use diesel::connection::SimpleConnection;
use store::{StoreError, migrations};
use testkit::database::Database;

async fn missing(database: &Database) -> Result<Option<String>, StoreError> {
    database.store().run(migrations::missing).await
}

#[tokio::test]
async fn an_empty_database_lacks_the_newest_step_and_a_current_one_lacks_none() {
    let (empty, current) = (Database::create_empty().await, Database::create().await);

    assert!(missing(&empty).await.unwrap().is_some());
    assert_eq!(missing(&current).await.unwrap(), None);
}

// shows: G5
#[tokio::test]
async fn an_older_database_lacks_what_came_since_and_a_newer_one_lacks_none() {
    let database = Database::create().await;
    let store = database.store();
    let change = |statement: &'static str| {
        store.run(move |connection| {
            connection.batch_execute(statement).unwrap();
            Ok(())
        })
    };

    change("DELETE FROM __diesel_schema_migrations WHERE version = '20261123000001'")
        .await
        .unwrap();
    assert_eq!(
        missing(&database).await.unwrap().as_deref(),
        Some("20261123000001")
    );

    change("INSERT INTO __diesel_schema_migrations (version) VALUES ('20261123000001'), ('20990101000000')")
        .await
        .unwrap();
    assert_eq!(missing(&database).await.unwrap(), None);
}

#[tokio::test]
async fn migrating_twice_at_once_takes_every_step_once() {
    let database = Database::create_empty().await;
    let (one, other) = (database.store(), database.store());

    let (one, other) = tokio::join!(one.run(migrations::migrate), other.run(migrations::migrate));

    let mut steps = [one.unwrap().len(), other.unwrap().len()];
    steps.sort_unstable();
    assert!(steps[0] == 0 && steps[1] > 0, "{steps:?}");
    assert_eq!(missing(&database).await.unwrap(), None);
}

#[tokio::test]
async fn a_user_without_rights_is_told_so_and_not_that_the_schema_is_old() {
    let database = Database::create().await;

    let told = database
        .store()
        .run(|connection| {
            connection.batch_execute("SET ROLE pg_read_all_settings").unwrap();
            migrations::missing(connection)
        })
        .await;

    let error = told.unwrap_err();
    assert_eq!(error.to_string(), "cannot read the schema's version");
}

/// Waits until a statement counts something.
async fn until(database: &Database, statement: &str) {
    while database.count(statement).await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

// shows: B241
#[tokio::test]
async fn while_a_migration_waits_for_a_table_others_use_it() {
    let database = Database::create().await;
    let undone = "ALTER TABLE senders DROP COLUMN knows; \
                  DELETE FROM __diesel_schema_migrations WHERE version = '20261129000005'";
    database.execute(undone).await;
    let user = database.hold("LOCK TABLE senders IN ACCESS SHARE MODE").await;

    let store = database.store();
    let migrating = tokio::spawn(async move { store.run(migrations::migrate).await });
    let waits = "SELECT count(*) AS count FROM pg_locks \
                 WHERE NOT granted AND mode = 'AccessExclusiveLock' AND relation = 'senders'::regclass";
    until(&database, waits).await;
    // It would wait behind the migration until the user of the table is done.
    assert_eq!(database.count("SELECT count(*) AS count FROM senders").await, 0);
    assert!(!migrating.is_finished());
    drop(user);

    assert_eq!(migrating.await.unwrap().unwrap(), ["20261129000005"]);
    assert_eq!(missing(&database).await.unwrap(), None);
}

// shows: B242
#[tokio::test]
async fn an_index_whose_building_was_interrupted_is_built_again() {
    let database = Database::create().await;
    let undone =
        "DROP INDEX messages_paced; DELETE FROM __diesel_schema_migrations WHERE version = '20261129000006'";
    database.execute(undone).await;
    let user = database.hold("LOCK TABLE messages IN ROW EXCLUSIVE MODE").await;
    let index = include_str!("../../../../migrations/2026-11-29-000006_messages_paced/up.sql");
    let store = database.store();
    let interrupted = store.run(|connection| {
        connection.batch_execute("SET lock_timeout = 20").unwrap();
        Ok(connection.batch_execute(index))
    });
    interrupted.await.unwrap().unwrap_err();
    drop(user);
    let valid =
        "SELECT count(*) AS count FROM pg_index WHERE indexrelid = 'messages_paced'::regclass AND indisvalid";
    assert_eq!(database.count(valid).await, 0);

    let taken = database.store().run(migrations::migrate).await.unwrap();

    assert_eq!(taken, ["20261129000006"]);
    assert_eq!(database.count(valid).await, 1);
}
