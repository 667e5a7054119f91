//! What goes by itself when its time is over.

use chrono::TimeDelta;
use domain::message::MessageKind;
use testkit::world::ResortFile;

use crate::logs;
use crate::scene::{ADA, BOB, Scene};
use crate::webhook::Webhook;

const EMPTIED: &str = "events WHERE sealed_body IS NULL AND booking_key IS NOT NULL";

async fn scene() -> Scene {
    Scene::with_file(&ResortFile {
        sections: "[retention]\nraw_events = \"10d\"\nguests = \"100d\"\n".to_owned(),
        ..ResortFile::patient()
    })
    .await
}

/// As if a booking had come so many days ago.
async fn age(scene: &Scene, booking: &str, days: i64) {
    scene
        .sql(&format!(
            "UPDATE events SET received_at = received_at - interval '{days} days' WHERE booking_key = 'azure-bay/{booking}'; \
             UPDATE bookings SET created_at = created_at - interval '{days} days' WHERE id = '{booking}'"
        ))
        .await;
}

// shows: B135, T30
#[tokio::test]
async fn old_raw_events_and_old_guests_go_and_young_ones_stay() {
    logs::begin();
    let scene = scene().await;
    for (booking, phone) in [("BK-old", ADA), ("BK-young", BOB), ("BK-new", BOB)] {
        let confirmed = Webhook::confirmed(booking, phone).ago(TimeDelta::days(5));
        scene.happens(&confirmed).await;
    }
    age(&scene, "BK-old", 101).await;
    age(&scene, "BK-young", 50).await;

    scene.steps.retain_once().await.unwrap();

    assert!(scene.booking("BK-old").await.facts.is_without_guest());
    assert_eq!(scene.count(EMPTIED).await, 2);
    for booking in ["BK-young", "BK-new"] {
        assert!(scene.booking(booking).await.facts.tells_of_guest(), "{booking}");
    }
    let erased = logs::events("guest_erased");
    assert_eq!(erased.len(), 1);
    assert_eq!(erased[0]["booking.id"], "azure-bay/BK-old");
    let metrics = scene.steps.metrics();
    assert!(
        metrics.contains("bellhop_retention_total{of=\"guests\"} 1"),
        "{metrics}"
    );
    assert!(
        metrics.contains("bellhop_retention_total{of=\"raw_events\"} 2"),
        "{metrics}"
    );
}

#[tokio::test]
async fn who_was_reminded_is_forgotten_a_day_later() {
    let scene = scene().await;
    for booking in ["BK-1", "BK-2"] {
        let phone = if booking == "BK-1" { ADA } else { BOB };
        scene.happens(&Webhook::abandoned(booking, phone)).await;
        scene.claim(booking, MessageKind::Reminder1).await;
    }
    let a_day_ago = "UPDATE reminded r SET reminded_at = reminded_at - interval '24 hours' \
                     FROM bookings b WHERE b.phone_hash = r.phone_hash AND b.id = 'BK-1'";
    scene.sql(a_day_ago).await;

    scene.steps.retain_once().await.unwrap();

    let of_bob = "reminded r JOIN bookings b ON b.phone_hash = r.phone_hash AND b.id = 'BK-2'";
    assert_eq!(scene.count("reminded").await, 1);
    assert_eq!(scene.count(of_bob).await, 1);
    let metrics = scene.steps.metrics();
    assert!(
        metrics.contains("bellhop_retention_total{of=\"reminded\"} 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn nothing_goes_before_its_time() {
    let scene = scene().await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    age(&scene, "BK-1", 9).await;

    scene.steps.retain_once().await.unwrap();

    assert_eq!(scene.count(EMPTIED).await, 0);
    assert!(scene.booking("BK-1").await.facts.tells_of_guest());
}

#[tokio::test]
async fn a_guest_who_cannot_be_erased_keeps_no_other_from_being_erased() {
    logs::begin();
    let scene = scene().await;
    for (booking, phone) in [("BK-1", ADA), ("BK-2", BOB)] {
        scene.happens(&Webhook::confirmed(booking, phone)).await;
        age(&scene, booking, 101).await;
    }
    scene
        .sql("UPDATE messages SET state = 'tomorrow' WHERE booking_key = 'azure-bay/BK-1'")
        .await;

    scene.steps.retain_once().await.unwrap();

    let failed = logs::events("guest_not_erased");
    assert_eq!(failed.len(), 1, "{}", logs::all());
    assert_eq!(failed[0]["booking.id"], "azure-bay/BK-1");
    assert!(scene.booking("BK-2").await.facts.is_without_guest());
}
