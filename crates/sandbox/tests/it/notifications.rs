//! The notifications that the callback gets.

use crypto::signature::sign_github;
use serde_json::json;

use crate::harness::{CallbackServer, GUEST, NUMBER, SECRET, World, hello, reminder, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_reported_as_sent_delivered_and_read_in_this_order() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);

    let (_, answer) = world.send(reminder()).await;
    let statuses = callback.statuses(3).await;

    let names: Vec<_> = statuses
        .iter()
        .map(|status| status["status"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["sent", "delivered", "read"]);
    for status in &statuses {
        assert_eq!(status["id"], answer["messages"][0]["id"]);
        assert_eq!(status["biz_opaque_callback_data"], "m1.1");
        assert_eq!(status["recipient_id"], "306912345678");
        assert_eq!(status["pricing"]["category"], "marketing");
        assert!(status["conversation"].is_null());
        assert!(status["timestamp"].is_string());
    }
    assert_eq!(
        world.messages().await[0]["statuses"],
        json!(["sent", "delivered", "read"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_is_signed_over_the_bytes_that_meta_writes() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);

    let inbound = json!({ "from": GUEST, "text": "é a@b/c 😀", "phone_number_id": NUMBER });
    world.post("/sandbox/inbound", inbound).await;
    let received = &callback.received(|list| !list.is_empty()).await[0];

    assert_eq!(
        received.header("x-hub-signature-256"),
        sign_github(SECRET, &received.body)
    );
    assert_eq!(received.header("content-type"), "application/json");
    let body = String::from_utf8(received.body.clone()).unwrap();
    assert!(body.contains(r"\u00e9 a\u0040b\/c \ud83d\ude00"), "{body}");
    assert!(
        body.starts_with(r#"{"entry":[{"changes":"#) || body.starts_with(r#"{"object":"#),
        "{body}"
    );
    assert_eq!(received.json()["object"], "whatsapp_business_account");
    let message = &received.changes()[0]["value"]["messages"][0];
    assert_eq!(
        (&message["from"], &message["type"]),
        (&json!("306912345678"), &json!("text"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn anything_but_200_is_repeated_until_it_is_taken() {
    let callback = CallbackServer::start(&[503, 202, 204, 401]).await;
    let world = World::notifying(&callback);
    world.script(json!({ "notify": { "statuses": ["sent"] } })).await;

    world.send(hello(GUEST)).await;
    let received = callback.received(|list| list.len() >= 5).await;

    assert!(received.iter().all(|request| request.body == received[0].body));
    assert_eq!(received.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_callback_the_statuses_still_happen() {
    let world = World::start(|_| {});

    world.send(hello(GUEST)).await;

    while world.messages().await[0]["statuses"] != json!(["sent", "delivered", "read"]) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_under_an_old_version_are_reported_with_a_conversation() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);

    world
        .post(&format!("/v23.0/{NUMBER}/messages"), hello(GUEST))
        .await;

    assert!(callback.statuses(1).await[0]["conversation"]["expiration_timestamp"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn free_text_arrives_only_while_the_guests_window_is_open() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);

    world.send(text("Too early")).await;
    assert_eq!(callback.statuses(1).await[0]["errors"][0]["code"], 131_047);

    world
        .post("/sandbox/inbound", json!({ "from": GUEST, "text": "Hi" }))
        .await;
    world.send(text("In time")).await;
    assert_eq!(callback.statuses(4).await[3]["status"], "read");

    world.post("/sandbox/clock", json!({ "advance": "24h" })).await;
    world.send(text("Too late")).await;
    assert_eq!(callback.statuses(5).await[4]["errors"][0]["code"], 131_047);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_the_user_id_of_a_guest_who_wrote_arrives() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);
    let inbound = json!({ "from": GUEST, "text": "Hi", "phone_number_id": NUMBER });

    world.post("/sandbox/inbound", inbound).await;
    let user_id = callback.changes(1).await[0]["value"]["contacts"][0]["user_id"].clone();
    let answer = json!({
        "messaging_product": "whatsapp", "recipient": user_id, "type": "text", "text": { "body": "Hello" },
    });
    world.send(answer).await;

    let statuses = callback.statuses(3).await;
    assert_eq!(statuses[2]["status"], "read");
    assert_eq!(statuses[2]["recipient_user_id"], user_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_stops_marketing_gets_none_until_they_resume() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);
    let marketing = |value: &str| json!({ "from": GUEST, "phone_number_id": NUMBER, "marketing": value });

    world.post("/sandbox/inbound", marketing("stop")).await;
    world.send(reminder()).await;
    assert_eq!(callback.statuses(1).await[0]["errors"][0]["code"], 131_050);
    world.post("/sandbox/inbound", marketing("resume")).await;
    world.send(reminder()).await;

    assert_eq!(callback.statuses(4).await[3]["status"], "read");
    let preference = &callback.changes(1).await[0];
    assert_eq!(preference["field"], "user_preferences");
    assert_eq!(preference["value"]["user_preferences"][0]["value"], "stop");
    assert!(preference["value"]["user_preferences"][0]["timestamp"].is_i64());
}
