//! The header `traceparent` of calls.

use domain::message::MessageState::{Read, Sent};
use serde_json::json;

use crate::scene::{ADA, BOB, CONFIRMATION, Scene, confirmed};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-";

// shows: B256
#[tokio::test(flavor = "multi_thread")]
async fn each_call_is_a_span_of_its_messages_trace() {
    let scene = Scene::new().await;
    scene
        .tell_sandbox("failures", json!({ "times": 1, "answer": { "error": 131_016 } }))
        .await;
    scene.apply(confirmed("BK-1", ADA)).await;
    let planned = format!("UPDATE messages SET traceparent = '{TRACE}00f067aa0ba902b7-01'");
    scene.database.execute(&planned).await;

    scene.send().await;
    scene.next_try_is_due().await;
    scene.send().await;

    let calls = scene.calls().await;
    let spans: Vec<&str> = calls
        .iter()
        .map(|call| call.traceparent.as_deref().unwrap())
        .collect();
    assert_eq!(spans.len(), 2);
    assert!(spans.iter().all(|span| span.starts_with(TRACE)), "{spans:?}");
    assert!(spans[0] != spans[1] && !spans.iter().any(|span| span.contains("00f067aa0ba902b7")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_an_older_program_planned_begins_a_trace_with_its_call() {
    let scene = Scene::new().await;
    scene.apply(confirmed("BK-1", BOB)).await;
    scene
        .database
        .execute("UPDATE messages SET traceparent = NULL")
        .await;

    scene.send().await;

    let calls = scene.calls().await;
    let span = calls[0].traceparent.as_deref().unwrap();
    assert_eq!((span.len(), &span[52..]), (55, "-01"));
    let message = scene.message("BK-1", CONFIRMATION).await;
    assert!([Sent, Read].contains(&message.existing.state));
}
