//! Repeated, late and reordered events.

use chrono::TimeDelta;
use domain::event::EventType;
use domain::plan::Status;
use testkit::world::ResortFile;

use crate::scene::{ADA, CONFIRMATION, REMINDER_1, Scene};
use crate::webhook::Webhook;

fn counted(scene: &Scene, outcome: &str) -> u64 {
    let metrics = scene.steps.metrics();
    let fitting = |line: &&str| {
        line.starts_with("bellhop_events_total{") && line.contains(&format!("outcome=\"{outcome}\""))
    };
    let values = metrics.lines().filter(fitting);
    values
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}

// shows: B35, G18, T4
#[tokio::test]
async fn an_event_that_is_delivered_again_and_again_counts_once() {
    let scene = Scene::new().await;
    let confirmed = Webhook::confirmed("BK-1", ADA).ago(TimeDelta::minutes(1));

    scene
        .arrive(&[confirmed.clone(), confirmed.clone(), confirmed.clone()])
        .await;
    scene.calls("BK-1", CONFIRMATION).await;
    scene.happens(&confirmed).await;
    scene
        .happens(&Webhook::new(EventType::GuestCheckedIn, "BK-1"))
        .await;

    assert_eq!(scene.booking("BK-1").await.status, Status::CheckedIn);
    assert_eq!(scene.events("BK-1").await, 2);
    assert_eq!(scene.messages("BK-1").await.len(), 1);
    assert_eq!((counted(&scene, "applied"), counted(&scene, "duplicate")), (2, 3));
}

// shows: G18
#[tokio::test]
async fn an_event_that_comes_again_moves_no_timer() {
    let scene = Scene::new().await;
    // From the future: it counts as of when it came, which is later the second time.
    let started = Webhook::started("BK-1", ADA).ago(TimeDelta::hours(-1));
    scene.happens(&started).await;
    let first = scene.booking("BK-1").await;

    scene
        .happens(
            &started
                .clone()
                .received(started.received_at + TimeDelta::minutes(5)),
        )
        .await;

    let second = scene.booking("BK-1").await;
    assert_eq!((second.wake_at, second.version), (first.wake_at, first.version));
    assert!(first.wake_at.is_some());
    assert_eq!(counted(&scene, "duplicate"), 1);
}

// shows: B36, G19
#[tokio::test]
async fn the_same_news_under_another_id_sends_nothing_twice() {
    let scene = Scene::new().await;

    for _ in 0..3 {
        scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    }

    assert_eq!(scene.events("BK-1").await, 3);
    scene.calls("BK-1", CONFIRMATION).await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    assert_eq!(scene.messages("BK-1").await.len(), 1);
}

// shows: B37
#[tokio::test]
async fn events_that_arrive_backwards_come_to_the_same() {
    let scene = Scene::new().await;
    let journey = |booking: &str| {
        vec![
            Webhook::started(booking, ADA).ago(TimeDelta::minutes(50)),
            Webhook::confirmed(booking, ADA)
                .staying("2090-06-01", "2090-06-08")
                .ago(TimeDelta::minutes(40)),
            Webhook::new(EventType::ReservationModified, booking)
                .staying("2090-06-02", "2090-06-09")
                .ago(TimeDelta::minutes(30)),
            Webhook::new(EventType::GuestCheckedIn, booking).ago(TimeDelta::minutes(20)),
        ]
    };

    for event in journey("BK-1") {
        scene.happens(&event).await;
    }
    for event in journey("BK-2").iter().rev() {
        scene.happens(event).await;
    }
    let mut together = journey("BK-3");
    together.reverse();
    scene.arrive(&together).await;

    let forwards = scene.booking("BK-1").await;
    assert_eq!(forwards.status, Status::CheckedIn);
    for booking in ["BK-2", "BK-3"] {
        let other = scene.booking(booking).await;
        assert_eq!(
            (forwards.status, forwards.wake_at, forwards.facts.dates()),
            (other.status, other.wake_at, other.facts.dates()),
            "{booking}"
        );
        assert_eq!(scene.messages(booking).await.len(), 1, "{booking}");
        scene.calls(booking, CONFIRMATION).await;
    }
}

// shows: B37
#[tokio::test]
async fn a_cart_event_that_arrives_after_the_confirmation_causes_no_reminder() {
    let scene = Scene::with_file(&ResortFile::default()).await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;

    let late = Webhook::abandoned("BK-1", ADA).ago(TimeDelta::minutes(5));
    scene.happens(&late).await;
    scene.timers_come().await;

    assert!(scene.message("BK-1", REMINDER_1).await.is_none());
    assert_eq!(scene.booking("BK-1").await.status, Status::Confirmed);
}

// shows: B37
#[tokio::test]
async fn activity_that_arrives_late_does_not_undo_a_newer_abandonment() {
    let scene = Scene::new().await;
    scene.reminded("BK-1", ADA).await;

    let late = Webhook::started("BK-1", ADA).ago(TimeDelta::minutes(5));
    scene.happens(&late).await;

    assert_eq!(scene.booking("BK-1").await.status, Status::Abandoned);
    assert_eq!(scene.messages("BK-1").await.len(), 1);
}

#[tokio::test]
async fn one_booking_in_many_events_of_a_batch_is_planned_by_all_of_them() {
    let scene = Scene::new().await;
    let events = [
        Webhook::abandoned("BK-1", ADA).ago(TimeDelta::minutes(3)),
        Webhook::confirmed("BK-1", ADA).ago(TimeDelta::minutes(2)),
        Webhook::new(EventType::ReservationCancelled, "BK-1").ago(TimeDelta::minutes(1)),
    ];

    scene.arrive(&events).await;

    assert_eq!(scene.booking("BK-1").await.status, Status::Cancelled);
    assert_eq!(scene.count("messages WHERE state = 'queued'").await, 0);
}

#[tokio::test]
async fn two_sources_may_use_one_id() {
    let scene = Scene::new().await;
    let first = Webhook::confirmed("BK-1", ADA).with_id("evt_1");
    let mut second = Webhook::confirmed("BK-2", ADA).with_id("evt_1");
    second.event.key.source = domain::ids::SourceId::parse("other").unwrap();

    scene.arrive(&[first, second]).await;

    assert_eq!((scene.events("BK-1").await, scene.events("BK-2").await), (1, 1));
}
