//! The loop of events, with a real queue: what is settled, what is delayed, and what becomes a dead letter.

use std::time::{Duration, Instant};

use domain::message::MessageState::Queued;
use serde_json::{Value, json};

use crate::logs;
use crate::notification::text;
use crate::scene::{ADA, BOB, CONFIRMATION, Scene};
use crate::webhook::Webhook;

fn delayed(scene: &Scene) -> bool {
    !scene.steps.metrics().contains("\nbellhop_events_delayed 0\n")
}

/// How many unreadable events became dead letters, as this process counts.
fn dead_events(scene: &Scene) -> usize {
    let metrics = scene.steps.metrics();
    let count = metrics
        .lines()
        .find_map(|line| line.strip_prefix("bellhop_events_total{outcome=\"dead\",type=\"unreadable\"} "));
    count.map_or(0, |count| count.parse().unwrap())
}

/// An operator bounds the queue of dead events.
async fn dead_events_hold_at_most(scene: &Scene, letters: u32) {
    let policy = json!({ "pattern": "^dead[.]events$", "apply-to": "queues",
        "definition": { "max-length": letters, "overflow": "reject-publish" } });
    let vhost = scene.vhost.as_ref().unwrap();
    vhost.api("PUT", "policies", "/bound", Some(policy)).await;
}

/// The queue of dead events takes no more.
async fn fill_dead_events(scene: &Scene) {
    for number in 0..3 {
        let vhost = scene.vhost.as_ref().unwrap();
        vhost
            .publish("dead.events", &format!("no envelope: {number}"))
            .await;
    }
    dead_events_hold_at_most(scene, 1).await;
}

/// An event with a field of its envelope changed.
fn changed(scene: &Scene, webhook: &Webhook, field: &str, value: Value) -> Vec<u8> {
    let mut envelope: Value = serde_json::from_slice(&scene.envelope(webhook)).unwrap();
    envelope.as_object_mut().unwrap().insert(field.to_owned(), value);
    envelope.to_string().into_bytes()
}

#[tokio::test]
async fn an_event_is_acknowledged_after_its_commit() {
    let mut scene = Scene::with_queues().await;
    scene.publish(&Webhook::confirmed("BK-1", ADA)).await;

    scene.steps.consume_once().await;

    assert_eq!(scene.state("BK-1", CONFIRMATION).await, (Queued, None));
    // Nothing of it is left in the queue, not even unsettled.
    scene.replace_processor();
    assert_eq!(scene.depths().await.events, 0);
    assert_eq!(scene.depths().await.dead_events, 0);
}

// shows: B101, G7
#[tokio::test]
async fn while_postgres_is_away_events_wait_and_none_becomes_a_dead_letter() {
    logs::begin();
    let mut scene = Scene::with_queues().await;
    let bookings = ["BK-1", "BK-2", "BK-3"];
    for booking in bookings {
        scene.publish(&Webhook::confirmed(booking, ADA)).await;
    }
    scene.database.shut().await;

    let opening = async {
        while logs::events("postgres_failed").len() < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        scene.database.open().await;
    };
    tokio::join!(scene.steps.consume_once(), opening);

    scene
        .consume_until("all are applied", async |scene| scene.count("events").await == 3)
        .await;
    for booking in bookings {
        assert_eq!(scene.state(booking, CONFIRMATION).await, (Queued, None));
    }
    assert_eq!(scene.depths().await.dead_events, 0);
    assert!(logs::events("event_refused").is_empty());
}

#[tokio::test]
async fn what_no_version_can_decode_is_a_dead_letter_at_once_and_its_neighbours_are_applied() {
    logs::begin();
    let mut scene = Scene::with_queues().await;
    scene
        .publish_bytes("direct/evt_bad", "reservation_confirmed", b"no envelope".to_vec())
        .await;
    scene.publish(&Webhook::confirmed("BK-1", ADA)).await;

    scene
        .consume_until("both are settled", async |scene| {
            scene.find("BK-1").await.is_some() && scene.depths().await.dead_events == 1
        })
        .await;

    let undecodable = logs::events("event_undecodable");
    assert_eq!(undecodable.len(), 1);
    assert_eq!(undecodable[0]["event.id"], "direct/evt_bad");
    let metrics = scene.steps.metrics();
    assert!(metrics.contains("bellhop_events_total{outcome=\"dead\",type=\"unreadable\"} 1"));
}

