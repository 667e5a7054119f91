//! Input that no honest client sends: each gets its answer, and the next request is served.

use serde_json::Value;

use crate::http::{exchange, request, send_and_leave};
use crate::world::{World, bytes, event, signed};

const NO_BROKER: &str = "amqp://127.0.0.1:1/%2f";

async fn world() -> World {
    World::start(NO_BROKER, &[("INGEST_CONFIRM_TIMEOUT", "100ms")]).await
}

async fn assert_serves(world: &World) {
    assert_eq!(world.get("/healthz").await.status, 200);
    assert_eq!(world.post_signed(b"{}").await.problem(), "invalid-event");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_json_is_told_so() {
    let world = world().await;
    let nested = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    let cut_field = br#"{"booking":"#.repeat(10_000);
    let bodies: [&[u8]; 12] = [
        b"",
        b"hello",
        b"[]",
        b"null",
        b"\"text\"",
        b"{\"id\":",
        b"{\"id\":\xff\xfe}",
        b"{}{}",
        b"{'id':1}",
        b"{\"id\":1,}",
        &nested,
        &cut_field,
    ];

    for body in bodies {
        let answer = world.post_signed(body).await;
        assert_eq!((answer.status, answer.problem().as_str()), (400, "invalid-json"));
    }

    assert_serves(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_nested_too_deep_counts_as_null() {
    let world = world().await;
    let nested = |count: usize| {
        let (before, after) = (br#"{"booking":"#.repeat(count), b"}".repeat(count));
        [before, b"1".to_vec(), after].concat()
    };

    for body in [nested(10_000), nested(90)] {
        let answer = world.post_signed(&body).await;
        assert_eq!((answer.status, answer.problem().as_str()), (400, "invalid-event"));
    }

    assert_serves(&world).await;
    world.finish().await;
}

// shows: B6
#[tokio::test(flavor = "multi_thread")]
async fn of_a_field_that_is_given_twice_the_last_value_counts() {
    let world = world().await;
    let event = bytes(&event());
    let twice = |first: &str, last: &str| {
        [
            b"{",
            first.as_bytes(),
            b",",
            &event[1..event.len() - 1],
            b",",
            last.as_bytes(),
            b"}",
        ]
        .concat()
    };

    let last_good = world
        .post_signed(&twice(r#""resort":"evil-resort""#, r#""resort":"azure-bay""#))
        .await;
    let last_bad = world
        .post_signed(&twice(r#""resort":"azure-bay""#, r#""resort":"evil-resort""#))
        .await;

    assert_eq!(last_good.problem(), "broker-unavailable");
    assert_eq!(last_bad.json()["errors"][0]["field"], "resort");
    world.finish().await;
}

// shows: T8
#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_10_mb_is_too_large_wherever_its_length_is_announced() {
    let world = world().await;
    let large = vec![b' '; 10 << 20];
    let mut chunked = request(
        "POST",
        "/webhooks/direct",
        &[("transfer-encoding", "chunked"), ("content-length", "")],
        b"",
    );
    chunked = String::from_utf8(chunked)
        .unwrap()
        .replace("content-length: \r\n", "")
        .into_bytes();
    chunked.extend(format!("{:x}\r\n", large.len()).bytes());
    chunked.extend(&large);
    chunked.extend(b"\r\n0\r\n\r\n");

    for request in [request("POST", "/webhooks/direct", &[], &large), chunked] {
        let answer = exchange(world.address, &request).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (413, "body-too-large")
        );
    }
    let to_nobody = exchange(world.address, &request("POST", "/webhooks/nobody", &[], &large)).await;

    assert_eq!(to_nobody.status, 404);
    assert_serves(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_exactly_1_mib_is_taken_and_one_byte_more_is_not() {
    let world = world().await;
    let mut body = b"{}".to_vec();
    body.resize(1 << 20, b' ');

    let longest = world.post_signed(&body).await;
    body.push(b' ');
    let longer = world.post_signed(&body).await;

    assert_eq!(longest.problem(), "invalid-event");
    assert_eq!(longer.problem(), "body-too-large");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_that_go_away_in_the_middle_disturb_nobody() {
    let world = world().await;
    let whole = signed("/webhooks/direct", &bytes(&event()), "application/json");

    for length in (1..whole.len()).step_by(7) {
        send_and_leave(world.address, &whole[..length]).await;
    }

    assert_serves(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_not_waited_for_without_end() {
    let world = world().await;
    let mut head = request("POST", "/webhooks/direct", &[("content-length", "100")], b"");
    head.extend(b"{");

    let answer = exchange(world.address, &head).await;

    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (408, "request-timeout")
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_may_be_missing_or_of_any_type_and_is_answered() {
    let world = world().await;
    let values = [
        Value::Null,
        true.into(),
        7.into(),
        1.5.into(),
        "".into(),
        "\u{0}".into(),
        Value::from(Vec::<Value>::new()),
    ];
    let mut pointers = Vec::new();
    collect(&event(), "", &mut pointers);

    for pointer in &pointers {
        for value in &values {
            let mut body = event();
            *body.pointer_mut(pointer).unwrap() = value.clone();
            let answer = world.post_signed(&bytes(&body)).await;
            assert!(
                [400, 503].contains(&answer.status),
                "{pointer} {value}: {}",
                answer.status
            );
            answer.problem();
        }
    }

    assert_serves(&world).await;
    world.finish().await;
}

fn collect(value: &Value, path: &str, pointers: &mut Vec<String>) {
    for (name, inner) in value.as_object().into_iter().flatten() {
        let path = format!("{path}/{name}");
        collect(inner, &path, pointers);
        pointers.push(path);
    }
}
