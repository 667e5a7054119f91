//! The sandbox's own endpoints.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{CallbackServer, GUEST, NUMBER, World, hello, reminder};

#[tokio::test(flavor = "multi_thread")]
async fn clearing_forgets_messages_scripts_and_templates() {
    let world = World::start(|_| {});
    world.script(json!({ "answer": { "error": 2 } })).await;
    world
        .post(
            "/sandbox/templates",
            json!({ "name": "hello", "language": "en", "status": "PAUSED" }),
        )
        .await;
    world.send(reminder()).await;

    let (status, _) = world.call(Method::DELETE, "/sandbox", &Value::Null).await;

    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(world.messages().await, Vec::<Value>::new());
    assert_eq!(world.refusal(hello(GUEST)).await, (200, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_can_be_listed_for_one_guest() {
    let world = World::start(|_| {});
    world.send(hello(GUEST)).await;
    world.send(hello("+4915550001111")).await;

    let (_, list) = world
        .call(Method::GET, "/sandbox/messages?to=%2B306912345678", &Value::Null)
        .await;

    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(list[0]["to"], GUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_template_is_notified_and_refused() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);

    world
        .post(
            "/sandbox/templates",
            json!({ "name": "hello", "language": "en", "status": "PAUSED" }),
        )
        .await;

    assert_eq!(world.refusal(hello(GUEST)).await, (400, 132_015));
    let received = &callback.received(|list| !list.is_empty()).await[0];
    assert!(received.json()["entry"][0]["time"].is_i64());
    let change = &received.changes()[0];
    assert_eq!(
        (&change["field"], &change["value"]["event"]),
        (&json!("message_template_status_update"), &json!("PAUSED"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn any_other_event_can_be_notified() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);

    world
        .post(
            "/sandbox/events",
            json!({ "field": "account_update", "value": { "event": "ACCOUNT_VIOLATION" } }),
        )
        .await;

    assert_eq!(
        callback.changes(1).await[0]["value"]["event"],
        "ACCOUNT_VIOLATION"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_answers_the_number_that_wrote_last() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);
    world.script(json!({ "notify": { "statuses": [] } })).await;

    let (unknown, _) = world
        .post("/sandbox/inbound", json!({ "from": GUEST, "text": "Hi" }))
        .await;
    world.send(hello(GUEST)).await;
    let button = json!({ "payload": "STOP", "text": "Stop" });
    let (known, _) = world
        .post("/sandbox/inbound", json!({ "from": GUEST, "button": button }))
        .await;

    assert_eq!((unknown, known), (StatusCode::BAD_REQUEST, StatusCode::OK));
    let value = &callback.changes(1).await[0]["value"];
    assert_eq!(value["metadata"]["phone_number_id"], NUMBER);
    assert_eq!(value["messages"][0]["button"]["payload"], "STOP");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_understood_is_told() {
    let world = World::start(|_| {});
    let cases = [
        (
            "/sandbox/failures",
            json!({ "answer": { "error": 1, "cut": true } }),
            "exclude",
        ),
        ("/sandbox/failures", json!({ "times": 1 }), "needed"),
        ("/sandbox/failures", json!({ "answers": {} }), "unknown field"),
        (
            "/sandbox/failures",
            json!({ "every": 0, "answer": { "error": 1 } }),
            "at least 1",
        ),
        (
            "/sandbox/inbound",
            json!({ "from": "x", "text": "Hi" }),
            "phone number",
        ),
        ("/sandbox/inbound", json!({ "from": GUEST }), "one of"),
        ("/sandbox/clock", json!({ "advance": "soon" }), "duration"),
    ];

    for (path, body, expected) in cases {
        let (status, answer) = world.post(path, body.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {body}");
        assert!(
            answer["error"].as_str().unwrap().contains(expected),
            "{path} {body}: {answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_that_it_is_alive() {
    let world = World::start(|_| {});

    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(
            world.call(Method::GET, path, &Value::Null).await.0,
            StatusCode::OK,
            "{path}"
        );
    }
    assert_eq!(
        world.call(Method::GET, "/elsewhere", &Value::Null).await.0,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_does_not_echo_the_challenge_is_not_verified() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);

    let (_, answer) = world
        .post("/sandbox/handshake", json!({ "verify_token": "t" }))
        .await;

    assert_eq!(answer, json!({ "status": 200, "verified": false }));
    let request = &callback.received(|list| !list.is_empty()).await[0];
    assert!(
        request
            .head
            .starts_with("GET /webhooks/whatsapp?hub.mode=subscribe&hub.challenge="),
        "{}",
        request.head
    );
}
