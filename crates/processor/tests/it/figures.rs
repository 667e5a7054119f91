//! Figures of the whole database: one processor exports them, the others export 0.

use testkit::world::Secrets;

use crate::logs;
use crate::notification::{failed, status};
use crate::scene::{ADA, BOB, CONFIRMATION, Scene};
use crate::webhook::Webhook;

fn value(metrics: &str, series: &str) -> i64 {
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{series} ")));
    line.unwrap_or_else(|| panic!("no {series}")).parse().unwrap()
}

/// A hold of the account, with one message.
async fn held() -> Scene {
    let scene = Scene::new().await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    let called = scene.calls("BK-1", CONFIRMATION).await;
    scene.notified(&failed(&called, 131_042, ADA)).await;
    assert_eq!(scene.count("holds").await, 1);
    scene
}

#[tokio::test]
async fn holds_and_held_messages_are_counted_by_scope() {
    let mut scene = held().await;
    let scope: String = scene
        .run(|connection, _| Ok(store::holds::list(connection)?[0].0.scope.clone()))
        .await;

    // A round whose connection fails exports nothing, and the loop repeats it.
    let shown = format!("bellhop_holds{{scope=\"{scope}\"}}");
    for _ in 0..5 {
        scene.steps.export_figures_once().await;
        if value(&scene.steps.metrics(), &shown) > 0 {
            break;
        }
    }

    let metrics = scene.steps.metrics();
    assert_eq!(value(&metrics, &format!("bellhop_holds{{scope=\"{scope}\"}}")), 1);
    assert_eq!(
        value(&metrics, &format!("bellhop_held_messages{{scope=\"{scope}\"}}")),
        1
    );
    assert_eq!(value(&metrics, "bellhop_holds{scope=\"token\"}"), 0);
}

