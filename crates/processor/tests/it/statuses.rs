//! What WhatsApp reports of messages after it accepted them.

use domain::message::MessageState::{Delivered, Held, Read, Sent, Skipped};
use domain::message::Pricing;
use serde_json::json;

use crate::logs;
use crate::notification::{failed, status, status_of};
use crate::scene::{ADA, BOB, CONFIRMATION, Called, REMINDER_1, Scene};
use crate::webhook::Webhook;

async fn confirmed(scene: &Scene, booking: &str, phone: &str) -> Called {
    scene.happens(&Webhook::confirmed(booking, phone)).await;
    scene.calls(booking, CONFIRMATION).await
}

#[tokio::test]
async fn statuses_climb_and_one_that_comes_late_changes_nothing() {
    let scene = Scene::new().await;
    let called = confirmed(&scene, "BK-1", ADA).await;
    assert_eq!(scene.state("BK-1", CONFIRMATION).await, (Sent, None));

    scene.notified(&status(&called, "read", ADA)).await;
    scene.notified(&status(&called, "delivered", ADA)).await;
    scene.notified(&status(&called, "sent", ADA)).await;

    assert_eq!(scene.state("BK-1", CONFIRMATION).await, (Read, None));
}

#[tokio::test]
async fn a_status_that_comes_before_the_answer_of_its_call_counts_as_the_answer() {
    let scene = Scene::new().await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    let (id, attempt) = scene.claim("BK-1", CONFIRMATION).await;
    let wamid = "wamid.early".to_owned();

    scene
        .notified(&status(&Called { id, attempt, wamid }, "delivered", ADA))
        .await;

    assert_eq!(scene.state("BK-1", CONFIRMATION).await, (Delivered, None));
}

// shows: B147
#[tokio::test]
async fn what_whatsapp_charges_is_stored_also_when_it_is_reported_last() {
    let scene = Scene::new().await;
    let called = confirmed(&scene, "BK-1", ADA).await;
    let guest = ("recipient_id", ADA.trim_start_matches('+'));
    let pricing = json!({ "pricing": {
        "billable": true, "pricing_model": "PMP", "type": "regular", "category": "utility" } });

    scene.notified(&status(&called, "read", ADA)).await;
    let before = scene.message("BK-1", CONFIRMATION).await.unwrap().pricing;
    scene
        .notified(&status_of(&called, "delivered", guest, pricing))
        .await;

    assert_eq!(before, None);
    let message = scene.message("BK-1", CONFIRMATION).await.unwrap();
    assert_eq!(message.existing.state, Read);
    let expected = Pricing {
        category: Some("utility".to_owned()),
        type_: Some("regular".to_owned()),
        billable: Some(true),
    };
    assert_eq!(message.pricing, Some(expected));
}

#[tokio::test]
async fn statuses_of_messages_that_are_not_ours_are_counted() {
    let scene = Scene::new().await;
    let other = Called {
        id: "01920000-0000-7000-8000-000000000000".parse().unwrap(),
        attempt: domain::message::Attempt(1),
        wamid: "wamid.other".to_owned(),
    };

    scene.notified(&status(&other, "delivered", ADA)).await;

    assert!(
        scene
            .steps
            .metrics()
            .contains("\nbellhop_unmatched_reports_total 1\n")
    );
}

// shows: B84
#[tokio::test]
async fn a_payment_problem_that_is_reported_late_lays_a_hold_once_and_costs_no_try() {
    logs::begin();
    let scene = Scene::new().await;
    let (first, second) = (
        confirmed(&scene, "BK-1", ADA).await,
        confirmed(&scene, "BK-2", BOB).await,
    );

    scene.notified(&failed(&first, 131_042, ADA)).await;
    scene.notified(&failed(&second, 131_042, BOB)).await;

    for booking in ["BK-1", "BK-2"] {
        assert_eq!(scene.state(booking, CONFIRMATION).await.0, Held, "{booking}");
    }
    assert_eq!(scene.count("messages WHERE retries > 0").await, 0);
    assert_eq!(scene.count("holds").await, 1);
    let alerts = logs::alerts("hold_laid");
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0]["code"], "131042");
}