#[tokio::test]
async fn an_event_of_a_newer_version_is_delayed_given_back_and_makes_the_process_not_ready() {
    logs::begin();
    let mut scene = Scene::with_queues().await;
    let webhook = Webhook::confirmed("BK-1", ADA);
    let newer = changed(&scene, &webhook, "version", json!(99));
    scene
        .publish_bytes("direct/evt_new", "reservation_confirmed", newer)
        .await;

    scene
        .consume_until("it is delayed", async |scene| delayed(scene))
        .await;

    assert_eq!(logs::alerts("event_given_back").len(), 1);
    assert_eq!(scene.depths().await.events, 0);
    let report = serde_json::to_value(scene.steps.readiness().report()).unwrap();
    assert!(report.to_string().contains(r#""name":"events""#), "{report}");
    scene
        .consume_until("it is given back", async |_| {
            logs::alerts("event_given_back").len() == 2
        })
        .await;
    assert_eq!(scene.depths().await.dead_events, 0);
}

#[tokio::test]
async fn an_event_under_an_unknown_key_is_applied_by_the_processor_that_has_it() {
    let mut scene = Scene::with_queues().await;
    let other_keys = "second:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=,\
                      lookup:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
    let first_keys = testkit::world::Secrets::default().keys;
    let both = format!("second:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=,{first_keys}");
    scene.ring = std::sync::Arc::new(crypto::key_ring::KeyRing::parse(other_keys).unwrap());
    let webhook = Webhook::confirmed("BK-1", ADA);
    let envelope = scene.envelope(&webhook);
    assert_eq!(
        scene.steps.apply(std::slice::from_ref(&envelope)).await,
        ["undecodable"]
    );

    let other = scene.other_processor(&both);

    assert_eq!(other.apply(&[envelope]).await, ["committed"]);
    scene.steps.consume_once().await;
}

#[tokio::test]
async fn an_event_that_is_delivered_for_the_third_time_is_applied_alone_and_its_marker_is_deleted() {
    logs::begin();
    let mut scene = Scene::with_queues().await;
    scene
        .publish(&Webhook::confirmed("BK-1", ADA).with_id("evt_1"))
        .await;
    scene.delivered_in_vain(2).await;

    scene
        .consume_until("it is applied", async |scene| scene.find("BK-1").await.is_some())
        .await;

    let alone = logs::events("event_applied_alone");
    assert_eq!(alone.len(), 1);
    assert_eq!(alone[0]["event.id"], "direct/evt_1");
    assert_eq!(alone[0]["crashes"], "0");
    assert_eq!(scene.count("suspects").await, 0);
}

#[tokio::test]
async fn a_delayed_event_that_came_again_and_again_has_a_marker_at_its_next_try_too() {
    logs::begin();
    let mut scene = Scene::with_queues().await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    scene
        .sql("ALTER TABLE bookings ADD CONSTRAINT refused CHECK (id <> 'BK-2')")
        .await;
    scene.publish(&Webhook::confirmed("BK-2", BOB)).await;
    scene.delivered_in_vain(2).await;

    scene
        .consume_until("it is refused twice", async |_| {
            logs::events("event_refused").len() == 2
        })
        .await;

    assert_eq!(logs::events("event_applied_alone").len(), 2);
    assert_eq!(scene.count("suspects").await, 0);
}

#[tokio::test]
async fn an_event_that_is_delivered_for_the_second_time_is_applied_with_the_others() {
    logs::begin();
    let mut scene = Scene::with_queues().await;
    scene.publish(&Webhook::confirmed("BK-1", ADA)).await;
    scene.delivered_in_vain(1).await;

    scene
        .consume_until("it is applied", async |scene| scene.find("BK-1").await.is_some())
        .await;

    assert!(logs::events("event_applied_alone").is_empty());
}

#[tokio::test]
async fn an_event_that_ended_three_processes_alone_is_a_dead_letter_without_another_attempt() {
    logs::begin();
    let mut scene = Scene::with_queues().await;
    scene
        .publish(&Webhook::confirmed("BK-1", ADA).with_id("evt_bad"))
        .await;
    scene.delivered_in_vain(2).await;
    scene
        .sql("INSERT INTO suspects (key, begun, begun_at) VALUES ('direct/evt_bad', 3, now())")
        .await;

    scene
        .consume_until("it is a dead letter", async |scene| {
            scene.depths().await.dead_events == 1
        })
        .await;

    let alerts = logs::alerts("event_poisonous");
    assert_eq!(alerts.len(), 1);
    assert_eq!(
        (alerts[0]["event.id"].as_str(), alerts[0]["attempts"].as_str()),
        ("direct/evt_bad", "3")
    );
    assert!(logs::events("event_applied_alone").is_empty());
    assert_eq!(scene.events("BK-1").await, 0);
    assert_eq!(scene.count("suspects").await, 0);
}

#[tokio::test]
async fn the_marker_of_a_poison_event_stays_until_its_dead_letter_is_published() {
    logs::begin();
    let mut scene = Scene::with_queues().await;
    scene
        .publish(&Webhook::confirmed("BK-1", ADA).with_id("evt_bad"))
        .await;
    scene.delivered_in_vain(2).await;
    scene
        .sql("INSERT INTO suspects (key, begun, begun_at) VALUES ('direct/evt_bad', 3, now())")
        .await;
    fill_dead_events(&scene).await;

    scene
        .consume_until("its dead letter finds no place", async |_| {
            !logs::events("dead_letter_unpublished").is_empty()
        })
        .await;
    assert_eq!(scene.count("suspects").await, 1);

    // The next processor does not attempt it either.
    scene.replace_processor();
    scene
        .consume_until("the next one gives it up", async |_| {
            logs::alerts("event_poisonous").len() == 2
        })
        .await;
    assert!(logs::events("event_applied_alone").is_empty());
    assert_eq!(scene.count("suspects").await, 1);

    dead_events_hold_at_most(&scene, 1_000).await;
    scene
        .consume_until("its dead letter is published", async |scene| {
            scene.count("suspects").await == 0
        })
        .await;
    assert!(!delayed(&scene));
}

#[tokio::test]
async fn the_marker_of_an_attempt_that_returned_is_deleted_although_its_dead_letter_finds_no_place() {
    logs::begin();
    let mut scene = Scene::with_queues().await;
    scene
        .publish_bytes("direct/evt_bad", "reservation_confirmed", b"no envelope".to_vec())
        .await;
    scene.delivered_in_vain(2).await;
    fill_dead_events(&scene).await;

    // No process ends here, so no delivery counts as a crash.
    for attempt in 1..=4 {
        scene
            .consume_until("its dead letter finds no place", async |_| {
                logs::events("dead_letter_unpublished").len() >= attempt
            })
            .await;
        assert_eq!(scene.count("suspects").await, 0);
        scene.replace_processor();
    }
    assert!(logs::alerts("event_poisonous").is_empty());
    assert_eq!(dead_events(&scene), 0, "no dead letter is published yet");

    dead_events_hold_at_most(&scene, 1_000).await;
    scene
        .consume_until("its dead letter is published", async |scene| {
            dead_events(scene) == 1
        })
        .await;
    assert!(!delayed(&scene));
}

#[tokio::test]
async fn a_dead_letter_that_finds_no_place_is_tried_again_and_no_other_event_waits_for_it() {
    logs::begin();
    let mut scene = Scene::with_queues().await;
    fill_dead_events(&scene).await;
    scene
        .publish_bytes("direct/evt_bad", "reservation_confirmed", b"no envelope".to_vec())
        .await;
    let refusals = || logs::events("dead_letter_unpublished").len();
    scene
        .consume_until("its dead letter finds no place", async |_| refusals() > 0)
        .await;

    let (begun, before) = (Instant::now(), refusals());
    scene.publish(&Webhook::confirmed("BK-1", ADA)).await;
    scene
        .consume_until("the other event is applied", async |scene| {
            scene.find("BK-1").await.is_some()
        })
        .await;
    scene
        .consume_until("the dead letter is tried again", async |_| refusals() > before)
        .await;
    let rounds = begun.elapsed().as_secs() + 1;
    assert!(
        u64::try_from(refusals() - before).unwrap() <= rounds,
        "once a second"
    );

    dead_events_hold_at_most(&scene, 1_000).await;
    scene
        .consume_until("it is published", async |scene| !delayed(scene))
        .await;
}

#[tokio::test]
async fn a_stop_of_an_unknown_writer_is_applied_and_a_dead_letter_asks_a_person() {
    logs::begin();
    let mut scene = Scene::with_queues().await;
    let stop = scene.updates(&text(ADA, "STOP")).remove(0);
    scene
        .publish_bytes("whatsapp/stop", "whatsapp_message", stop)
        .await;

    scene
        .consume_until("a dead letter asks", async |scene| {
            scene.depths().await.dead_events == 1
        })
        .await;

    assert_eq!(scene.count("events").await, 1);
    let unmatched = logs::events("stop_unmatched");
    assert_eq!(unmatched.len(), 1);
    assert!(!logs::all().contains("6912345678"));
    assert!(
        scene
            .steps
            .metrics()
            .contains("\nbellhop_unmatched_stops_total 1\n")
    );
}

#[tokio::test]
async fn an_event_whose_rows_are_locked_is_delayed_and_the_next_batch_is_applied_at_once() {
    logs::begin();
    let mut scene = Scene::with_queues().await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    let lock = scene
        .database
        .hold("SELECT 1 FROM bookings WHERE id = 'BK-1' FOR UPDATE")
        .await;
    let check_in = Webhook::new(domain::event::EventType::GuestCheckedIn, "BK-1");
    scene.publish(&check_in).await;

    scene
        .consume_until("it is delayed", async |_| {
            !logs::events("event_locked").is_empty()
        })
        .await;
    assert!(delayed(&scene));
    scene.publish(&Webhook::confirmed("BK-2", BOB)).await;
    scene
        .consume_until("the other event is applied", async |scene| {
            scene.find("BK-2").await.is_some()
        })
        .await;

    drop(lock);
    assert!(logs::events("event_refused").is_empty());
    assert_eq!(scene.events("BK-1").await, 1);
}

#[tokio::test]
async fn more_events_than_one_transaction_takes_are_applied_side_by_side() {
    let scene = Scene::new().await;
    let of_guest = |number: usize| {
        let (booking, phone) = (format!("BK-{number}"), format!("+3069{number:08}"));
        [
            Webhook::started(&booking, &phone),
            Webhook::abandoned(&booking, &phone),
        ]
    };
    let started_and_left: Vec<[Webhook; 2]> = (0..300).map(of_guest).collect();
    let (started, left): (Vec<Webhook>, Vec<Webhook>) = started_and_left.into_iter().map(Into::into).unzip();
    let mut webhooks = [started, left].concat();
    webhooks.push(webhooks[7].clone());

    assert_eq!(scene.arrive(&webhooks).await, vec!["committed"; 601]);

    assert_eq!(scene.count("events WHERE outcome = 'applied'").await, 600);
    assert_eq!(scene.count("bookings WHERE status = 'abandoned'").await, 300);
    assert_eq!(
        scene
            .count("messages WHERE kind = 'reminder_1' AND state = 'queued'")
            .await,
        300
    );
}
