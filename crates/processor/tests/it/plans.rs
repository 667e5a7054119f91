//! How Postgres carries out what the processor does all the time. Retention, which does walk over whole tables, is not among it.

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

/// Indexes of the few rows that wait for something.
const SMALL_INDEXES: [&str; 2] = ["letters_unmatched", "messages_with_letter"];

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
    scene.steps.wake_without_resort_once().await;
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
        let lines: Vec<&str> = [""].into_iter().chain(plan.lines()).chain([""]).collect();
        for window in lines.windows(3) {
            let (before, line, after) = (window[0], window[1], window[2]);
            // In the order of an index, and no further than the limit.
            let is_bounded = before.contains("Limit") && !after.contains("Filter");
            let reads_all = reads_a_growing_table(line) && !after.contains("Index Cond") && !is_bounded;
            assert!(!reads_all, "{line}\n{statement}\n{plan}");
        }
        for whole in ["Hash Join", "Merge Join", "Materialize", "Bitmap"] {
            assert!(!plan.contains(whole), "{statement}\n{plan}");
        }
    }
}

fn reads_a_growing_table(line: &str) -> bool {
    let is_small = SMALL_INDEXES.iter().any(|index| line.contains(index));
    let tables = GROWING.iter().map(|table| format!(" on {table} "));
    line.contains("Scan") && !is_small && tables.into_iter().any(|table| line.contains(&table))
}
