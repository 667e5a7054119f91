//! Tools that do not listen: retries over a day, a dead letter, and nobody else who waits.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use testkit::platform::{Platform, Reply};
use tokio::sync::Notify;

use super::{EVERYTHING, file, ids, receiver, scene, told};
use crate::logs;
use crate::notification::text;
use crate::scene::{ADA, Scene};
use crate::webhook::Webhook;

/// One webhook waits: a confirmation that cannot be delivered.
async fn one_waits(scene: &Scene) {
    scene.happens(&Webhook::confirmed("BK-1", "no number")).await;
    assert_eq!(scene.webhooks().await, 1);
}

async fn is_a_dead_letter(scene: &Scene, error: &str, tries: &str) {
    assert_eq!(scene.depths().await.dead_events, 1);
    assert_eq!(scene.webhooks().await, 0);
    let failed = logs::alerts("webhook_out_failed");
    assert_eq!(failed.len(), 1, "{}", logs::all());
    assert_eq!(
        (failed[0]["error"].as_str(), failed[0]["tries"].as_str()),
        (error, tries)
    );
    assert_eq!(failed[0]["resort.id"], "azure-bay");
}

// shows: B225
#[tokio::test]
async fn a_tool_that_fails_is_sent_the_same_webhook_again_until_a_dead_letter_asks_a_person() {
    let receiver = Platform::start(|_| Reply::new(500, "an error page")).await;
    let scene = scene(&receiver, EVERYTHING, "").await;
    one_waits(&scene).await;

    scene.steps.send_webhooks_once().await.unwrap();
    let later = "webhooks_out WHERE due_at BETWEEN now() + interval '3 s' AND now() + interval '6 s' AND failures = 1";
    assert_eq!(scene.count(later).await, 1);
    scene.steps.send_webhooks_once().await.unwrap();
    assert_eq!(receiver.asked().len(), 1);
    scene.sql("UPDATE webhooks_out SET due_at = now()").await;
    scene.sends(7).await;

    is_a_dead_letter(&scene, "the receiver answered 500", "8").await;
    assert_eq!((told(&receiver).len(), ids(&receiver).len()), (8, 1));
}

// shows: B225
#[tokio::test]
async fn a_tool_that_is_back_is_told_then() {
    let is_down = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let down = Arc::clone(&is_down);
    let receiver = Platform::start(move |_| match down.load(std::sync::atomic::Ordering::SeqCst) {
        true => Reply::status(503),
        false => Reply::status(200),
    })
    .await;
    let scene = scene(&receiver, EVERYTHING, "").await;
    one_waits(&scene).await;

    scene.sends(2).await;
    is_down.store(false, std::sync::atomic::Ordering::SeqCst);
    scene.sends(2).await;

    assert_eq!((receiver.asked().len(), ids(&receiver).len()), (3, 1));
    assert_eq!(scene.webhooks().await, 0);
    assert_eq!(scene.depths().await.dead_events, 0);
}

// shows: B232
#[tokio::test]
async fn a_tool_that_says_that_it_is_gone_is_not_asked_again() {
    let receiver = Platform::start(|_| Reply::status(410)).await;
    let scene = scene(&receiver, EVERYTHING, "").await;
    one_waits(&scene).await;

    scene.sends(3).await;

    is_a_dead_letter(&scene, "the receiver answered 410", "1").await;
    assert_eq!(receiver.asked().len(), 1);
}

// shows: B226
#[tokio::test]
async fn a_tool_is_left_alone_as_long_as_it_asks_for() {
    let receiver = Platform::start(|_| Reply::status(429).with("retry-after", 3_600)).await;
    let scene = scene(&receiver, EVERYTHING, "").await;
    one_waits(&scene).await;

    scene.steps.send_webhooks_once().await.unwrap();

    let later = "webhooks_out WHERE due_at > now() + interval '59 min'";
    assert_eq!(scene.count(later).await, 1);
}

// shows: T45
#[tokio::test]
async fn no_redirect_is_followed() {
    let elsewhere = receiver().await;
    let target = format!("http://{}/x", elsewhere.address());
    let receiver = Platform::start(move |_| Reply::status(307).with("location", &target)).await;
    let scene = scene(&receiver, EVERYTHING, "").await;
    one_waits(&scene).await;

    scene.sends(1).await;

    assert_eq!(elsewhere.asked().len(), 0);
    let retried = logs::events("webhook_out_retried");
    assert_eq!(
        retried[0]["error"],
        "the receiver answered 307: no redirect is followed"
    );
}

// shows: B227, T48
#[tokio::test]
async fn a_slow_tool_of_one_resort_delays_no_other() {
    let never = Arc::new(Notify::new());
    let slow = Platform::start(move |_| Reply::status(200).after(&never)).await;
    let quick = receiver().await;
    let scene = scene(&quick, EVERYTHING, "").await;
    scene.write_resort("olive-hill", &file(&slow, EVERYTHING, ""));
    scene.sends(1).await;
    for number in 0..6 {
        let mut webhook = Webhook::confirmed(&format!("OLIVE-{number}"), "no number");
        webhook.event.resort = domain::ids::ResortId::parse("olive-hill").unwrap();
        scene.happens(&webhook).await;
    }
    scene.reminded("CART-1", ADA).await;
    scene.notified(&text(ADA, "Is there a pool?")).await;

    let sending = async {
        loop {
            scene.steps.send_webhooks_once().await.unwrap();
        }
    };
    let others = async {
        while quick.asked().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = sending => {}
        done = tokio::time::timeout(Duration::from_secs(10), others) => done.unwrap(),
    }

    assert_eq!(
        told(&quick)[0]["data"],
        json!({ "resort": "azure-bay", "bookings": ["CART-1"] })
    );
}

// shows: T47
#[tokio::test]
async fn no_line_of_the_log_tells_more_of_a_webhook_than_ids() {
    let receiver = Platform::start(|_| Reply::new(400, "Ada Lovelace +306912345678")).await;
    let scene = scene(&receiver, EVERYTHING, "include = [\"guest\"]").await;
    scene
        .happens(&Webhook::abandoned("CART-1", ADA).named("Ada Lovelace"))
        .await;
    scene.calls("CART-1", crate::scene::REMINDER_1).await;
    scene.notified(&text(ADA, "Is there a pool?")).await;

    scene.sends(9).await;

    let body = &told(&receiver)[0];
    assert_eq!(body["data"]["guest"]["name"], "Ada Lovelace");
    let log = logs::all();
    assert!(log.contains("webhook_out_failed"), "{log}");
    for personal in ["Ada", "Lovelace", ADA, "pool", "whsec_", "C2FVsBQI", "/hook"] {
        assert!(!log.contains(personal), "{personal} in {log}");
    }
}