#[tokio::test]
async fn one_of_two_processors_exports_the_figures_and_the_other_takes_over_when_it_is_gone() {
    let mut scene = held().await;
    let mut other = scene.other_processor(&Secrets::default().keys);
    let total = |metrics: &str| -> i64 {
        let holds = metrics.lines().filter(|line| line.starts_with("bellhop_holds{"));
        holds
            .map(|line| line.rsplit(' ').next().unwrap().parse::<i64>().unwrap())
            .sum()
    };

    scene.steps.export_figures_once().await;
    other.export_figures_once().await;
    assert_eq!((total(&scene.steps.metrics()), total(&other.metrics())), (1, 0));

    // The first one's session ends, as with its process. The lock is free; who asks first has it.
    scene
        .sql(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory' AND granted \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        .await;
    other.export_figures_once().await;
    scene.steps.export_figures_once().await;
    scene.steps.export_figures_once().await;

    assert_eq!((total(&scene.steps.metrics()), total(&other.metrics())), (0, 1));
}

#[tokio::test]
async fn every_series_with_known_labels_exists_from_the_start_with_0() {
    let scene = Scene::new().await;

    let metrics = scene.steps.metrics();

    for series in [
        "bellhop_events_total{outcome=\"dead\",type=\"reservation_confirmed\"}",
        "bellhop_events_total{outcome=\"retried\",type=\"whatsapp_status\"}",
        "bellhop_messages_planned_total{kind=\"reminder_1\",state=\"withdrawn\"}",
        "bellhop_bookings_total{status=\"confirmed\"}",
        "bellhop_relayed_total{outcome=\"unconfirmed\"}",
        "bellhop_holds_begun_total{scope=\"account\"}",
        "bellhop_retention_total{of=\"guests\"}",
        "bellhop_holds{scope=\"paused\"}",
        "bellhop_held_messages{scope=\"template_missing\"}",
        "bellhop_values_without_key{table=\"events\"}",
        "bellhop_bookings_without_resort",
        "bellhop_events_delayed",
        "bellhop_reports_missing",
        "bellhop_due_messages{state=\"queued\"}",
        "bellhop_open_letters{reason=\"outcome_unknown\"}",
        "bellhop_queue_messages{queue=\"dead.events\"}",
        "bellhop_oldest_due_message_seconds",
        "bellhop_oldest_due_timer_seconds",
        "bellhop_oldest_open_letter_seconds",
        "bellhop_unresolved_calls",
        "bellhop_figures_timestamp_seconds",
    ] {
        assert_eq!(value(&metrics, series), 0, "{series}");
    }
    let names = metrics.lines().filter(|line| line.starts_with("# TYPE"));
    for name in names.map(|line| line.split(' ').nth(2).unwrap()) {
        assert!(
            name.starts_with("bellhop_") || name == "process_start_time_seconds",
            "{name}"
        );
    }
}

#[tokio::test]
async fn what_is_due_and_what_is_unresolved_is_counted_with_its_age() {
    let mut scene = Scene::new().await;
    for (booking, phone) in [("BK-1", ADA), ("BK-2", BOB)] {
        scene.happens(&Webhook::confirmed(booking, phone)).await;
    }
    scene.calls("BK-2", CONFIRMATION).await;
    scene
        .sql(
            "UPDATE messages SET due_at = due_at - interval '20 minutes'; \
             UPDATE messages SET state = 'unknown', publish_at = NULL WHERE booking_key = 'azure-bay/BK-2' AND claimed_at IS NOT NULL; \
             UPDATE bookings SET wake_at = now() - interval '10 minutes' WHERE key = 'azure-bay/BK-1'",
        )
        .await;

    scene.steps.export_figures_once().await;

    let metrics = scene.steps.metrics();
    let age = |series: &str| -> f64 {
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{series} ")));
        line.unwrap_or_else(|| panic!("no {series}")).parse().unwrap()
    };
    assert_eq!(value(&metrics, "bellhop_unresolved_calls"), 1);
    assert_eq!(value(&metrics, "bellhop_due_messages{state=\"queued\"}"), 1);
    let (message, timer) = (
        age("bellhop_oldest_due_message_seconds"),
        age("bellhop_oldest_due_timer_seconds"),
    );
    assert!((1_200.0..1_260.0).contains(&message), "{message}");
    assert!((600.0..660.0).contains(&timer), "{timer}");
    assert!(age("bellhop_figures_timestamp_seconds") > 1_000_000_000.0);
}

async fn minutes_pass(scene: &Scene, minutes: i64) {
    scene
        .sql(&format!(
            "UPDATE messages SET claimed_at = claimed_at - interval '{minutes} minutes', \
             delivery_at = delivery_at - interval '{minutes} minutes'"
        ))
        .await;
}

#[tokio::test]
async fn a_number_that_nothing_is_reported_of_is_counted_and_alerted_once_for_each_outage() {
    logs::begin();
    let mut scene = Scene::new().await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    let called = scene.calls("BK-1", CONFIRMATION).await;
    scene.steps.export_figures_once().await;
    assert_eq!(value(&scene.steps.metrics(), "bellhop_reports_missing"), 0);

    minutes_pass(&scene, 11).await;
    scene.steps.export_figures_once().await;
    scene.steps.export_figures_once().await;

    assert_eq!(value(&scene.steps.metrics(), "bellhop_reports_missing"), 1);
    let alerts = logs::alerts("reports_missing");
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert!(alerts[0].contains_key("waiting_since"), "{alerts:?}");

    // A report ends the outage. The next one within the hour is counted, and not alerted.
    scene.notified(&status(&called, "sent", ADA)).await;
    scene.steps.export_figures_once().await;
    assert_eq!(value(&scene.steps.metrics(), "bellhop_reports_missing"), 0);
    scene
        .sql("UPDATE messages SET state = 'sent', delivery = NULL, delivery_at = NULL")
        .await;
    scene.steps.export_figures_once().await;
    assert_eq!(value(&scene.steps.metrics(), "bellhop_reports_missing"), 1);
    assert_eq!(logs::alerts("reports_missing").len(), 1);
}
