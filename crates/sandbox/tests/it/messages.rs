//! What is taken, what is refused, and how that is answered.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{GUEST, NUMBER, World, hello, reminder, text};

/// The reminder with the member at `pointer` replaced, or removed.
fn reminder_with(pointer: &str, value: Option<Value>) -> Value {
    let mut body = reminder();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap();
    match (parent, value) {
        (Value::Object(members), Some(value)) => drop(members.insert(name.to_owned(), value)),
        (Value::Object(members), None) => drop(members.remove(name)),
        (Value::Array(list), Some(value)) => list[name.parse::<usize>().unwrap()] = value,
        (Value::Array(list), None) => drop(list.remove(name.parse().unwrap())),
        _ => panic!("{pointer} leads nowhere"),
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_message_is_taken_and_shown_as_the_guest_sees_it() {
    let world = World::start(|_| {});

    let (status, answer) = world.send(reminder()).await;

    assert_eq!(status, StatusCode::OK, "{answer}");
    let wamid = answer["messages"][0]["id"].as_str().unwrap();
    assert!(wamid.starts_with("wamid.HBg"), "{wamid}");
    assert_eq!(answer["messages"][0]["message_status"], "accepted");
    assert_eq!(
        answer["contacts"],
        json!([{ "input": GUEST, "wa_id": "306912345678" }])
    );
    let message = &world.messages().await[0];
    assert_eq!(message["body"], "Hi Ada, your stay at Azure Bay waits.");
    assert_eq!(message["header"], "Azure Bay");
    assert_eq!(message["button_url"], "https://book.example/r/BK-1001?k=1");
    let told =
        ["to", "kind", "template", "accepted", "wamid", "callback_data"].map(|name| message[name].clone());
    assert_eq!(
        json!(told),
        json!([GUEST, "template", "booking_reminder_1", true, wamid, "m1.1"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_has_the_headers_of_the_graph_api() {
    let world = World::start(|_| {});
    let url = format!("{}/v25.0/{NUMBER}/messages", world.url());

    let answer = world
        .client()
        .post(url)
        .bearer_auth("t")
        .body(reminder().to_string())
        .send()
        .await
        .unwrap();

    assert_eq!(answer.headers()["facebook-api-version"], "v25.0");
    assert_eq!(
        answer.headers()["content-type"],
        "application/json; charset=UTF-8"
    );
    assert!(answer.headers().contains_key("x-fb-trace-id"));
    assert!(answer.headers().contains_key("x-business-use-case-usage"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_an_accepted_token_is_refused() {
    let world = World::start(|settings| settings.tokens = Some(["good".to_owned()].into()));
    let call = |token: &'static str| {
        let url = format!("{}/v25.0/{NUMBER}/messages", world.url());
        let request = world
            .client()
            .post(url)
            .header("authorization", token)
            .body(reminder().to_string());
        async { request.send().await.unwrap() }
    };

    for token in ["", "Bearer ", "Bearer bad", "Basic good"] {
        let answer = call(token).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{token}");
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(body["error"]["code"], 190);
    }
    assert_eq!(call("Bearer good").await.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_not_known_is_refused_as_an_unknown_object() {
    let world = World::start(|settings| settings.numbers = Some(["1".to_owned()].into()));

    let (status, answer) = world.send(reminder()).await;

    assert_eq!(
        (
            status.as_u16(),
            &answer["error"]["code"],
            &answer["error"]["error_subcode"]
        ),
        (400, &json!(100), &json!(33))
    );
}

/// Sends the reminder with each change, and compares status and code of the refusal.
async fn check_refusals<const N: usize>(cases: [(&str, Option<Value>, (u16, i64)); N]) {
    let world = World::start(|_| {});
    for (pointer, value, expected) in cases {
        let refusal = world.refusal(reminder_with(pointer, value.clone())).await;
        assert_eq!(refusal, expected, "{pointer} {value:?}");
    }

    let messages = world.messages().await;
    assert!(
        messages
            .iter()
            .all(|message| message["accepted"] == false && message["wamid"].is_null())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_are_checked_as_whatsapp_checks_them() {
    check_refusals([
        ("/messaging_product", None, (400, 100)),
        ("/messaging_product", Some(json!("sms")), (400, 100)),
        ("/surprise", Some(json!(1)), (400, 100)),
        ("/to", None, (400, 131_008)),
        ("/to", Some(json!("+12")), (400, 131_009)),
        ("/to", Some(json!("abc")), (400, 131_009)),
        ("/to", Some(json!("+15550100200")), (400, 131_021)),
        ("/to", Some(json!(306_912_345_678_u64)), (400, 100)),
        (
            "/biz_opaque_callback_data",
            Some(json!("x".repeat(513))),
            (400, 100),
        ),
        ("/template", None, (400, 131_008)),
        ("/template/name", None, (400, 131_008)),
        ("/template/language", None, (400, 131_008)),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_must_fit_its_template() {
    const BODY: &str = "/template/components/1/parameters/0";
    let body = |name: &str| format!("{BODY}/{name}");
    check_refusals([
        ("/template/name", Some(json!("other")), (404, 132_001)),
        ("/template/language/code", Some(json!("en")), (404, 132_001)),
        ("/template/components/0", None, (400, 132_000)),
        (BODY, None, (400, 132_000)),
        (&body("parameter_name"), Some(json!("first_name")), (400, 132_012)),
        (&body("type"), Some(json!("image")), (400, 132_012)),
        (&body("text"), Some(json!("")), (400, 131_008)),
        (&body("text"), Some(json!("a\nb")), (400, 100)),
        (&body("text"), Some(json!("x".repeat(1025))), (400, 132_005)),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_needs_a_suffix_that_is_percent_encoded() {
    const TEXT: &str = "/template/components/2/parameters/0/text";
    check_refusals([
        ("/template/components/2", None, (400, 131_008)),
        ("/template/components/2/index", Some(json!("1")), (400, 131_009)),
        (TEXT, Some(json!("r/BK 1001")), (400, 131_009)),
        (TEXT, Some(json!("r/é")), (400, 131_009)),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_json_is_an_invalid_parameter() {
    let world = World::start(|_| {});
    let url = format!("{}/v25.0/{NUMBER}/messages", world.url());

    let answer = world
        .client()
        .post(url)
        .bearer_auth("t")
        .body("{")
        .send()
        .await
        .unwrap();

    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(answer.text().await.unwrap().contains("\"code\":100"));
}

#[tokio::test(flavor = "multi_thread")]
async fn named_parameters_go_by_their_names() {
    let world = World::start(|_| {});
    let named = |parameter: Value| {
        json!({ "messaging_product": "whatsapp", "to": GUEST, "type": "template", "template": { "name": "named",
                "language": { "code": "de" }, "components": [{ "type": "body", "parameters": [parameter] }] } })
    };

    let refusal = world
        .refusal(named(json!({ "type": "text", "text": "Ada" })))
        .await;
    let (status, _) = world
        .send(named(
            json!({ "type": "text", "parameter_name": "first_name", "text": "Ada" }),
        ))
        .await;

    assert_eq!((refusal, status), ((400, 132_012), StatusCode::OK));
    assert_eq!(world.messages().await[1]["body"], "Hallo Ada!");
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_checked_and_their_answer_has_no_message_status() {
    let world = World::start(|_| {});

    let (status, answer) = world.send(text("Hi")).await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        answer["messages"][0]
            .as_object()
            .unwrap()
            .keys()
            .collect::<Vec<_>>(),
        ["id"]
    );
    assert_eq!(world.refusal(text("")).await, (400, 131_008));
    assert_eq!(world.refusal(text(&"x".repeat(4097))).await, (400, 100));
    let misspelled =
        json!({ "messaging_product": "whatsapp", "to": GUEST, "type": "text", "text": { "bodyy": "Hi" } });
    assert_eq!(world.refusal(misspelled).await, (400, 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_list_every_template_exists() {
    let world = World::start(|settings| settings.templates = sandbox::Templates::any());

    let (status, _) = world.send(reminder()).await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        world.messages().await[0]["body"],
        "[booking_reminder_1] Ada Azure Bay"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_has_an_id_of_its_own() {
    let world = World::start(|_| {});

    for _ in 0..3 {
        world.send(hello(GUEST)).await;
    }

    let mut ids: Vec<_> = world
        .messages()
        .await
        .iter()
        .map(|message| message["wamid"].to_string())
        .collect();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}
