//! Questions about token, number and account, as Meta's pages show their answers.

use reqwest::{Method, StatusCode};
use sandbox::Callback;
use serde_json::{Value, json};

use crate::harness::{NUMBER, TEMPLATES, World};

const ACCOUNT: &str = "900800700600500";

async fn ask(world: &World, path: &str) -> (StatusCode, Value) {
    world
        .call(Method::GET, &format!("/v25.0/{path}"), &Value::Null)
        .await
}

async fn answer(world: &World, path: &str) -> Value {
    let (status, answer) = ask(world, path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {answer}");
    answer
}

async fn refusal(world: &World, path: &str) -> (u16, Value) {
    let (status, answer) = ask(world, path).await;
    (status.as_u16(), answer["error"]["code"].clone())
}

async fn script(world: &World, change: Value) {
    let (status, answer) = world.post("/sandbox/account", change).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_described_with_its_rights_and_the_accounts_that_they_reach() {
    let world = World::start(|settings| settings.tokens = Some(["token".to_owned()].into()));

    let known = answer(&world, "debug_token?input_token=token").await;
    let unknown = answer(&world, "debug_token?input_token=another").await;

    let data = &known["data"];
    assert_eq!(
        (&data["is_valid"], &data["expires_at"]),
        (&json!(true), &json!(0))
    );
    assert_eq!(
        data["granular_scopes"][0],
        json!({ "scope": "whatsapp_business_management", "target_ids": [ACCOUNT] })
    );
    assert_eq!(unknown["data"]["is_valid"], false);
    assert_eq!(unknown["data"]["error"]["code"], 190);
    assert_eq!(refusal(&world, "debug_token").await, (400, json!(100)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_has_the_fields_that_are_asked_for_and_no_others() {
    let world = World::start(|settings| {
        settings.numbers = Some([NUMBER.to_owned()].into());
        settings.callback = Some(Callback::new("http://127.0.0.1:1/hook", "secret").unwrap());
    });

    let asked = answer(
        &world,
        &format!("{NUMBER}?fields=status,throughput,webhook_configuration"),
    )
    .await;

    assert_eq!(
        asked,
        json!({ "id": NUMBER, "status": "CONNECTED", "throughput": { "level": "STANDARD" },
                "webhook_configuration": { "application": "http://127.0.0.1:1/hook" } })
    );
    assert_eq!(answer(&world, NUMBER).await["verified_name"], "Azure Bay Resort");
    assert_eq!(
        refusal(&world, &format!("{NUMBER}?fields=nothing")).await,
        (400, json!(100))
    );
    assert_eq!(refusal(&world, "1").await, (400, json!(100)));
    let limit = format!("{NUMBER}?fields=whatsapp_business_manager_messaging_limit");
    assert_eq!(
        answer(&world, &limit).await["whatsapp_business_manager_messaging_limit"],
        "TIER_2K"
    );
    let (older, _) = world
        .call(Method::GET, &format!("/v23.0/{limit}"), &Value::Null)
        .await;
    assert_eq!(older, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_are_listed_page_by_page_with_components_and_cursors() {
    let world = World::start(|_| {});
    let path = format!("{ACCOUNT}/message_templates?fields=name,components,parameter_format&limit=2");

    let first = answer(&world, &path).await;
    let cursor = first["paging"]["cursors"]["after"].as_str().unwrap();
    let second = answer(&world, &format!("{path}&after={cursor}")).await;

    assert_eq!(first["data"].as_array().unwrap().len(), 2);
    let next = first["paging"]["next"].as_str().unwrap();
    assert!(
        next.starts_with(world.url()) && next.ends_with(&format!("after={cursor}")),
        "{next}"
    );
    assert_eq!(second["paging"].get("next"), None);
    let named = &second["data"][0];
    assert_eq!(
        (&named["name"], &named["parameter_format"]),
        (&json!("named"), &json!("NAMED"))
    );
    assert_eq!(
        named["components"],
        json!([{ "type": "BODY", "text": "Hallo {{first_name}}!",
                 "example": { "body_text_named_params": [{ "param_name": "first_name", "example": "example of first_name" }] } }])
    );
    let reminder = &first["data"][0]["components"];
    assert_eq!(reminder[0]["format"], "TEXT");
    assert_eq!(reminder[3]["buttons"][0]["url"], "https://book.example/{{1}}");
    let paused = answer(&world, &format!("{ACCOUNT}/message_templates?status=PAUSED")).await;
    assert_eq!(paused["data"], json!([]));
    assert_eq!(TEMPLATES.matches("\"name\"").count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_takes_rights_away_and_refuses_questions_until_all_is_forgotten() {
    let world = World::start(|_| {});
    script(
        &world,
        json!({ "scopes": ["whatsapp_business_messaging"], "token_expires_in": "3d", "subscribed": false,
                "number": { "quality_rating": "RED", "name_status": null } }),
    )
    .await;

    let token = answer(&world, "debug_token?input_token=token").await;
    assert_eq!(token["data"]["scopes"], json!(["whatsapp_business_messaging"]));
    assert!(token["data"]["expires_at"].as_i64().unwrap() > 0);
    let apps = format!("{ACCOUNT}/subscribed_apps");
    assert_eq!(refusal(&world, &apps).await, (403, json!(200)));

    script(
        &world,
        json!({ "scopes": ["whatsapp_business_management"], "errors": { "number": 131_031 } }),
    )
    .await;
    assert_eq!(answer(&world, &apps).await, json!({ "data": [] }));
    assert_eq!(refusal(&world, NUMBER).await.1, 131_031);

    world.call(Method::DELETE, "/sandbox", &Value::Null).await;
    let number = answer(&world, &format!("{NUMBER}?fields=quality_rating,name_status")).await;
    assert_eq!(
        number,
        json!({ "id": NUMBER, "quality_rating": "GREEN", "name_status": "APPROVED" })
    );
    assert_eq!(answer(&world, &apps).await["data"].as_array().unwrap().len(), 1);
}