// shows: B86
#[tokio::test]
async fn a_guest_who_has_had_enough_marketing_is_left_alone_for_a_day_and_then_for_good() {
    let scene = Scene::new().await;
    let called = scene.reminded("CART-1", ADA).await;

    scene.notified(&failed(&called, 131_049, ADA)).await;
    let rests =
        "messages WHERE state = 'queued' AND rested AND due_at > clock_timestamp() + interval '23 hours'";
    assert_eq!(scene.count(rests).await, 1);
    scene
        .sql("UPDATE messages SET due_at = clock_timestamp(), publish_at = clock_timestamp() WHERE rested")
        .await;
    let again = scene.calls("CART-1", REMINDER_1).await;
    scene.notified(&failed(&again, 131_049, ADA)).await;

    let ended = scene.state("CART-1", REMINDER_1).await;
    assert_eq!(ended, (Skipped, Some("marketing_limit".to_owned())));
    let attempts = scene
        .message("CART-1", REMINDER_1)
        .await
        .unwrap()
        .existing
        .attempts;
    assert_eq!(attempts, 2);
    assert_eq!(scene.count("messages WHERE letter_due").await, 0);
}

// shows: B87
#[tokio::test]
async fn a_failure_that_is_not_certain_waits_for_the_delivery_that_contradicts_it() {
    let scene = Scene::new().await;
    let called = confirmed(&scene, "BK-1", ADA).await;

    scene.notified(&failed(&called, 131_000, ADA)).await;
    let waits = "messages WHERE state = 'queued' AND due_at > clock_timestamp() + interval '100 seconds'";
    assert_eq!(scene.count(waits).await, 1);
    scene.notified(&status(&called, "delivered", ADA)).await;

    assert_eq!(scene.state("BK-1", CONFIRMATION).await.0, Delivered);
    let delivered = scene.message("BK-1", CONFIRMATION).await.unwrap();
    assert_eq!(delivered.existing.attempts, 1);
    assert_eq!(scene.count("messages WHERE letter_due").await, 0);
}

/// The pause of the hold is over: a message probes it, and WhatsApp accepts.
async fn probed(scene: &Scene) -> Called {
    scene
        .sql(
            "UPDATE holds SET until = clock_timestamp() - interval '1 second', \
             probed_at = probed_at - interval '11 seconds'",
        )
        .await;
    let released = scene
        .run(|connection, _| store::holds::release(connection, 100))
        .await;
    assert_eq!(released.probes, 1);
    scene.calls("BK-1", CONFIRMATION).await
}

// shows: B85
#[tokio::test]
async fn an_accepted_probe_does_not_end_a_hold_that_a_status_laid_and_its_delivery_does() {
    logs::begin();
    let scene = Scene::new().await;
    let called = confirmed(&scene, "BK-1", ADA).await;
    scene.notified(&failed(&called, 131_042, ADA)).await;

    let probe = probed(&scene).await;
    assert_eq!(scene.count("holds").await, 1);
    scene.notified(&failed(&probe, 131_042, ADA)).await;
    assert_eq!(logs::events("hold_extended").len(), 1);
    let probe = probed(&scene).await;
    assert_eq!(scene.count("holds").await, 1);
    scene.notified(&status(&probe, "delivered", ADA)).await;

    assert_eq!(scene.count("holds").await, 0);
    assert_eq!(logs::events("hold_lifted").len(), 1);
    assert_eq!(logs::alerts("hold_laid").len(), 1);
    assert_eq!(scene.state("BK-1", CONFIRMATION).await.0, Delivered);
    assert_eq!(scene.count("messages WHERE letter_due").await, 0);
}

#[tokio::test]
async fn a_failure_of_an_older_attempt_changes_nothing() {
    let scene = Scene::new().await;
    let first = confirmed(&scene, "BK-1", ADA).await;
    scene.notified(&failed(&first, 131_000, ADA)).await;
    scene
        .sql("UPDATE messages SET due_at = clock_timestamp(), publish_at = clock_timestamp()")
        .await;
    let second = scene.calls("BK-1", CONFIRMATION).await;
    scene.notified(&status(&second, "delivered", ADA)).await;

    scene.notified(&failed(&first, 131_042, ADA)).await;

    assert_eq!(scene.state("BK-1", CONFIRMATION).await.0, Delivered);
    assert_eq!(scene.count("holds").await, 0);
}

#[tokio::test]
async fn the_second_reminder_counts_from_when_the_first_one_was_sent() {
    let scene = Scene::new().await;
    scene.reminded("CART-1", ADA).await;

    let wake_at = scene.booking("CART-1").await.wake_at.unwrap();
    let sent_at = scene
        .message("CART-1", REMINDER_1)
        .await
        .unwrap()
        .existing
        .sent_at
        .unwrap();

    assert_eq!(wake_at - sent_at, chrono::TimeDelta::days(1));
}
