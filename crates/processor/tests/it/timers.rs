//! Timers: bookings whose time has come are planned again.

use chrono::TimeDelta;
use domain::message::MessageState::Queued;
use testkit::world::ResortFile;

use crate::logs;
use crate::scene::{ADA, BOB, REMINDER_1, REMINDER_2, Scene};
use crate::webhook::Webhook;

const DUE: &str = "UPDATE bookings SET wake_at = clock_timestamp() - interval '2 minutes'";

/// Bookings whose timers are where they belong again: at the second reminder, a day from now.
async fn planned(scene: &Scene, bookings: &str) -> i64 {
    scene
        .count(&format!(
            "bookings WHERE wake_at > now() + interval '1 hour' AND id = ANY('{{{bookings}}}')"
        ))
        .await
}

/// `BK-0` to `BK-9` were reminded once.
async fn ten_reminded() -> Scene {
    let scene = Scene::new().await;
    for number in 0..10 {
        scene
            .reminded(&format!("BK-{number}"), &format!("+3069{number:08}"))
            .await;
    }
    scene
}

#[tokio::test]
async fn a_cart_that_was_left_is_reminded_when_its_time_comes() {
    let scene = Scene::new().await;
    scene
        .happens(&Webhook::started("CART-1", ADA).ago(TimeDelta::hours(1)))
        .await;
    assert!(scene.message("CART-1", REMINDER_1).await.is_none());

    // The file waits a day: the timer that the test moved plans the cart again, and nothing is wanted yet.
    scene.timers_come().await;
    assert!(scene.message("CART-1", REMINDER_1).await.is_none());
    scene.write_file(&ResortFile::default().text());
    scene.timers_come().await;

    assert_eq!(scene.state("CART-1", REMINDER_1).await, (Queued, None));
}

#[tokio::test]
async fn the_second_reminder_is_wanted_a_day_after_the_first() {
    let scene = Scene::new().await;
    scene.reminded("CART-1", ADA).await;

    scene.timers_come().await;
    assert!(scene.message("CART-1", REMINDER_2).await.is_none());
    scene.a_day_goes_by().await;

    assert_eq!(scene.state("CART-1", REMINDER_2).await, (Queued, None));
}

// shows: G11
#[tokio::test]
async fn bookings_that_cannot_be_planned_are_put_off_with_their_names_and_the_others_are_planned() {
    logs::begin();
    let scene = ten_reminded().await;
    let lock = scene
        .database
        .hold("SELECT 1 FROM messages WHERE booking_key = 'azure-bay/BK-1' FOR UPDATE")
        .await;
    scene
        .sql("UPDATE messages SET state = 'tomorrow' WHERE booking_key = 'azure-bay/BK-4'")
        .await;
    scene
        .sql("UPDATE bookings SET sealed_facts = sealed_facts || '\\x00' WHERE id = 'BK-7'")
        .await;
    scene.sql(DUE).await;

    scene.wake().await;

    assert_eq!(planned(&scene, "BK-0,BK-2,BK-3,BK-5,BK-6,BK-8,BK-9").await, 7);
    let alerts = logs::alerts("booking_unplannable");
    let mut named: Vec<&str> = alerts.iter().map(|line| line["booking.id"].as_str()).collect();
    named.sort_unstable();
    assert_eq!(named, ["azure-bay/BK-4", "azure-bay/BK-7"]);
    assert_eq!(logs::count_alerts(), 2);
    let metrics = scene.steps.metrics();
    assert!(
        metrics.contains("\nbellhop_unplannable_bookings_total 2\n"),
        "{metrics}"
    );

    // Nothing is wrong with the one whose message is locked: it is tried again within seconds.
    let soon = "bookings WHERE id = 'BK-1' AND wake_at < now() + interval '6 seconds'";
    assert_eq!(scene.count(soon).await, 1);
    drop(lock);
    scene
        .sql("UPDATE messages SET state = 'read' WHERE booking_key = 'azure-bay/BK-4'")
        .await;
    scene.sql(&format!("{DUE} WHERE id IN ('BK-1', 'BK-4')")).await;

    scene.wake().await;

    assert_eq!(planned(&scene, "BK-1,BK-4").await, 2);
}

#[tokio::test]
async fn two_processors_plan_each_booking_once() {
    let scene = ten_reminded().await;
    scene.a_day_goes_by().await;
    scene.sql(DUE).await;
    let other = scene.other_processor(&testkit::world::Secrets::default().keys);
    for _ in 0..2 {
        other.queue_checked(Some(0));
    }

    let (here, there) = tokio::join!(scene.steps.wake_once(), other.wake_once());

    here.unwrap();
    there.unwrap();
    assert_eq!(scene.count("messages WHERE kind = 'reminder_2'").await, 10);
}

#[tokio::test]
async fn a_timer_waits_for_older_events_that_may_be_in_the_queue_for_a_minute_at_most() {
    let scene = Scene::new().await;
    scene.reminded("CART-1", ADA).await;
    scene.reminded("CART-2", BOB).await;
    scene
        .sql("UPDATE messages SET sent_at = sent_at - interval '1 day' WHERE kind = 'reminder_1'")
        .await;
    scene
        .sql(
            "UPDATE bookings SET wake_at = clock_timestamp() - interval '10 seconds' WHERE id = 'CART-1'; \
             UPDATE bookings SET wake_at = clock_timestamp() - interval '70 seconds' WHERE id = 'CART-2'",
        )
        .await;

    // Nothing is known of the queue yet.
    scene.steps.wake_once().await.unwrap();
    assert!(scene.message("CART-1", REMINDER_2).await.is_none());
    assert_eq!(scene.state("CART-2", REMINDER_2).await, (Queued, None));
    // Events wait.
    scene.steps.queue_checked(Some(3));
    scene.steps.wake_once().await.unwrap();
    assert!(scene.message("CART-1", REMINDER_2).await.is_none());

    for _ in 0..2 {
        scene.steps.queue_checked(Some(0));
    }
    scene.steps.wake_once().await.unwrap();

    assert_eq!(scene.state("CART-1", REMINDER_2).await, (Queued, None));
}

#[tokio::test]
async fn a_round_of_timers_that_postgres_refuses_blames_no_booking() {
    logs::begin();
    let scene = ten_reminded().await;
    scene.sql(DUE).await;
    scene
        .sql("ALTER TABLE bookings RENAME COLUMN status TO gone")
        .await;

    scene.steps.queue_checked(Some(0));
    scene.steps.queue_checked(Some(0));
    assert!(scene.steps.wake_once().await.is_err());
    scene
        .sql("ALTER TABLE bookings RENAME COLUMN gone TO status")
        .await;
    scene.steps.wake_once().await.unwrap();

    assert!(logs::alerts("booking_unplannable").is_empty());
    assert_eq!(
        planned(&scene, "BK-0,BK-1,BK-2,BK-3,BK-4,BK-5,BK-6,BK-7,BK-8,BK-9").await,
        10
    );
}
