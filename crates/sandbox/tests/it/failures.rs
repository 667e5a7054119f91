//! What goes wrong when a script asks for it.

use std::time::Duration;

use serde_json::json;

use crate::harness::{CallbackServer, GUEST, SECRET, World, hello, reminder};

const LONG: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_acts_on_every_nth_message_as_often_as_it_says() {
    let world = World::start(|_| {});
    world
        .script(json!({ "skip": 1, "every": 2, "times": 2, "answer": { "error": 130_429 } }))
        .await;

    let mut codes = Vec::new();
    for _ in 0..8 {
        codes.push(world.refusal(hello(GUEST)).await.1);
    }

    assert_eq!(codes, [0, 0, 130_429, 0, 130_429, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_for_one_recipient_leaves_others_alone() {
    let world = World::start(|_| {});
    world
        .script(json!([
            { "when": { "to": GUEST }, "answer": { "error": 131_048, "http": 429, "retry_after": 7 } },
            { "when": { "template": "named" }, "answer": { "error": 1 } },
        ]))
        .await;

    assert_eq!(world.refusal(hello(GUEST)).await, (429, 131_048));
    assert_eq!(world.refusal(hello("+4915550001111")).await, (200, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_can_be_cut_before_and_after_the_message_is_taken() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);
    world
        .script(json!([
            { "times": 1, "answer": { "cut": true } },
            { "times": 1, "answer": { "cut": true, "accepted": true } },
        ]))
        .await;

    for _ in 0..2 {
        let error = world.try_send(reminder(), LONG).await.unwrap_err();
        assert!(
            error.is_request() && !error.is_connect() && !error.is_timeout(),
            "{error:?}"
        );
    }

    let taken: Vec<_> = world
        .messages()
        .await
        .iter()
        .map(|message| message["accepted"] == true)
        .collect();
    assert_eq!(taken, [false, true]);
    assert_eq!(callback.statuses(3).await[0]["biz_opaque_callback_data"], "m1.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_can_come_too_late_for_a_message_that_was_taken() {
    let world = World::start(|_| {});
    world.script(json!({ "answer": { "after_ms": 60_000 } })).await;

    let error = world
        .try_send(hello(GUEST), Duration::from_millis(200))
        .await
        .unwrap_err();

    assert!(error.is_timeout());
    assert_eq!(world.messages().await[0]["accepted"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_can_be_garbage() {
    let world = World::start(|_| {});
    world
        .script(json!([
            { "times": 1, "answer": { "http": 502, "body": "<html>bad gateway</html>" } },
            { "times": 1, "answer": { "http": 200, "body": "<html>" } },
        ]))
        .await;

    let first = world.try_send(hello(GUEST), LONG).await.unwrap();
    let second = world.try_send(hello(GUEST), LONG).await.unwrap();

    assert_eq!((first.status().as_u16(), second.status().as_u16()), (502, 200));
    assert_eq!(first.text().await.unwrap(), "<html>bad gateway</html>");
    let taken: Vec<_> = world
        .messages()
        .await
        .iter()
        .map(|message| message["accepted"] == true)
        .collect();
    assert_eq!(taken, [false, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_can_be_held_and_then_fail() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);
    world.script(json!({ "answer": { "message_status": "held_for_quality_assessment" }, "notify": { "error": 132_015 } })).await;

    let (_, answer) = world.send(reminder()).await;

    assert_eq!(
        answer["messages"][0]["message_status"],
        "held_for_quality_assessment"
    );
    let failed = &callback.statuses(1).await[0];
    assert_eq!(
        (&failed["status"], &failed["errors"][0]["code"]),
        (&json!("failed"), &json!(132_015))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_can_come_doubled_and_out_of_order() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);
    world
        .script(json!({ "notify": { "statuses": ["read", "sent"], "copies": 2 } }))
        .await;

    world.send(hello(GUEST)).await;

    let names: Vec<_> = callback
        .statuses(4)
        .await
        .iter()
        .map(|status| status["status"].clone())
        .collect();
    assert_eq!(json!(names), json!(["read", "read", "sent", "sent"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_can_be_withheld_from_one_message() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);
    world
        .script(json!({ "times": 1, "notify": { "statuses": [] } }))
        .await;

    world.send(reminder()).await;
    let (_, second) = world.send(hello(GUEST)).await;

    assert!(
        callback
            .statuses(3)
            .await
            .iter()
            .all(|status| status["id"] == second["messages"][0]["id"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_can_be_kept_back_to_go_in_one_request() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);
    world
        .script(json!({ "notify": { "statuses": ["sent"], "batch": 30 } }))
        .await;

    for _ in 0..30 {
        world.send(hello(GUEST)).await;
    }

    let received = callback.received(|list| !list.is_empty()).await;
    assert_eq!(received[0].changes().len(), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_can_come_before_the_answer() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);
    world.script(json!({ "notify": { "before_answer": true } })).await;

    let (_, answer) = world.send(reminder()).await;

    let received = callback.received(|_| true).await;
    assert_eq!(
        received[0].changes()[0]["value"]["statuses"][0]["id"],
        answer["messages"][0]["id"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_copy_can_come_first() {
    let callback = CallbackServer::start(&[401]).await;
    let world = World::notifying(&callback);
    world
        .script(json!({ "notify": { "statuses": ["sent"], "forged_first": true } }))
        .await;

    world.send(hello(GUEST)).await;
    let received = callback.received(|list| list.len() >= 2).await;

    let genuine = received
        .iter()
        .map(|request| request.header("x-hub-signature-256") == sign(&request.body));
    assert_eq!(genuine.collect::<Vec<_>>(), [false, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_can_be_named_without_a_phone_number() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);
    world.script(json!({ "notify": { "without_phone": true } })).await;

    world.send(hello(GUEST)).await;
    let received = callback.received(|list| !list.is_empty()).await;

    let value = &received[0].changes()[0]["value"];
    assert!(value["statuses"][0]["recipient_id"].is_null() && value["contacts"][0]["wa_id"].is_null());
    assert!(value["statuses"][0]["recipient_user_id"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_refuse_what_goes_beyond_them() {
    let world = World::start(|_| {});
    world
        .post("/sandbox/limits", json!({ "pair": { "burst": 2 } }))
        .await;

    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(world.refusal(hello(GUEST)).await.1);
    }
    world.post("/sandbox/clock", json!({ "advance": "6s" })).await;
    codes.push(world.refusal(hello(GUEST)).await.1);

    assert_eq!(codes, [0, 0, 131_056, 0]);
}

fn sign(body: &[u8]) -> String {
    crypto::signature::sign_github(SECRET, body)
}
