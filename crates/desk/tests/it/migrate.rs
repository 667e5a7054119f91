//! `desk migrate`

use testkit::database::Database;
use testkit::vhost::Vhost;

use crate::program::desk;

#[tokio::test]
async fn migrating_prepares_both_servers_and_once_more_changes_nothing() {
    let (database, vhost) = (Database::create_empty().await, Vhost::create().await);
    let (database_url, amqp_url) = (database.url(), vhost.url());
    let environment = [
        ("DATABASE_URL", database_url.as_str()),
        ("AMQP_URL", amqp_url.as_str()),
    ];

    let first = desk(&["migrate"], &environment, "").await;
    assert!(first.check(0).stdout.contains("Postgres: applied"), "{first:?}");
    let second = desk(&["migrate"], &environment, "").await;
    assert!(second.check(0).stdout.contains("up to date"), "{second:?}");

    assert_eq!(
        database.store().run(store::migrations::missing).await.unwrap(),
        None
    );
    let broker = broker::Address::parse(&amqp_url).unwrap();
    broker::topology::verify(&broker).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_away_is_named_and_the_other_prepared_all_the_same() {
    let database = Database::create_empty().await;
    let database_url = database.url();
    let environment = [
        ("DATABASE_URL", database_url.as_str()),
        ("AMQP_URL", "amqp://u:hunter2@127.0.0.1:1/%2f"),
    ];

    let ended = desk(&["migrate"], &environment, "").await;

    assert!(ended.check(1).stderr.contains("RabbitMQ: "), "{ended:?}");
    assert!(
        ended.stdout.contains("Postgres: applied") && !ended.stderr.contains("hunter2"),
        "{ended:?}"
    );
}
