//! A resort's file that cannot be read for a while.

use domain::message::MessageState::Queued;
use testkit::world::ResortFile;

use crate::logs;
use crate::scene::{ADA, BOB, CONFIRMATION, Scene};
use crate::webhook::Webhook;

fn without_resort(scene: &Scene) -> String {
    let metrics = scene.steps.metrics();
    let name = "bellhop_bookings_without_resort ";
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap().to_owned()
}

/// A processor that has never read the resort's file.
async fn without_file() -> Scene {
    let mut scene = Scene::new().await;
    scene.forget_file();
    scene
}

// shows: B95, G12
#[tokio::test]
async fn bookings_that_wait_for_their_resorts_file_are_counted_and_planned_as_soon_as_it_can_be_read() {
    logs::begin();
    let mut scene = without_file().await;
    // In transactions of their own: a batch says nothing of those before it.
    for (booking, phone, waiting) in [("BK-1", ADA, "1"), ("BK-2", BOB, "2")] {
        scene.happens(&Webhook::confirmed(booking, phone)).await;
        scene.steps.export_figures_once().await;
        assert_eq!(without_resort(&scene), waiting);
        assert!(scene.messages(booking).await.is_empty());
    }
    let alerts = logs::alerts("resort_without_file");
    assert_eq!(alerts.len(), 2);
    assert_eq!(alerts[0]["file"], "resorts/azure-bay.toml");

    scene.write_file(&ResortFile::patient().text());
    scene.steps.wake_without_resort_once().await;
    scene.wake().await;

    for booking in ["BK-1", "BK-2"] {
        assert_eq!(
            scene.state(booking, CONFIRMATION).await,
            (Queued, None),
            "{booking}"
        );
    }
    scene.steps.export_figures_once().await;
    assert_eq!(without_resort(&scene), "0");
}

#[tokio::test]
async fn bookings_whose_file_is_still_unreadable_are_not_woken_early() {
    let scene = without_file().await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    let before = scene.booking("BK-1").await.wake_at;

    scene.steps.wake_without_resort_once().await;

    assert_eq!(scene.booking("BK-1").await.wake_at, before);
    assert!(before.is_some());
}

#[tokio::test]
async fn a_file_that_breaks_stays_in_force_as_it_was() {
    let scene = Scene::new().await;

    scene.write_file("name = ");
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;

    assert_eq!(scene.state("BK-1", CONFIRMATION).await, (Queued, None));
}
