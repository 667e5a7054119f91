//! How Postgres carries out the processor's statements.

use domain::event::EventType;

use crate::notification::{status, text};
use crate::scene::{ADA, BOB, CONFIRMATION, EVE, Scene};
use crate::webhook::Webhook;

/// Tables that grow with every guest. The others have a handful of rows.
const GROWING: [&str; 8] = [
    "events",
    "bookings",
    "messages",
    "letters",
    "guests",
    "guest_names",
    "conversations",
    "number_wishes",
];

/// One of everything that happens often.
async fn everything_happens(scene: &mut Scene) {
    scene.happens(&Webhook::started("CART-1", ADA)).await;
    scene.happens(&Webhook::abandoned("CART-1", ADA)).await;
    scene.happens(&Webhook::abandoned("CART-2", EVE)).await;
    scene
        .happens(&Webhook::confirmed("BK-1", ADA).grown_from("CART-1"))
        .await;
    scene.happens(&Webhook::confirmed("BK-2", BOB)).await;
    scene.timers_come().await;
    scene.steps.publisher_ready().await;
    scene.steps.relay_once().await.unwrap();
    let called = scene.calls("BK-2", CONFIRMATION).await;
    scene.notified(&status(&called, "delivered", BOB)).await;
    scene.notified(&text(BOB, "hello")).await;
    scene
        .happens(&Webhook::opted(EventType::GuestOptedOut, EVE))
        .await;
    scene
        .happens(&Webhook::new(EventType::ReservationCancelled, "BK-2"))
        .await;
}

#[tokio::test]
async fn no_statement_reads_a_whole_table_although_none_was_ever_analysed() {
    let mut scene = Scene::with_queues().await;
    everything_happens(&mut scene).await;

    let plans = testkit::plans::of_prepared_statements(scene.steps.store()).await;

    assert!(plans.len() > 20, "{} statements are prepared", plans.len());
    for (statement, plan) in plans {
        for table in GROWING {
            let reads_all = plan
                .lines()
                .any(|line| line.contains("Seq Scan on") && line.contains(&format!(" on {table} ")));
            assert!(!reads_all, "{statement}\n{plan}");
        }
        for whole in ["Hash Join", "Merge Join", "Materialize", "Bitmap"] {
            assert!(!plan.contains(whole), "{statement}\n{plan}");
        }
    }
}
