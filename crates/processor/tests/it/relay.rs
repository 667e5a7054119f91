//! The relay: ids of due messages, and dead letters of dead ones.

use std::time::Duration;

use domain::after_call::NextStep;
use domain::dead_letter::DeadLetterReason;
use domain::event::EventType;
use domain::message::MessageState::Dead;
use serde_json::json;

use crate::logs;
use crate::scene::{ADA, BOB, CONFIRMATION, Scene};
use crate::webhook::Webhook;

/// Takes a step as soon as the publisher has its connection.
async fn relay(scene: &mut Scene) -> usize {
    scene.steps.publisher_ready().await;
    scene.steps.relay_once().await.unwrap()
}

async fn died(scene: &Scene, booking: &str) {
    let claimed = scene.claim(booking, CONFIRMATION).await;
    let given_up = NextStep::GiveUp(DeadLetterReason::Refused);
    scene
        .answered(CONFIRMATION, claimed, given_up, (None, Vec::new()))
        .await;
    assert_eq!(scene.state(booking, CONFIRMATION).await.0, Dead);
}

#[tokio::test]
async fn a_due_message_is_published_once_and_again_only_after_its_time() {
    let mut scene = Scene::with_queues().await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;

    assert_eq!(relay(&mut scene).await, 1);
    assert_eq!(relay(&mut scene).await, 0);
    assert_eq!(scene.depths().await.messages, 1);

    let later = "messages WHERE publishes = 1 AND publish_at > clock_timestamp() + interval '25 seconds'";
    assert_eq!(scene.count(later).await, 1);
    scene
        .sql("UPDATE messages SET publish_at = clock_timestamp()")
        .await;
    assert_eq!(relay(&mut scene).await, 1);
    assert_eq!(scene.depths().await.messages, 2);
}

#[tokio::test]
async fn what_is_not_due_or_was_withdrawn_is_not_published() {
    let mut scene = Scene::with_queues().await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    scene.happens(&Webhook::confirmed("BK-2", BOB)).await;
    scene
        .sql(
            "UPDATE messages SET due_at = due_at + interval '1 hour', publish_at = publish_at + interval '1 hour' \
             WHERE booking_key = 'azure-bay/BK-1'",
        )
        .await;
    scene
        .happens(&Webhook::new(EventType::ReservationCancelled, "BK-2"))
        .await;

    assert_eq!(relay(&mut scene).await, 0);

    assert_eq!(scene.depths().await.messages, 0);
}

#[tokio::test]
async fn an_id_that_the_broker_refuses_is_published_again_a_second_later() {
    logs::begin();
    let mut scene = Scene::with_queues().await;
    let policy = json!({ "pattern": "^messages$", "apply-to": "queues",
        "definition": { "max-length": 1, "overflow": "reject-publish" } });
    let vhost = scene.vhost.as_ref().unwrap();
    for number in 0..3 {
        vhost.publish("messages", &format!("{number}")).await;
    }
    vhost.api("PUT", "policies", "/bound", Some(policy)).await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;

    assert_eq!(relay(&mut scene).await, 0);

    let soon = "messages WHERE publishes = 0 AND publish_at < clock_timestamp() + interval '2 seconds'";
    assert_eq!(scene.count(soon).await, 1);
    assert_eq!(logs::events("id_unpublished").len(), 1);
    assert!(
        scene
            .steps
            .metrics()
            .contains("bellhop_relayed_total{outcome=\"refused\"} 1")
    );
}

#[tokio::test]
async fn while_thousands_of_ids_wait_in_the_queue_no_more_are_published() {
    let mut scene = Scene::with_queues().await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    scene
        .sql(
            "INSERT INTO messages (id, booking_key, kind, round, basis_at, state, due_at, expires_at, publish_at) \
             SELECT gen_random_uuid(), booking_key, kind, n, basis_at, state, due_at, expires_at, publish_at \
             FROM messages, generate_series(10, 6000) n",
        )
        .await;

    let mut published = 0;
    loop {
        match relay(&mut scene).await {
            0 => break,
            more => published += more,
        }
    }

    // A report of RabbitMQ's may be older than the latest ids.
    assert!((4_000..5_500).contains(&published), "{published}");
    assert_eq!(
        scene.count("messages WHERE publishes = 0").await,
        5_992 - i64::try_from(published).unwrap()
    );
    let vhost = scene.vhost.as_ref().unwrap();
    vhost.api("DELETE", "queues", "/messages/contents", None).await;
    let again = async {
        loop {
            match relay(&mut scene).await {
                0 => tokio::time::sleep(Duration::from_millis(50)).await,
                more => break more,
            }
        }
    };
    assert_eq!(
        tokio::time::timeout(Duration::from_secs(10), again).await,
        Ok(500)
    );
}

#[tokio::test]
async fn a_dead_message_has_one_dead_letter() {
    logs::begin();
    let mut scene = Scene::with_queues().await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    died(&scene, "BK-1").await;

    assert_eq!(relay(&mut scene).await, 1);
    assert_eq!(relay(&mut scene).await, 0);

    assert_eq!(scene.depths().await.dead_messages, 1);
    let lines = logs::events("message_dead_lettered");
    assert_eq!(lines.len(), 1);
    assert_eq!(
        (lines[0]["booking.id"].as_str(), lines[0]["reason"].as_str()),
        ("azure-bay/BK-1", "refused")
    );
}

#[tokio::test]
async fn a_dead_letter_with_a_reason_of_a_newer_version_is_published_as_refused_with_an_alert() {
    logs::begin();
    let mut scene = Scene::with_queues().await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    died(&scene, "BK-1").await;
    scene
        .sql("UPDATE messages SET reason = 'of_tomorrow' WHERE state = 'dead'")
        .await;

    assert_eq!(relay(&mut scene).await, 1);

    let alerts = logs::alerts("dead_letter_reason_unknown");
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0]["reason"], "of_tomorrow");
    assert_eq!(scene.depths().await.dead_messages, 1);
}

#[tokio::test]
async fn nothing_is_taken_while_the_broker_is_away() {
    let mut scene = Scene::new().await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;

    assert_eq!(scene.steps.relay_once().await.unwrap(), 0);

    assert_eq!(scene.count("messages WHERE publishes = 0").await, 1);
}
