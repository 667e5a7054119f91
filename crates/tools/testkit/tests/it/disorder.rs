//! Repeated, late and reordered events.

use chrono::TimeDelta;
use domain::message::MessageState;
use domain::plan::Status;
use testkit::world::{Event, ResortFile, World};

use crate::scene::{ADA, CONFIRMATION, REMINDER_1};

// shows: B35, G18, T4
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_delivered_again_and_again_counts_once() {
    let world = World::start(&ResortFile::patient()).await;
    let confirmed = Event::confirmed("BK-1", ADA).ago(TimeDelta::minutes(1));

    for _ in 0..3 {
        world.post(&confirmed).await;
    }
    world.until_state("BK-1", CONFIRMATION, MessageState::Read).await;
    world.post(&confirmed).await;
    world.post(&Event::new("guest_checked_in", "BK-1")).await;
    world.until_status("BK-1", Status::CheckedIn).await;

    assert_eq!(world.until_events("BK-1", 2).await, 2);
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
}

// shows: G18
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_again_moves_no_timer() {
    let world = World::start(&ResortFile::patient()).await;
    // From the future: it counts as of when it came, which is later the second time.
    let started = Event::started("BK-1", ADA).ago(TimeDelta::hours(-1));
    world.post(&started).await;
    world.until_events("BK-1", 1).await;
    let first = world.booking("BK-1").await.unwrap();

    world.post(&started).await;
    world
        .until("the second one is known", async || {
            world.logs().contains("duplicate").then_some(())
        })
        .await;

    let second = world.booking("BK-1").await.unwrap();
    assert_eq!((second.wake_at, second.version), (first.wake_at, first.version));
    assert!(first.wake_at.is_some());
}

// shows: B36, G19
#[tokio::test(flavor = "multi_thread")]
async fn the_same_news_under_another_id_sends_nothing_twice() {
    let world = World::start(&ResortFile::patient()).await;

    for count in 1..=3 {
        world.post(&Event::confirmed("BK-1", ADA)).await;
        world.until_events("BK-1", count).await;
    }
    world.until_state("BK-1", CONFIRMATION, MessageState::Read).await;

    assert_eq!(world.messages("BK-1").await.len(), 1);
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
}

// shows: B37
#[tokio::test(flavor = "multi_thread")]
async fn events_that_arrive_backwards_come_to_the_same() {
    let world = World::start(&ResortFile::patient()).await;
    let journey = |booking: &str| {
        [
            Event::started(booking, ADA).ago(TimeDelta::minutes(50)),
            Event::confirmed(booking, ADA)
                .staying("2090-06-01", "2090-06-08")
                .ago(TimeDelta::minutes(40)),
            Event::new("reservation_modified", booking)
                .staying("2090-06-02", "2090-06-09")
                .ago(TimeDelta::minutes(30)),
            Event::new("guest_checked_in", booking).ago(TimeDelta::minutes(20)),
        ]
    };

    for event in journey("BK-1") {
        world.post(&event).await;
    }
    for event in journey("BK-2").iter().rev() {
        world.post(event).await;
    }
    for booking in ["BK-1", "BK-2"] {
        world.until_events(booking, 4).await;
        world.until_state(booking, CONFIRMATION, MessageState::Read).await;
    }

    let (forwards, backwards) = (
        world.booking("BK-1").await.unwrap(),
        world.booking("BK-2").await.unwrap(),
    );
    assert_eq!(
        (forwards.status, forwards.wake_at, forwards.facts.dates()),
        (backwards.status, backwards.wake_at, backwards.facts.dates())
    );
    assert_eq!(backwards.status, Status::CheckedIn);
    assert_eq!(world.names_received_by(ADA).await, ["confirmed", "confirmed"]);
}

// shows: B37
#[tokio::test(flavor = "multi_thread")]
async fn a_cart_event_that_arrives_after_the_confirmation_reminds_nobody() {
    let world = World::start(&ResortFile::default()).await;
    world.post(&Event::confirmed("BK-1", ADA)).await;
    world.until_state("BK-1", CONFIRMATION, MessageState::Read).await;

    world
        .post(&Event::abandoned("BK-1", ADA).ago(TimeDelta::minutes(5)))
        .await;
    world.until_events("BK-1", 2).await;

    assert!(world.message("BK-1", REMINDER_1).await.is_none());
    assert_eq!(world.booking("BK-1").await.unwrap().status, Status::Confirmed);
}

// shows: B37
#[tokio::test(flavor = "multi_thread")]
async fn activity_that_arrives_late_does_not_undo_a_newer_abandonment() {
    let world = World::start(&ResortFile::patient()).await;
    world.post(&Event::abandoned("BK-1", ADA)).await;
    world.until_state("BK-1", REMINDER_1, MessageState::Read).await;

    world
        .post(&Event::started("BK-1", ADA).ago(TimeDelta::minutes(5)))
        .await;
    world.until_events("BK-1", 2).await;

    assert_eq!(world.booking("BK-1").await.unwrap().status, Status::Abandoned);
    assert_eq!(world.names_received_by(ADA).await, ["reminder_1"]);
}
