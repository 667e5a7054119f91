//! `desk letters list`: letters are imported, listed and counted.

use std::collections::BTreeSet;

use domain::dead_letter::DeadLetterReason::{CannotBeApplied, Refused, Undecodable};
use serde_json::{Value, json};

use super::Office;

#[tokio::test]
async fn what_lies_in_the_dead_queues_is_taken_in_and_listed() {
    let office = Office::open().await;
    office.event_is_dead_lettered("evt_7", CannotBeApplied).await;
    office.reminder_is_dead_lettered(Refused).await;

    let letters = office.list("").await;

    let (event, message) = (&letters[0], &letters[1]);
    for (field, of_event, of_message) in [
        ("kind", json!("events"), json!("messages")),
        ("reason", json!("cannot_be_applied"), json!("refused")),
        ("error", json!("cannot save bookings"), json!("")),
        ("resort", json!("azure-bay"), json!("azure-bay")),
        ("booking", json!("BK-1001"), json!("BK-1001")),
        ("message_kind", Value::Null, json!("reminder_1")),
        ("event_type", json!("booking_abandoned"), Value::Null),
        ("attempts", json!(4), json!(1)),
        ("state", json!("open"), json!("open")),
        ("message_state", Value::Null, json!("dead")),
    ] {
        assert_eq!(
            (&event[field], &message[field]),
            (&of_event, &of_message),
            "{field}"
        );
    }
    assert_eq!(event["died_at"], "2026-11-24T10:00:00Z");
    assert!(event["id"].is_i64());
    let depths = office.depths().await;
    assert_eq!((depths.dead_events, depths.dead_messages), (0, 0));
    let text = office.letters("list").await;
    for word in [
        "azure-bay/BK-1001",
        "reminder_1",
        "refused",
        "TRIES",
        "cannot_be_applied  4 ",
    ] {
        assert!(
            text.check(0).stdout.contains(word),
            "{word} is missing in {text:?}"
        );
    }
}

#[tokio::test]
async fn open_letters_are_listed_unless_others_are_asked_for() {
    let office = Office::open().await;
    office.event_is_dead_lettered("evt_1", CannotBeApplied).await;
    office.event_is_dead_lettered("evt_2", Undecodable).await;
    office.reminder_is_dead_lettered(Refused).await;
    let events = office.list("--kind events").await;
    office
        .letters(&format!("close {} --note done", events[0]["id"]))
        .await
        .check(0);

    let reasons = async |arguments: &str| {
        let letters = office.list(arguments).await;
        letters
            .iter()
            .map(|letter| letter["reason"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(reasons("").await, ["undecodable", "refused"]);
    assert_eq!(reasons("--open --kind events").await, ["undecodable"]);
    assert_eq!(reasons("--closed").await, ["cannot_be_applied"]);
    assert_eq!(reasons("--reason refused").await, ["refused"]);
    let neighbour = "INSERT INTO bookings (key, resort, id, status, sealed_facts, stands) \
                     SELECT 'blue-cove/BK-1', 'blue-cove', 'BK-1', status, sealed_facts, stands FROM bookings";
    office.database.execute(neighbour).await;
    assert_eq!(reasons("--resort blue-cove").await, [""; 0]);
}

#[tokio::test]
async fn letters_are_counted_by_reason() {
    let office = Office::open().await;
    for id in ["evt_1", "evt_2"] {
        office.event_is_dead_lettered(id, CannotBeApplied).await;
    }

    let counts = office.list("--by reason").await;

    let expected =
        json!({ "reason": "cannot_be_applied", "count": 2, "oldest_died_at": "2026-11-24T10:00:00Z" });
    assert_eq!(counts, [expected]);
    let text = office.letters("list --by reason").await;
    assert!(
        text.check(0)
            .stdout
            .contains("\n2        cannot_be_applied  2026-11-24T10:00:00Z\n"),
        "{text:?}"
    );
}

// shows: B104
#[tokio::test]
async fn with_the_broker_away_the_desk_warns_and_shows_what_is_stored() {
    let office = Office::open().await;
    office.event_is_dead_lettered("evt_1", CannotBeApplied).await;
    office.list("").await;
    let nowhere = "amqp://u:hunter2@127.0.0.1:1/%2f";

    let ended = office.letters_at(nowhere, "anna", "list --json").await;

    assert_eq!(ended.json().as_array().unwrap().len(), 1);
    assert!(ended.stderr.contains("dead_queues_not_emptied"), "{ended:?}");
    assert!(!ended.stderr.contains("hunter2"), "{ended:?}");
}

#[tokio::test]
async fn a_dead_queue_that_is_missing_is_a_warning_too_and_the_other_is_emptied() {
    let office = Office::open().await;
    office.event_is_dead_lettered("evt_1", CannotBeApplied).await;
    office.vhost.delete_queue("dead.messages").await;

    let ended = office.letters("list --json").await;

    assert_eq!(ended.json().as_array().unwrap().len(), 1);
    assert!(ended.stderr.contains("dead_queues_not_emptied"), "{ended:?}");
}

#[tokio::test]
async fn desks_that_empty_the_queues_at_once_lose_and_double_nothing() {
    let office = Office::open().await;
    for number in 0..150 {
        office
            .event_is_dead_lettered(&format!("evt_{number}"), CannotBeApplied)
            .await;
    }

    let desks = tokio::join!(
        office.letters("list --json"),
        office.letters("list --json"),
        office.letters("list --json")
    );

    for ended in [&desks.0, &desks.1, &desks.2] {
        ended.check(0);
    }
    let letters = office.list("").await;
    let ids: BTreeSet<i64> = letters
        .iter()
        .map(|letter| letter["id"].as_i64().unwrap())
        .collect();
    assert_eq!((letters.len(), ids.len()), (150, 150));
    assert_eq!(office.depths().await.dead_events, 0);
}
