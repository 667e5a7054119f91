//! The endpoint for marketing messages, and templates that change their category.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{CallbackServer, GUEST, NUMBER, World, hello, reminder, text};

fn with_policy(mut body: Value, policy: &str) -> Value {
    body["product_policy"] = policy.into();
    body
}

async fn refusal(world: &World, version: &str, body: Value) -> (u16, i64) {
    let (status, answer) = world
        .post(&format!("/{version}/{NUMBER}/marketing_messages"), body)
        .await;
    (
        status.as_u16(),
        answer["error"]["code"].as_i64().unwrap_or_default(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn marketing_templates_are_taken_and_priced_as_marketing_lite() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);

    let taken = refusal(&world, "v25.0", with_policy(reminder(), "CLOUD_API_FALLBACK")).await;

    assert_eq!(taken, (200, 0));
    let journal = world.messages().await;
    assert_eq!(
        journal[0]["path"],
        format!("/v25.0/{NUMBER}/marketing_messages").as_str()
    );
    let statuses = callback.statuses(1).await;
    assert_eq!(statuses[0]["pricing"]["category"], "marketing_lite");
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_and_templates_of_other_categories_are_refused_and_shown_with_their_path() {
    let world = World::start(|_| {});

    assert_eq!(refusal(&world, "v25.0", hello(GUEST)).await, (400, 134_100));
    assert_eq!(refusal(&world, "v22.0", hello(GUEST)).await, (400, 131_055));
    assert_eq!(refusal(&world, "v25.0", text("Hi")).await, (400, 100));
    let policy = with_policy(reminder(), "LENIENT");
    assert_eq!(refusal(&world, "v25.0", policy).await, (400, 100));
    let elsewhere = with_policy(reminder(), "STRICT");
    assert_eq!(world.refusal(elsewhere).await, (400, 100), "not a member there");
    let paths: Vec<_> = world
        .messages()
        .await
        .iter()
        .map(|call| call["path"].clone())
        .collect();
    assert!(
        paths[0].as_str().unwrap().ends_with("/marketing_messages"),
        "{paths:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_may_look_at_one_endpoint_alone() {
    let world = World::start(|_| {});
    world
        .script(json!({ "when": { "endpoint": "marketing_messages" }, "answer": { "error": 200 } }))
        .await;

    assert_eq!(refusal(&world, "v25.0", reminder()).await, (403, 200));
    assert_eq!(world.send(reminder()).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_changes_its_category_and_the_callback_is_told() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);

    let change = json!({ "name": "hello", "language": "en", "category": "MARKETING" });
    let (status, _) = world.post("/sandbox/templates", change).await;

    assert_eq!(status, StatusCode::NO_CONTENT);
    let changes = callback.changes(1).await;
    assert_eq!(changes[0]["field"], "template_category_update");
    assert_eq!(
        (
            &changes[0]["value"]["previous_category"],
            &changes[0]["value"]["new_category"]
        ),
        (&json!("UTILITY"), &json!("MARKETING"))
    );
    assert_eq!(refusal(&world, "v25.0", hello(GUEST)).await, (200, 0));
    let nothing = json!({ "name": "hello", "language": "en" });
    let (status, _) = world.post("/sandbox/templates", nothing).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}
