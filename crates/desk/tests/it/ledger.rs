//! `desk ledger check`

use testkit::database::Database;
use testkit::vhost::Vhost;

use crate::bookings::booked;
use crate::program::{CONFIG, Ended, desk};

async fn check(database: &Database, amqp_url: &str, arguments: &[&str]) -> Ended {
    let database_url = database.url();
    let environment = [
        ("DATABASE_URL", database_url.as_str()),
        ("AMQP_URL", amqp_url),
        ("BELLHOP_CONFIG", CONFIG),
    ];
    desk(&[&["ledger", "check"], arguments].concat(), &environment, "").await
}

async fn queues() -> Vhost {
    let vhost = Vhost::create().await;
    let address = broker::Address::parse(&vhost.url()).unwrap();
    broker::topology::declare(&address).await.unwrap();
    vhost
}

#[tokio::test]
async fn books_in_order_end_with_0_and_a_summary() {
    let (database, vhost) = tokio::join!(booked(), queues());

    let ended = check(&database, &vhost.url(), &[]).await;

    let stdout = &ended.check(0).stdout;
    assert!(stdout.contains("messages  queued 1"), "{stdout}");
    assert!(stdout.contains("nothing is stuck"), "{stdout}");
    let json = check(&database, &vhost.url(), &["--json"]).await.json();
    assert_eq!(json["counts"]["events"]["applied"], 1);
    assert_eq!(json["findings"].as_array().unwrap().len(), 0);
}

// shows: G17
#[tokio::test]
async fn what_hangs_is_listed_with_where_to_look_and_ends_with_1() {
    let (database, vhost) = tokio::join!(booked(), queues());
    database
        .execute("UPDATE messages SET state = 'unknown', claimed_at = now() - interval '1 hour'")
        .await;

    let ended = check(&database, &vhost.url(), &[]).await;

    let stdout = &ended.check(1).stdout;
    assert!(stdout.contains("unknown_too_long"), "{stdout}");
    assert!(stdout.contains("does a sender run?"), "{stdout}");
    assert!(stdout.contains("1 finding"), "{stdout}");
    let ended = check(&database, &vhost.url(), &["--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&ended.check(1).stdout).unwrap();
    assert_eq!(json["findings"][0]["trouble"], "unknown_too_long");
    assert_eq!(json["findings"][0]["booking"], "azure-bay/BK-1001");
}

#[tokio::test]
async fn it_allows_as_much_as_it_is_told_and_as_the_senders_are() {
    let (database, vhost) = tokio::join!(booked(), queues());
    database
        .execute(
            "UPDATE messages SET state = 'unknown', claimed_at = now() - interval '1 hour'; \
             UPDATE bookings SET wake_at = now() - interval '1 minute'",
        )
        .await;
    let (database_url, amqp_url) = (database.url(), vhost.url());
    let environment = [
        ("DATABASE_URL", database_url.as_str()),
        ("AMQP_URL", amqp_url.as_str()),
        ("BELLHOP_CONFIG", CONFIG),
        ("SENDER_SILENCE_LETTER", "2h"),
    ];

    desk(&["ledger", "check"], &environment, "").await.check(0);
    let strict = desk(&["ledger", "check", "--margin", "10s"], &environment, "").await;

    let stdout = &strict.check(1).stdout;
    assert!(stdout.contains("wake_up_overdue"), "{stdout}");
    assert!(!stdout.contains("unknown_too_long"), "{stdout}");
}

#[tokio::test]
async fn with_the_broker_away_it_warns_and_misses_no_letter() {
    let database = booked().await;
    database
        .execute(
            "UPDATE messages SET state = 'dead', reason = 'refused', updated_at = now() - interval '1 day'",
        )
        .await;

    let ended = check(&database, "amqp://user:nothing@127.0.0.1:1/%2f", &[]).await;

    assert!(
        ended.check(0).stderr.contains("dead_queues_not_emptied"),
        "{ended:?}"
    );
}

// shows: B252
#[tokio::test]
async fn events_that_a_log_calls_accepted_and_that_are_not_stored_are_listed() {
    let (database, vhost) = tokio::join!(booked(), queues());
    let (database_url, amqp_url) = (database.url(), vhost.url());
    let environment = [
        ("DATABASE_URL", database_url.as_str()),
        ("AMQP_URL", amqp_url.as_str()),
        ("BELLHOP_CONFIG", CONFIG),
    ];
    let line = |id: &str| {
        format!(
            r#"{{"time":"2026-11-29T10:00:00Z","event":"webhook","source":"direct","event.id":"{id}","event.type":"booking_abandoned","resort.id":"azure-bay","booking.id":"BK-7","answer":"accepted"}}"#
        )
    };
    let known = database
        .lines("SELECT split_part(key, '/', 2) AS text FROM events")
        .await
        .unwrap();
    let log = [line(&known[0]), line("evt_lost"), line("evt_lost")].join("\n");

    let ended = desk(&["ledger", "check", "--accepted", "-"], &environment, &log).await;

    let stdout = &ended.check(1).stdout;
    assert!(stdout.contains("accepted_event_missing"), "{stdout}");
    assert!(stdout.contains("direct/evt_lost"), "{stdout}");
    assert!(stdout.contains("1 finding"), "{stdout}");
}

#[tokio::test]
async fn it_names_everything_that_it_lacks() {
    let ended = desk(&["ledger", "check"], &[], "").await;

    for name in ["DATABASE_URL", "AMQP_URL", "BELLHOP_CONFIG"] {
        assert!(ended.check(2).stderr.contains(name), "{ended:?}");
    }
}
