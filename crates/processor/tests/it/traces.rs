//! Traces: from the envelope of an event to rows and log lines, and from a timer back to the event.

use broker::envelope::Envelope;
use chrono::TimeDelta;
use domain::trace::TraceContext;

use crate::logs;
use crate::notification::status;
use crate::scene::{ADA, BOB, CONFIRMATION, REMINDER_1, Scene};
use crate::webhook::Webhook;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Applies an event whose envelope has a span of [`TRACE`].
async fn arrives_traced(scene: &Scene, webhook: &Webhook) {
    let published: TraceContext = format!("00-{TRACE}-00f067aa0ba902b7-01").parse().unwrap();
    let envelope = Envelope {
        traceparent: Some(published),
        ..Envelope::decode(&scene.envelope(webhook)).unwrap()
    };
    assert_eq!(scene.steps.apply(&[envelope.encode()]).await, ["committed"]);
}

/// How many rows of a table have a span of [`TRACE`] that is not the envelope's.
async fn traced(scene: &Scene, table: &str) -> i64 {
    let rows = format!(
        "{table} WHERE traceparent LIKE '00-{TRACE}-%-01' AND traceparent NOT LIKE '%-00f067aa0ba902b7-%'"
    );
    scene.count(&rows).await
}

// shows: B254
#[tokio::test]
async fn what_an_event_changes_is_a_span_of_its_trace() {
    logs::begin();
    let scene = Scene::new().await;

    arrives_traced(&scene, &Webhook::abandoned("CART-1", ADA)).await;
    scene.happens(&Webhook::abandoned("CART-2", BOB)).await;

    for table in ["events", "bookings", "messages"] {
        assert_eq!(traced(&scene, table).await, 1, "{table}");
        let begun = format!("{table} WHERE traceparent NOT LIKE '%{TRACE}%'");
        assert_eq!(scene.count(&begun).await, 1, "{table}");
    }
    for event in ["event_settled", "booking_changed", "message_planned"] {
        let lines = logs::events(event);
        let traces: Vec<bool> = lines.iter().map(|line| line["trace"] == TRACE).collect();
        assert_eq!(traces, [true, false], "{lines:?}");
    }
}

#[tokio::test]
async fn what_whatsapp_reports_of_a_message_has_the_trace_of_its_event() {
    logs::begin();
    let scene = Scene::new().await;
    arrives_traced(&scene, &Webhook::confirmed("BK-1", ADA)).await;
    let called = scene.calls("BK-1", CONFIRMATION).await;

    scene.notified(&status(&called, "delivered", ADA)).await;

    let lines = logs::events("message_reported");
    assert!(!lines.is_empty());
    assert!(lines.iter().all(|line| line["trace"] == TRACE), "{lines:?}");
}

// shows: B255
#[tokio::test]
async fn a_timer_begins_a_trace_and_names_that_of_the_event_that_set_it() {
    logs::begin();
    let scene = Scene::new().await;
    let started = Webhook::started("CART-1", ADA).ago(TimeDelta::hours(1));
    arrives_traced(&scene, &started).await;
    scene.write_file(&testkit::world::ResortFile::default().text());

    scene.timers_come().await;

    assert!(scene.message("CART-1", REMINDER_1).await.is_some());
    assert_eq!(traced(&scene, "bookings").await, 1);
    assert_eq!(traced(&scene, "messages").await, 0);
    let planned = logs::events("message_planned");
    assert_eq!(planned.len(), 1, "{planned:?}");
    assert_eq!(planned[0]["link"], TRACE);
    let of_timer = format!("messages WHERE traceparent LIKE '00-{}-%'", planned[0]["trace"]);
    assert_eq!(scene.count(&of_timer).await, 1);
}
