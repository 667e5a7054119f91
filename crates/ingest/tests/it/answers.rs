//! Every row of the answers' table that needs no broker, and the order of the checks.

use serde_json::{Value, json};

use crate::http::{exchange, request};
use crate::world::{SECRET, World, bytes, event, signed};

/// Nobody listens there.
const NO_BROKER: &str = "amqp://127.0.0.1:1/%2f";

async fn world() -> World {
    World::start(NO_BROKER, &[("INGEST_CONFIRM_TIMEOUT", "300ms")]).await
}

fn errors(body: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = body["errors"].as_array().unwrap();
    list.iter()
        .map(|error| (text(&error["field"]), text(&error["problem"])))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_not_accepted_while_the_broker_is_away() {
    let world = world().await;

    let answer = world.post_signed(&bytes(&event())).await;

    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (503, "broker-unavailable")
    );
    assert!(answer.headers["retry-after"].parse::<u64>().unwrap() > 0);
    assert!(!String::from_utf8(answer.body).unwrap().contains("Ada"));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_fields_are_named_all_at_once() {
    let world = world().await;

    let answer = world.post_signed(br#"{"type":"booking_started"}"#).await;

    assert_eq!((answer.status, answer.problem().as_str()), (400, "invalid-event"));
    let named = errors(&answer.json());
    let fields = ["occurred_at", "resort", "booking.id", "guest.phone"];
    assert_eq!(
        named,
        fields.map(|field| (field.to_owned(), "missing".to_owned()))
    );
    world.finish().await;
}

// shows: T5
#[tokio::test(flavor = "multi_thread")]
async fn what_a_source_may_not_say_is_refused_by_field() {
    let world = world().await;
    let check = async |pointer: &str, value: &str| {
        let mut body = event();
        *body.pointer_mut(pointer).unwrap() = json!(value);
        let answer = world.post_signed(&bytes(&body)).await;
        let field = pointer.trim_start_matches('/').replace('/', ".");
        assert_eq!(errors(&answer.json()), [(field, "not allowed".to_owned())]);
        assert!(!String::from_utf8(answer.body).unwrap().contains("evil"));
    };

    check("/resort", "evil-resort").await;
    check("/booking/resume_url", "https://evil.example/").await;
    check("/booking/resume_url", "http://book.example/evil").await;
    check("/type", "evil_type").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_nobody_knows_is_ignored_where_the_source_is_not_strict() {
    let world = world().await;

    let answer = world
        .post_bearer("lenient", &[], br#"{"type":"room_cleaned"}"#)
        .await;

    assert_eq!(
        (answer.status, &answer.json()["status"]),
        (200, &json!("ignored"))
    );
    assert!(answer.json()["reason"].is_string() && answer.headers.contains_key("x-request-id"));
    world.finish().await;
}

// shows: T3
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_authentic_is_refused_without_a_reason() {
    let world = world().await;
    let body = bytes(&event());
    let old = chrono::Utc::now().timestamp() - 301;
    let signature = crypto::signature::sign_standard(SECRET, "msg_1", old, &body);
    let old = old.to_string();
    let too_old = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", old.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    let mut forged = signed("/webhooks/direct", &body, "application/json");
    let at = forged.len() - 5;
    forged[at] ^= 1;

    let mut bodies = Vec::new();
    for request in [
        request("POST", "/webhooks/direct", &[], &body),
        request("POST", "/webhooks/direct", &too_old, &body),
        request("POST", "/webhooks/direct/token", &[], &body),
        request("POST", "/webhooks/tokens/wrong", &[], &body),
        request("POST", "/webhooks/tokens", &[], &body),
        forged,
    ] {
        let answer = exchange(world.address, &request).await;
        assert_eq!((answer.status, answer.problem().as_str()), (401, "unauthorized"));
        bodies.push(answer.json()["detail"].clone());
    }

    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_the_url_opens_the_door_of_its_source() {
    let world = world().await;
    let headers = [("content-type", "application/json")];

    let answer = exchange(
        world.address,
        &request("POST", "/webhooks/tokens/t0ken", &headers, &bytes(&event())),
    )
    .await;

    assert_eq!(answer.problem(), "broker-unavailable");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_names_its_addresses_takes_no_other() {
    let world = world().await;
    let check = async |forwarded: &str, expected: &str| {
        let headers = [("x-forwarded-for", forwarded)];
        let answer = world.post_bearer("elsewhere", &headers, &bytes(&event())).await;
        assert_eq!(answer.problem(), expected, "{forwarded}");
    };

    check("203.0.113.9", "broker-unavailable").await;
    check("203.0.113.9, 198.51.100.7", "address-not-allowed").await;
    check("198.51.100.7", "address-not-allowed").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods_that_do_not_exist_are_problems_too() {
    let world = world().await;
    let check = async |method: &str, path: &str, status: u16, problem: &str, allow: Option<&str>| {
        let answer = exchange(world.address, &request(method, path, &[], b"")).await;
        let told = (answer.status, answer.problem());
        assert_eq!(told, (status, problem.to_owned()), "{method} {path}");
        assert_eq!(
            answer.headers.get("allow").map(String::as_str),
            allow,
            "{method} {path}"
        );
    };

    check("POST", "/webhooks/nobody", 404, "unknown-source", None).await;
    check("GET", "/webhooks/direct", 405, "method-not-allowed", Some("POST")).await;
    check(
        "DELETE",
        "/webhooks/nobody",
        405,
        "method-not-allowed",
        Some("POST"),
    )
    .await;
    check(
        "PUT",
        "/webhooks/tokens/t0ken",
        405,
        "method-not-allowed",
        Some("POST"),
    )
    .await;
    check(
        "PUT",
        "/webhooks/whatsapp",
        405,
        "method-not-allowed",
        Some("GET, POST"),
    )
    .await;
    check("POST", "/healthz", 405, "method-not-allowed", Some("GET, HEAD")).await;
    check(
        "POST",
        "/openapi.json",
        405,
        "method-not-allowed",
        Some("GET, HEAD"),
    )
    .await;
    check("GET", "/", 404, "not-found", None).await;
    check("GET", "/webhooks", 404, "not-found", None).await;
    check("POST", "/webhooks/a/b/c", 404, "not-found", None).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_json_is_taken_and_only_after_the_signature() {
    let world = world().await;
    let check = async |content_type: &str, expected: &str| {
        let headers = [("content-type", content_type)];
        let answer = world.post_bearer("lenient", &headers, b"{}").await;
        assert_eq!(answer.problem(), expected, "{content_type}");
    };

    check("text/plain", "unsupported-media-type").await;
    check("application/x-www-form-urlencoded", "unsupported-media-type").await;
    check("application/json; charset=utf-8", "invalid-event").await;
    check("application/cloudevents+json", "invalid-event").await;
    let unsigned = [("authorization", "Bearer wrong"), ("content-type", "text/plain")];
    assert_eq!(world.post_bearer("lenient", &unsigned, b"{}").await.status, 401);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_rate_a_sender_is_told_when_to_come_again() {
    let world = world().await;
    let post = async |address: &str, token: &str| {
        let headers = [("x-forwarded-for", address), ("authorization", token)];
        world.post_bearer("slow", &headers, b"{}").await
    };

    let strangers = [
        post("198.51.100.7", "Bearer x").await,
        post("198.51.100.7", "Bearer x").await,
    ];
    let authentic = [
        post("203.0.113.9", "Bearer letmein").await,
        post("203.0.113.8", "Bearer letmein").await,
    ];

    assert_eq!(strangers.each_ref().map(|answer| answer.status), [401, 429]);
    assert_eq!(authentic.each_ref().map(|answer| answer.status), [400, 429]);
    for answer in [&strangers[1], &authentic[1]] {
        assert_eq!(answer.problem(), "rate-limited");
        assert!(answer.headers["retry-after"].parse::<u64>().unwrap() >= 1);
    }
    world.finish().await;
}

// shows: B264
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_makes_its_own_source_or_resort_unavailable_until_it_is_mended() {
    let world = world().await;
    let mut for_broken_resort = event();
    for_broken_resort["resort"] = json!("broken-bay");

    let source = world.post_bearer("broken", &[], b"{}").await;
    let resort = world.post_signed(&bytes(&for_broken_resort)).await;
    let report = world.get("/readyz").await;

    assert_eq!(
        (source.status, source.problem().as_str()),
        (503, "source-unavailable")
    );
    assert_eq!(
        (resort.status, resort.problem().as_str()),
        (503, "resort-unavailable")
    );
    assert!(source.headers.contains_key("retry-after") && resort.headers.contains_key("retry-after"));
    // The others work, so no balancer turns away: only the broker is missing here.
    let told = report.json();
    let missing: Vec<_> = told["missing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(missing, ["rabbitmq"]);
    let warning = told["warnings"][0]["reason"].as_str().unwrap();
    assert!(
        warning.contains("sources/broken.toml") && warning.contains("resorts/broken-bay.toml"),
        "{told}"
    );

    std::fs::remove_file(world.folder.join("resorts/broken-bay.toml")).unwrap();
    let good = std::fs::read_to_string(world.folder.join("sources/lenient.toml")).unwrap();
    std::fs::write(world.folder.join("sources/broken.toml"), good).unwrap();
    world.stop.reload();
    world.until(|report| !report.to_string().contains(".toml")).await;

    assert_eq!(world.post_bearer("broken", &[], b"{}").await.status, 400);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_id_of_its_request() {
    let world = world().await;

    let mut ids = Vec::new();
    for path in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/nothing",
        "/webhooks/direct",
    ] {
        ids.push(world.get(path).await.headers["x-request-id"].clone());
    }

    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6);
    world.finish().await;
}

// shows: T18
#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_counted_under_names_that_nobody_can_make_up() {
    let world = world().await;

    world.post_bearer("nobody-knows-me", &[], b"{}").await;
    world.post_bearer("lenient", &[], br#"{"type":"made_up"}"#).await;
    world.post_signed(&bytes(&event())).await;
    let metrics = String::from_utf8(world.get("/metrics").await.body).unwrap();

    for line in [
        r#"bellhop_webhooks_total{answer="unknown-source",source="unknown",type="other"} 1"#,
        r#"bellhop_webhooks_total{answer="ignored",source="lenient",type="other"} 1"#,
        r#"bellhop_webhooks_total{answer="broker-unavailable",source="direct",type="booking_started"} 1"#,
        r#"bellhop_webhooks_rejected_total{reason="unknown-source",source="unknown"} 1"#,
        "bellhop_webhook_answer_seconds_count 3",
        "bellhop_broker_ready 0",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert!(!metrics.contains("made_up") && !metrics.contains("nobody-knows-me"));
    world.finish().await;
}
